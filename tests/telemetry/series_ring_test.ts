import assert from "node:assert/strict";
import fc from "fast-check";
import { SeriesRing } from "../../src/telemetry/series_ring.ts";

Deno.test("values of one step become one: the mean of rates, the worst of the rest", () => {
  const ring = new SeriesRing(3, 1_000, ["mean", "worst"]);
  ring.put(5_000, [1, 1]);
  ring.put(5_900, [3, null]);
  ring.put(5_999, [2, 9]);
  ring.put(7_000, [null, null]);
  assert.deepEqual(ring.read(0), {
    atMs: [5_000, 7_000],
    columns: [[2, null], [9, null]],
  });
  assert.deepEqual(ring.read(5_001).atMs, [7_000]);
});

Deno.test("a ring has what came in the last steps, whatever the clock does", () => {
  const model = (
    moments: readonly number[],
    capacity: number,
  ): Map<number, number> => {
    const steps = new Map<number, number>();
    let newest = -1;
    for (const ms of moments) {
      const step = Math.floor(ms / 10);
      if (step <= newest - capacity) continue;
      newest = Math.max(newest, step);
      steps.set(step, Math.max(steps.get(step) ?? 0, ms));
    }
    for (const step of [...steps.keys()]) {
      if (step <= newest - capacity) steps.delete(step);
    }
    return steps;
  };
  fc.assert(fc.property(
    fc.array(fc.nat(400), { maxLength: 60 }),
    fc.integer({ min: 1, max: 12 }),
    (moments, capacity) => {
      const ring = new SeriesRing(capacity, 10, ["worst"]);
      for (const ms of moments) ring.put(ms, [ms]);
      const expected = [...model(moments, capacity)].sort(([a], [b]) => a - b);
      assert.deepEqual(ring.read(0), {
        atMs: expected.map(([step]) => step * 10),
        columns: [expected.map(([, worst]) => worst)],
      });
    },
  ));
});
