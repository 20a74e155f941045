import assert from "node:assert/strict";
import fc from "fast-check";
import {
  archiveName,
  backupName,
  type BaseName,
  baseName,
} from "../../src/backup/names.ts";
import {
  archivesOf,
  planRestore,
  type Point,
  reachableRanges,
  wholePlan,
} from "../../src/backup/point_in_time.ts";
import { HiqliteError } from "../../src/errors.ts";

/** Entry n is written at 1,000 × n ms. */
const STEP = 1000;

function base(index: number, clusterId = "one"): BaseName {
  const backup = backupName({ nodeId: 1, unixSec: index });
  return { clusterId, index, timeMs: index * STEP, backup };
}

function segment(first: number, last: number, clusterId = "one"): string {
  return archiveName({ clusterId, first, last, term: 1, timeMs: last * STEP });
}

/** Names of the bases, their backups and the segments. */
function archives(bases: readonly BaseName[], segments: readonly string[]) {
  return archivesOf([
    ...segments,
    ...bases.map(baseName),
    ...bases.map(({ backup }) => backup),
  ]);
}

const at = (index: number): Point => ({ kind: "index", index });
const upTo = (timeMs: number): Point => ({ kind: "time", timeMs });

function planned(
  found: ReturnType<typeof archives>,
  point: Point,
  clusterId: string | null = null,
): { base: number; segments: string[] } {
  const plan = planRestore(found, point, clusterId);
  return {
    base: plan.base.index,
    segments: plan.segments.map(archiveName),
  };
}

function refusal(
  found: ReturnType<typeof archives>,
  point: Point,
  clusterId: string | null = null,
): string {
  try {
    planRestore(found, point, clusterId);
  } catch (error) {
    assert(error instanceof HiqliteError && error.code === "invalid");
    return error.message;
  }
  throw new assert.AssertionError({ message: "it was planned" });
}

const SEGMENTS = [segment(11, 20), segment(21, 30), segment(31, 40)];
const WHOLE = archives([base(10), base(25)], SEGMENTS);

Deno.test("planRestore() takes the newest backup at or before the point and what follows on it, no more", () => {
  assert.deepEqual(planned(WHOLE, at(10)), { base: 10, segments: [] });
  assert.deepEqual(planned(WHOLE, at(11)), {
    base: 10,
    segments: SEGMENTS.slice(0, 1),
  });
  assert.deepEqual(planned(WHOLE, at(24)), {
    base: 10,
    segments: SEGMENTS.slice(0, 2),
  });
  assert.deepEqual(planned(WHOLE, at(25)), { base: 25, segments: [] });
  assert.deepEqual(planned(WHOLE, at(40)), {
    base: 25,
    segments: SEGMENTS.slice(1),
  });
});

Deno.test("planRestore() by time goes on until something later is there, since entries of the same moment belong to it", () => {
  assert.deepEqual(planned(WHOLE, upTo(19_999)).segments, [SEGMENTS[0]]);
  assert.deepEqual(planned(WHOLE, upTo(20_000)), {
    base: 10,
    segments: SEGMENTS.slice(0, 2),
  });
  assert.deepEqual(planned(WHOLE, upTo(39_999)), {
    base: 25,
    segments: SEGMENTS.slice(1),
  });
});

Deno.test("planRestore() refuses what is before the oldest, after the newest or in a gap, and says what can be restored", () => {
  assert.match(
    refusal(WHOLE, at(9)),
    /^Index 9 is before the oldest backup of cluster one\. What can be restored: of cluster one index 10 to 40 \(1970-01-01T00:00:10\.000Z to 1970-01-01T00:00:39\.999Z\)/,
  );
  assert.match(refusal(WHOLE, upTo(9_999)), /before the oldest backup/);
  assert.match(
    refusal(WHOLE, at(41)),
    /Index 41 is after what is archived of cluster one, up to index 40\./,
  );
  assert.match(
    refusal(WHOLE, upTo(40_000)),
    /The time 1970-01-01T00:00:40\.000Z is after what is archived of cluster one, up to 1970-01-01T00:00:39\.999Z/,
    "more of that millisecond may not be archived yet",
  );
  const gap = archives([base(10)], [SEGMENTS[0]!, SEGMENTS[2]!]);
  for (const point of [at(21), at(35), upTo(20_500), upTo(35_000)]) {
    assert.match(
      refusal(gap, point),
      /the entries 21 to 30 are missing in the archive\. What can be restored: of cluster one index 10 to 20 /,
    );
  }
  // A later backup closes the gap.
  const closed = archives([base(10), base(30)], [SEGMENTS[0]!, SEGMENTS[2]!]);
  assert.deepEqual(planned(closed, at(35)), {
    base: 30,
    segments: [SEGMENTS[2]],
  });
  assert.match(refusal(closed, at(25)), /the entries 21 to 29 are missing/);
  assert.match(refusal(closed, at(25)), /10 to 20 .*, index 30 to 40 /);
});

