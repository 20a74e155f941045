import assert from "node:assert/strict";
import { Schedule } from "../../../src/backup/schedule.ts";
import type { BackupRecord } from "../../../src/state/backups/types.ts";
import { uploaderOf } from "../../../src/node/backups/uploader.ts";
import type { RaftStatus } from "../../../src/raft/io.ts";
import { Conducting, RememberedBackups } from "./scene.ts";

/** 2026-03-02, noon. */
const NOON = Date.UTC(2026, 2, 2, 12);
const EACH_MINUTE = new Schedule("0 * * * * * *", "UTC", NOON);
const HOURLY = new Schedule("0 0 * * * * *", "UTC", NOON);

/** Says of the one that runs that it is taken. */
function take(remembered: RememberedBackups): void {
  const { id } = remembered.records.at(-1)!;
  remembered.propose({
    kind: "done",
    id,
    place: "store",
    at: 1,
    contents: {
      index: 1,
      term: 1,
      timeMs: 1,
      hash: 1,
      size: 1,
      sha256: "0".repeat(64),
    },
  });
}

function begin(remembered: RememberedBackups): BackupRecord {
  remembered.propose({
    kind: "begin",
    id: "asked",
    cluster: "c1",
    at: 1,
    slot: null,
    name: "x.sqlite",
    uploader: "2.b",
  });
  return remembered.records[0]!;
}

Deno.test("the leader begins one backup for each time of the schedule, by the most advanced voter that does not lead", async () => {
  const remembered = new RememberedBackups();
  const member = new Conducting(remembered, {
    schedule: EACH_MINUTE,
    wallMs: NOON + 500,
  });
  for (let minute = 1; minute <= 3; minute++) {
    await member.pass(60_000);
    take(remembered);
  }
  assert.deepEqual(
    remembered.records.map(({ slot, uploader }) => [slot, uploader]),
    [1, 2, 3].map((n) => [NOON + n * 60_000, "3.c"]),
  );
  const names = remembered.records.map(({ name }) => name);
  assert.equal(new Set(names).size, 3);
  assert.match(names[0]!, /^backup_node_3_\d{10}\.sqlite$/);
});

Deno.test("who does not lead begins nothing", async () => {
  const remembered = new RememberedBackups();
  const member = new Conducting(remembered, {
    schedule: EACH_MINUTE,
    wallMs: NOON,
  });
  member.role = "follower";
  await member.pass(180_000);
  assert.deepEqual(remembered.operations, []);
});

Deno.test("leaders whose clocks are 90 s apart begin no time of the schedule twice", async () => {
  const remembered = new RememberedBackups();
  const fast = new Conducting(remembered, {
    schedule: EACH_MINUTE,
    wallMs: NOON + 90_000,
  });
  const slow = new Conducting(remembered, {
    self: "2.b",
    schedule: EACH_MINUTE,
    wallMs: NOON,
  });
  for (let minute = 0; minute < 10; minute++) {
    for (let second = 0; second < 60; second += 10) {
      const [leads, other] = minute < 5 ? [fast, slow] : [slow, fast];
      leads.role = "leader";
      other.role = "follower";
      await fast.pass(10_000);
      await slow.pass(10_000);
      if (remembered.records.at(-1)?.state === "running") take(remembered);
    }
  }
  const slots = remembered.records.map(({ slot }) => slot!);
  assert.equal(new Set(slots).size, slots.length);
  assert.deepEqual(slots, slots.toSorted((a, b) => a - b));
  assert.ok(slots.length >= 8, `${slots.length}`);
  const begun = remembered.operations.filter(({ kind }) => kind === "begin");
  assert.equal(begun.length, slots.length);
});

Deno.test("what was missed while all members were down is caught up with one backup, of the last time", async () => {
  const remembered = new RememberedBackups();
  const before = new Conducting(remembered, {
    schedule: HOURLY,
    wallMs: NOON - 2_000,
  });
  await before.pass(3_000);
  take(remembered);
  const after = new Conducting(remembered, {
    schedule: HOURLY,
    wallMs: NOON + 5 * 3_600_000 + 1_000,
  });
  await after.pass(3_000);
  assert.deepEqual(remembered.records.map(({ slot }) => slot), [
    NOON,
    NOON + 5 * 3_600_000,
  ]);
  take(remembered);
  await after.pass(60_000);
  assert.equal(remembered.records.length, 2);
});

Deno.test("a new cluster has missed nothing", async () => {
  const remembered = new RememberedBackups();
  const member = new Conducting(remembered, {
    schedule: HOURLY,
    wallMs: NOON + 600_000,
  });
  await member.pass(600_000);
  assert.deepEqual(remembered.operations, []);
});

Deno.test("a backup of the schedule that failed is tried again after an hour", async () => {
  const remembered = new RememberedBackups();
  const daily = new Schedule("0 0 12 * * * *", "UTC", NOON);
  const member = new Conducting(remembered, {
    schedule: daily,
    wallMs: NOON - 1_000,
  });
  await member.pass(1_000);
  const [{ id }] = remembered.records as [BackupRecord];
  remembered.propose({
    kind: "failed",
    id,
    attempt: 1,
    at: NOON,
    error: "no",
    last: true,
  });
  await member.pass(59 * 60_000);
  assert.equal(remembered.records.length, 1);
  await member.pass(2 * 60_000);
  assert.equal(remembered.records.length, 2);
  assert.equal(remembered.records[1]!.slot, NOON);
});

