import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BUCKETS_MS,
  Histogram,
  quantileMs,
} from "../../src/telemetry/histogram.ts";
import { Outcomes } from "../../src/telemetry/outcomes.ts";
import { Timings } from "../../src/telemetry/timings.ts";

const MS = fc.double({ min: 0, max: 20_000, noNaN: true });

Deno.test("a histogram counts each value in the bucket that it does not exceed", () => {
  const histogram = new Histogram();
  for (const ms of [0, 0.1, 0.11, 10_000, 10_001]) histogram.record(ms);
  assert.deepEqual(histogram.counts[0], 2);
  assert.deepEqual(histogram.counts[1], 1);
  assert.deepEqual(histogram.counts[BUCKETS_MS.length - 1], 1);
  assert.deepEqual(histogram.counts[BUCKETS_MS.length], 1);
  assert.equal(histogram.count, 5);
  assert.equal(histogram.sumMs, 20_001.21);
});

Deno.test("a quantile is the end of the bucket that has it, never below the true one", () => {
  fc.assert(fc.property(
    fc.array(MS, { minLength: 1, maxLength: 300 }),
    fc.double({ min: 0.01, max: 1, noNaN: true }),
    (values, share) => {
      const histogram = new Histogram();
      for (const ms of values) histogram.record(ms);
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(share * values.length) - 1]!;
      assert.equal(
        quantileMs(histogram.counts, share),
        BUCKETS_MS.find((end) => exact <= end) ?? Infinity,
      );
    },
  ));
  assert.equal(quantileMs(new Histogram().counts, 0.5), null);
});

Deno.test("merged histograms are the histogram of all", () => {
  fc.assert(fc.property(fc.array(MS), fc.array(MS), (some, others) => {
    const [a, b, all] = [new Histogram(), new Histogram(), new Histogram()];
    for (const ms of some) a.record(ms);
    for (const ms of others) b.record(ms);
    for (const ms of [...some, ...others]) all.record(ms);
    a.merge(b);
    assert.deepEqual(a.counts, all.counts);
    assert.ok(Math.abs(a.sumMs - all.sumMs) < 1e-6);
  }));
});

Deno.test("what is recent is what happened in the last ten seconds", () => {
  const timings = new Timings();
  assert.equal(timings.recent(), null);
  timings.record(300);
  timings.record(3);
  assert.deepEqual(timings.recent(), {
    count: 2,
    p50Ms: 5,
    p99Ms: 300,
    maxMs: 300,
  });
  for (let i = 0; i < 9; i++) timings.tick();
  timings.record(0.2);
  assert.equal(timings.recent()!.count, 3);
  timings.tick();
  assert.deepEqual(timings.recent(), {
    count: 1,
    p50Ms: 0.2,
    p99Ms: 0.2,
    maxMs: 0.2,
  });
  assert.equal(timings.all.count, 3);
  for (let i = 0; i < 10; i++) timings.tick();
  assert.equal(timings.recent(), null);
});

Deno.test("outcomes tell what was done from what failed, and why", () => {
  const outcomes = new Outcomes();
  outcomes.record(1, null);
  outcomes.record(2, "no_leader");
  outcomes.record(3, "no_leader");
  assert.equal(outcomes.done, 1);
  assert.equal(outcomes.failed, 2);
  assert.deepEqual([...outcomes.failures], [["no_leader", 2]]);
  assert.equal(outcomes.times.all.count, 3);
});
