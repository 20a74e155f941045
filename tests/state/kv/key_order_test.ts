import assert from "node:assert/strict";
import { KeyOrder } from "../../../src/state/kv/memory/key_order.ts";
import { SeededRandom } from "../../../src/util/random.ts";

Deno.test("an order of keys that is filled while keys come and go has them all in the end", () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = new SeededRandom(seed);
  const below = (limit: number): number => random.uint32() % limit;
  for (const ends of [true, false]) {
    const keys = new Map<string, true>();
    for (let i = 0; i < 3_000; i++) keys.set(`k${below(10_000)}`, true);
    const order = new KeyOrder(keys.keys());
    for (let i = 0; i < 2_000; i++) {
      const key = `k${below(10_000)}`;
      if (below(2) === 0) {
        keys.set(key, true);
        order.add(key);
      } else {
        keys.delete(key);
        order.remove(key);
      }
      if (ends || i < 1_000) order.fill(below(4));
    }
    order.complete(keys.keys());
    const sorted = [...keys.keys()].sort();
    const all = { start: "", end: null, limit: 1e9 };
    assert.deepEqual(order.range({ ...all, reverse: false }), sorted);
    assert.deepEqual(order.range({ ...all, reverse: true }), sorted.reverse());
    assert.equal(order.fill(1), true, `seed ${seed}`);
  }
});