Deno.test("somebody else takes a backup whose uploader is gone for 30 s, not one whose link broke for less", async () => {
  const remembered = new RememberedBackups();
  const member = new Conducting(remembered);
  begin(remembered);
  member.reached.delete("2.b");
  await member.pass(20_000);
  member.reached.add("2.b");
  await member.pass(2_000);
  member.reached.delete("2.b");
  await member.pass(29_000);
  assert.equal(remembered.records[0]!.attempt, 1);
  await member.pass(3_000);
  assert.equal(remembered.records[0]!.attempt, 2);
  assert.equal(remembered.records[0]!.uploader, "3.c");
});

Deno.test("somebody else takes a backup that does not come to its end in 15 minutes", async () => {
  const remembered = new RememberedBackups();
  const member = new Conducting(remembered);
  begin(remembered);
  await member.pass(14 * 60_000);
  assert.equal(remembered.records[0]!.attempt, 1);
  await member.pass(2 * 60_000);
  assert.equal(remembered.records[0]!.attempt, 2);
  assert.equal(remembered.records[0]!.uploader, "3.c");
});

Deno.test("an attempt that failed is followed by others, with longer rests, and after five the backup has failed", async () => {
  const remembered = new RememberedBackups();
  const member = new Conducting(remembered);
  begin(remembered);
  const tried: string[] = [];
  for (let attempt = 1; attempt <= 5; attempt++) {
    const record = remembered.records[0]!;
    assert.equal(record.attempt, attempt);
    tried.push(record.uploader);
    remembered.propose({
      kind: "failed",
      id: record.id,
      attempt,
      at: 1,
      error: `reason ${attempt}`,
      last: false,
    });
    await member.pass(10_000 * attempt - 1_000);
    assert.equal(remembered.records[0]!.attempt, attempt);
    await member.pass(3_000);
  }
  assert.deepEqual(tried, ["2.b", "3.c", "2.b", "3.c", "2.b"]);
  const { state, error } = remembered.records[0]!;
  assert.deepEqual([state, error], ["failed", "reason 5"]);
});

Deno.test("a leader without reachable voters takes it itself, a follower is asked to take its own", () => {
  const status = (rest: Partial<RaftStatus>): RaftStatus => ({
    id: "1.a",
    leader: "1.a",
    config: { voters: ["1.a", "2.b", "3.c"] },
    progress: [],
    ...rest,
  } as unknown as RaftStatus);
  assert.equal(uploaderOf(status({}), () => false, null), "1.a");
  assert.equal(uploaderOf(status({}), () => false, "1.a"), "1.a");
  assert.equal(
    uploaderOf(status({ id: "3.c" }), (member) => member !== "3.c", null),
    "3.c",
  );
  assert.equal(
    uploaderOf(status({ id: "9.x" }), () => true, null),
    "2.b",
  );
});

Deno.test("the newest backup is looked at once for each time of that schedule, by a voter that does not lead", async () => {
  const remembered = new RememberedBackups();
  const member = new Conducting(remembered, {
    verify: EACH_MINUTE,
    wallMs: NOON + 500,
  });
  begin(remembered);
  take(remembered);
  await member.pass(50_000);
  assert.equal(remembered.records[0]!.check, undefined);
  await member.pass(15_000);
  const slot = NOON + 60_000;
  assert.deepEqual(remembered.records[0]!.check, { slot, by: "3.c" });
  await member.pass(20_000);
  remembered.propose({
    kind: "checked",
    id: "asked",
    slot,
    at: 1,
    problem: null,
  });
  await member.pass(10_000);
  const { check, checked } = remembered.records[0]!;
  assert.deepEqual([check, checked], [undefined, {
    slot,
    at: 1,
    problem: null,
  }]);
  const asked = remembered.operations.filter(({ kind }) => kind === "check");
  assert.equal(asked.length, 1);
});

Deno.test("somebody else looks at a backup if who was to is gone for 30 s", async () => {
  const remembered = new RememberedBackups();
  const member = new Conducting(remembered, {
    verify: HOURLY,
    wallMs: NOON - 1_000,
  });
  begin(remembered);
  take(remembered);
  await member.pass(3_000);
  assert.equal(remembered.records[0]!.check?.by, "3.c");
  member.reached.delete("3.c");
  await member.pass(28_000);
  assert.equal(remembered.records[0]!.check?.by, "3.c");
  await member.pass(4_000);
  assert.equal(remembered.records[0]!.check?.by, "2.b");
});

Deno.test("an archived log that follows on no backup in the store has one begun, again a minute after it failed, and none once there is one", async () => {
  const remembered = new RememberedBackups();
  const member = new Conducting(remembered, {
    logIntervalMs: 10_000,
    wallMs: NOON,
  });
  const ids = () => remembered.records.map(({ id }) => id);
  await member.pass(5_000);
  assert.deepEqual(ids(), []);
  remembered.archived = { cluster: "c1", after: 1, through: 9 };
  await member.pass(1_000);
  assert.deepEqual(ids(), ["archive-1-1"]);
  remembered.propose({
    kind: "failed",
    id: "archive-1-1",
    attempt: 1,
    at: member.wallMs,
    error: "no room",
    last: true,
  });
  await member.pass(58_000);
  assert.equal(ids().length, 1);
  await member.pass(3_000);
  assert.equal(ids().at(-1), "archive-1-2");
  // It ends at index 1.
  take(remembered);
  await member.pass(120_000);
  assert.equal(ids().length, 2);
  // After a gap it is of no use any more.
  remembered.archived = { cluster: "c1", after: 50, through: 60 };
  await member.pass(1_000);
  assert.equal(ids().at(-1), "archive-50-1");
});