Deno.test("planRestore() counts no backup that is gone, and nothing without one", () => {
  const names = [...SEGMENTS, baseName(base(10)), baseName(base(25))];
  const gone = archivesOf([...names, base(10).backup]);
  assert.equal(planned(gone, at(40)).base, 10);
  assert.match(
    refusal(archivesOf(names), at(20)),
    /^The log of cluster one is archived, index 11 to 40, and no backup that it follows on.*of cluster one nothing/,
  );
  assert.match(refusal([], at(20)), /backup_log_interval/);
});

Deno.test("planRestore() asks which cluster is meant if more than one has the point", () => {
  const both = archives([base(10), base(12, "two")], [
    ...SEGMENTS,
    segment(13, 50, "two"),
  ]);
  assert.match(
    refusal(both, at(20)),
    /in the archives of 2 clusters.*--cluster.*cluster one index 10 to 40 .*cluster two index 12 to 50 /,
  );
  assert.equal(planned(both, at(20), "two").base, 12);
  assert.equal(planned(both, at(45)).base, 12);
  assert.match(refusal(both, at(45), "one"), /after what is archived/);
  assert.match(refusal(both, at(60)), /cluster one .*; .*cluster two/);
  assert.match(refusal(both, at(20), "three"), /of a cluster three/);
});

Deno.test("planRestore() passes over segments that others hold, as two leaders leave them", () => {
  const doubled = archives([base(10)], [
    segment(11, 15),
    segment(11, 20),
    segment(14, 18),
    segment(16, 30),
  ]);
  assert.deepEqual(planned(doubled, at(30)), {
    base: 10,
    segments: [segment(11, 20), segment(16, 30)],
  });
});

Deno.test("reachableRanges() joins what has no gap, and wholePlan() goes to its end", () => {
  const [archive] = WHOLE;
  assert.deepEqual(reachableRanges(archive!), [{
    firstIndex: 10,
    firstTimeMs: 10_000,
    lastIndex: 40,
    lastTimeMs: 39_999,
  }]);
  const { segments, point } = wholePlan(archive!, base(25));
  assert.deepEqual(segments.map(archiveName), SEGMENTS.slice(1));
  assert.deepEqual(point, at(40));
});

Deno.test("planRestore() plans exactly the points that can be reached, whatever is there", () => {
  const place = fc.integer({ min: 1, max: 30 });
  fc.assert(
    fc.property(
      fc.uniqueArray(place, { minLength: 1, maxLength: 4 }),
      fc.uniqueArray(
        fc.tuple(place, fc.integer({ min: 0, max: 6 })),
        { maxLength: 10, selector: ([first, more]) => `${first}+${more}` },
      ),
      place,
      (bases, parts, index) => {
        const found = archives(
          bases.map((each) => base(each)),
          parts.map(([first, more]) => segment(first, first + more)),
        );
        const held = (wanted: number): boolean =>
          parts.some(([first, more]) =>
            first <= wanted && wanted <= first + more
          );
        const begin = Math.max(...bases.filter((each) => each <= index));
        let possible = begin > 0;
        for (let next = begin + 1; possible && next <= index; next++) {
          possible = held(next);
        }
        const inRange = reachableRanges(found[0]!).some((range) =>
          range.firstIndex <= index && index <= range.lastIndex
        );
        assert.equal(inRange, possible);
        if (!possible) return void refusal(found, at(index));
        const plan = planRestore(found, at(index), null);
        let last = plan.base.index;
        assert.equal(last, begin);
        for (const each of plan.segments) {
          assert(each.first <= last + 1 && each.last > last);
          last = each.last;
        }
        assert(last >= index);
      },
    ),
    { numRuns: 500 },
  );
});
