import assert from "node:assert/strict";
import fc from "fast-check";
import { TokenBucket } from "../../src/server/token_bucket.ts";

Deno.test("a bucket lets its burst pass at once, then one for each part of a second", () => {
  const bucket = new TokenBucket({ perSecond: 4, burst: 2 }, 1000);
  assert.deepEqual([1000, 1000].map((now) => bucket.take(now)), [0, 0]);
  assert.equal(bucket.take(1000), 250);
  assert.equal(bucket.take(1100), 150);
  assert.equal(bucket.take(1250), 0);
  assert.equal(bucket.take(1250), 250);
  // A pause fills it, and never beyond its burst.
  assert.equal(bucket.isFull(1700), false);
  assert.equal(bucket.isFull(9000), true);
  assert.deepEqual([9000, 9000, 9000].map((now) => bucket.take(now)), [
    0,
    0,
    250,
  ]);
});

Deno.test("whenever requests come, no more pass than burst and rate allow, and a wait that was told suffices", () => {
  const rate = fc.record({
    perSecond: fc.integer({ min: 1, max: 1000 }),
    burst: fc.integer({ min: 1, max: 50 }),
  });
  const pauses = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), {
    maxLength: 300,
  });
  fc.assert(fc.property(rate, pauses, (rate, pauses) => {
    const bucket = new TokenBucket(rate, 0);
    let now = 0;
    let passed = 0;
    for (const pause of pauses) {
      now += pause;
      const wait = bucket.take(now);
      if (wait === 0) passed++;
      else {
        assert.ok(wait > 0 && wait <= 1000 / rate.perSecond + 1e-6);
        now += wait + 1e-6;
        assert.equal(bucket.take(now), 0);
        passed++;
      }
      const most = rate.burst + now / 1000 * rate.perSecond;
      assert.ok(passed <= most + 1e-6, `${passed} of ${most}`);
    }
  }));
});
