import assert from "node:assert/strict";
import fc from "fast-check";
import { archiveName, backupName, baseName } from "../../src/backup/names.ts";
import {
  expiredObjects,
  type KnownBackup,
  type KnownSegment,
  type RetentionState,
} from "../../src/backup/retention.ts";

const NOW = Date.UTC(2026, 10, 27);
const DAY = 86_400_000;

function backup(
  daysAgo: number,
  about: Partial<KnownBackup> = {},
): KnownBackup {
  const unixSec = Math.round((NOW - daysAgo * DAY) / 1000);
  return {
    name: backupName({ nodeId: 1, unixSec }),
    verified: false,
    ...about,
  };
}

function segment(
  first: number,
  daysAgo: number,
  clusterId = "one",
): KnownSegment {
  return {
    name: archiveName({
      clusterId,
      first,
      last: first + 99,
      term: 1,
      timeMs: NOW - daysAgo * DAY,
    }),
    modifiedMs: NOW - daysAgo * DAY,
  };
}

function expired(state: Partial<RetentionState>): readonly string[] {
  return expiredObjects({
    backups: [],
    segments: [],
    bases: [],
    nowMs: NOW,
    keepDays: 30,
    lastRunSucceeded: true,
    ...state,
  });
}

const names = (objects: readonly { name: string }[]) =>
  objects.map(({ name }) => name);

Deno.test("expiredObjects() gives what is older than the days, by its name's time", () => {
  const old = [backup(40), backup(30.1)];
  assert.deepEqual(
    expired({ backups: [backup(1), ...old, backup(29.9)] }).toSorted(),
    names(old).toSorted(),
  );
});

Deno.test("expiredObjects() gives nothing after a failed run", () => {
  const backups = [backup(1), backup(40)];
  assert.deepEqual(expired({ backups, lastRunSucceeded: false }), []);
});

Deno.test("expiredObjects() never gives the newest, nor the newest verified one", () => {
  const verified = backup(40, { verified: true });
  const older = backup(41, { verified: true });
  const backups = [backup(35), older, verified, backup(34)];
  assert.deepEqual(
    expired({ backups }).toSorted(),
    names([older, backups[0]!]).toSorted(),
  );
  for (const keepDays of [0, 1]) {
    assert.deepEqual(expired({ backups: [backup(2)], keepDays }), []);
  }
});

Deno.test("expiredObjects() gives no name that is not ours", () => {
  const foreign = [
    "report.csv",
    "backup_node_1_1.sqlite.bak",
    "old/backup_node_1_1.sqlite",
    "log/one/readme",
  ];
  const backups = foreign.map((name) => ({ name, verified: false }));
  const segments = foreign.map((name) => ({ name, modifiedMs: 0 }));
  assert.deepEqual(
    expired({ backups: [...backups, backup(1)], segments, keepDays: 0 }),
    [],
  );
});

Deno.test("expiredObjects() keeps the backup and the log that the window's begin is restored from", () => {
  const base = backup(31, { index: 150, clusterId: "one" });
  const older = backup(45, { index: 40, clusterId: "one" });
  const newer = backup(3, { index: 900, clusterId: "one" });
  // Ends at 100, 200 (with what comes after the base), 300.
  const segments = [segment(1, 45), segment(101, 31), segment(201, 29)];
  assert.deepEqual(
    expired({ backups: [newer, base, older], segments }).toSorted(),
    [older.name, segments[0]!.name].toSorted(),
  );
});

Deno.test("expiredObjects() keeps log that no backup known to be of its cluster covers", () => {
  const segments = [segment(1, 45), segment(101, 31)];
  const unknown = backup(31);
  const other = backup(31.5, { index: 10_000, clusterId: "two" });
  const own = backup(1, { index: 90, clusterId: "one" });
  assert.deepEqual(
    expired({ backups: [unknown, other, own], segments }),
    names([other, unknown]),
  );
});

Deno.test("expiredObjects() gives all of a cluster that another took the place of before the window", () => {
  const base = backup(60, { index: 10, clusterId: "one" });
  const segments = [segment(1, 60), segment(101, 50)];
  const current = backup(1, { index: 5, clusterId: "two" });
  assert.deepEqual(
    expired({ backups: [base, current], segments }).toSorted(),
    names([base, ...segments]).toSorted(),
  );
  const within = [...segments, segment(201, 29)];
  assert.deepEqual(expired({ backups: [base, current], segments: within }), []);
  // A cluster that writes nothing is not over.
  const own = backup(40, { index: 10, clusterId: "one" });
  assert.deepEqual(expired({ backups: [own], segments }), []);
});

const anyBackup = fc.record({
  daysAgo: fc.integer({ min: 0, max: 100 }),
  index: fc.option(fc.integer({ min: 0, max: 3000 }), { nil: undefined }),
  clusterId: fc.constantFrom("one", "two", undefined),
  verified: fc.boolean(),
}).map(({ daysAgo, index, clusterId, verified }) =>
  backup(daysAgo, {
    verified,
    ...(index === undefined ? {} : { index }),
    ...(clusterId === undefined ? {} : { clusterId }),
  })
);
const anySegment = fc.tuple(
  fc.integer({ min: 0, max: 30 }),
  fc.integer({ min: 0, max: 100 }),
  fc.constantFrom("one", "two"),
).map(([place, daysAgo, clusterId]) =>
  segment(1 + 100 * place, daysAgo, clusterId)
);

Deno.test("expiredObjects() leaves all that a restore within the window needs", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyBackup, {
        maxLength: 12,
        selector: ({ name }) => name,
      }),
      fc.uniqueArray(anySegment, {
        maxLength: 20,
        selector: ({ name }) => name,
      }),
      fc.integer({ min: 0, max: 60 }),
      (backups, segments, keepDays) => {
        const gone = new Set(expired({ backups, segments, keepDays }));
        const windowMs = NOW - keepDays * DAY;
        const atMs = ({ name }: KnownBackup) =>
          Number(/_(\d+)\./.exec(name)![1]) * 1000;
        for (const each of backups) {
          if (atMs(each) >= windowMs) {
            assert(
              !gone.has(each.name),
              "within the window",
            );
          }
        }
        const byAge = backups.toSorted((a, b) => atMs(b) - atMs(a));
        const verified = byAge.filter((each) => each.verified);
        for (const newest of [byAge[0], verified[0]]) {
          assert(newest === undefined || !gone.has(newest.name), "the newest");
        }
        // What covers the log is kept as long as log that comes after it.
        for (const each of segments.filter(({ name }) => gone.has(name))) {
          const last = parseInt(each.name.slice(25, 41), 16);
          const clusterId = each.name.slice(4, 7);
          const covering = backups.some((other) =>
            other.clusterId === clusterId && other.index !== undefined &&
            other.index >= last && atMs(other) < windowMs
          );
          const over = each.modifiedMs < windowMs;
          assert(covering || over, "log without a backup that covers it");
        }
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("expiredObjects() gives the note of a backup that goes or is gone, and of no other", () => {
  const [kept, old] = [backup(1), backup(40)];
  const noteOf = (name: string, index: number) => ({
    clusterId: "one",
    index,
    timeMs: NOW,
    backup: name,
  });
  const bases = [
    noteOf(kept.name, 9),
    noteOf(old.name, 5),
    noteOf("backup_node_1_1000.sqlite", 1),
  ];
  assert.deepEqual(
    expired({ backups: [kept, old], bases }),
    [old.name, ...bases.slice(1).map(baseName)],
  );
});
