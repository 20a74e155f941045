import assert from "node:assert/strict";
import {
  columnAt,
  condensed,
  joined,
  lastOf,
  timesOf,
  together,
} from "../../dashboard/series.ts";
import {
  type MemberSeries,
  SERIES_COLUMNS,
} from "../../src/node/telemetry_port.ts";

/** A member whose columns are all the same. */
function member(
  nodeId: number,
  points: readonly (readonly [at: number, value: number | null])[],
): MemberSeries {
  const values = points.map(([, value]) => value);
  return {
    nodeId,
    atMs: points.map(([at]) => at),
    columns: Object.fromEntries(
      SERIES_COLUMNS.map((name) => [name, values]),
    ) as unknown as MemberSeries["columns"],
  };
}

Deno.test("times go from the oldest point to the newest but two, at most so many", () => {
  const members = [
    member(1, [[1000, 1], [2000, 1], [5000, 1]]),
    member(2, [[2000, 1], [6000, 1]]),
  ];
  assert.deepEqual(timesOf(members, 1000, 100), [1000, 2000, 3000, 4000]);
  assert.deepEqual(timesOf(members, 1000, 2), [3000, 4000]);
  assert.deepEqual(timesOf([], 1000, 2), []);
  assert.deepEqual(timesOf([member(1, [])], 1000, 2), []);
});

Deno.test("where a member was not heard there is no value, and no zero", () => {
  const one = member(1, [[1000, 4], [3000, null], [5000, 0]]);
  assert.deepEqual(columnAt(one, "lag", [1000, 2000, 3000, 4000, 5000, 6000]), [
    4,
    null,
    null,
    null,
    0,
    null,
  ]);
});

Deno.test("two seconds without a report are no gap, a minute without one is", () => {
  const one = member(1, [[1000, 4], [4000, 7], [6000, 9]]);
  const seconds = [1000, 2000, 3000, 4000, 5000, 6000];
  assert.deepEqual(columnAt(one, "lag", seconds), [4, 4, 4, 7, 7, 9]);
  const slow = member(1, [[60_000, 4], [180_000, 7]]);
  assert.deepEqual(columnAt(slow, "lag", [60_000, 120_000, 180_000]), [
    4,
    null,
    7,
  ]);
});

Deno.test("members together: the sum or the worst of those that were heard", () => {
  const members = [
    member(1, [[1000, 4], [2000, 1]]),
    member(2, [[1000, 6]]),
  ];
  const times = [1000, 2000, 3000];
  assert.deepEqual(together(members, "lag", times, "sum"), [10, 1, null]);
  assert.deepEqual(together(members, "lag", times, "max"), [6, 1, null]);
});

Deno.test("newer points take the place of older ones, and the oldest go", () => {
  const [one, two, three] = joined(
    [member(1, [[1000, 1], [2000, 2]]), member(2, [[1000, 5]])],
    [member(1, [[2000, 7], [3000, 8]]), member(3, [[3000, 9]])],
    2,
  );
  assert.deepEqual(one!.atMs, [2000, 3000]);
  assert.deepEqual(one!.columns.lag, [7, 8]);
  assert.deepEqual(two!.atMs, [1000]);
  assert.equal(three!.nodeId, 3);
});

Deno.test("the last value is the last that is known", () => {
  assert.equal(lastOf([1, 0, null]), 0);
  assert.equal(lastOf([null]), null);
});

Deno.test("few points for many: the mean or the worst of those that go together by their times", () => {
  const times = [3000, 4000, 5000, 6000, 7000, 8000, 9000];
  const values = [1, 3, null, 5, null, null, 8];
  assert.deepEqual(condensed(times, values, 5, "mean"), {
    times: [3000, 4000, 6000, 8000],
    values: [1, 3, 5, 8],
  });
  assert.deepEqual(
    condensed(times, [1, 3, 4, 5, null, null, 8], 5, "max").values,
    [1, 4, 5, 8],
  );
  // A second later the same ones go together.
  assert.deepEqual(
    condensed(times.slice(1), values.slice(1), 5, "mean").times,
    [4000, 6000, 8000],
  );
  assert.deepEqual(condensed([], [], 5, "max"), { times: [], values: [] });
  for (const count of [2, 60, 61, 900, 1440]) {
    const many = Array.from({ length: count }, (_, at) => at * 1000 + 7000);
    const { times } = condensed(many, many, 60, "mean");
    assert.ok(times.length <= 60, `${times.length} of ${count}`);
  }
});
