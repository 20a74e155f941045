import assert from "node:assert/strict";
import { KeyOrder } from "../../../src/state/kv/memory/key_order.ts";
import { Shards } from "../../../src/state/kv/memory/shards.ts";
import { SeededRandom } from "../../../src/util/random.ts";

Deno.test("the oldest key is the one with the smallest version, in whatever order keys came", () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = new SeededRandom(seed);
  const below = (limit: number): number => random.uint32() % limit;
  for (const scattered of [false, true]) {
    const versions = new Map<string, number>();
    // A slot is its version here.
    const shards = new Shards((slot) => slot);
    let next = 1;
    for (let i = 0; i < 5_000; i++) {
      const key = `k${below(300)}`;
      if (below(3) === 0) {
        assert.equal(shards.remove(key), versions.get(key));
        versions.delete(key);
      } else {
        const version = scattered ? 1 + below(1_000_000) : next++;
        if (versions.has(key)) shards.remove(key);
        shards.add(key, version, version);
        versions.set(key, version);
      }
      if (below(4) > 0) continue;
      const smallest = Math.min(...versions.values());
      const oldest = shards.oldest();
      const found = oldest === null ? Infinity : versions.get(oldest);
      assert.equal(found, smallest, `seed ${seed}`);
      assert.equal(shards.size, versions.size);
    }
    assert.deepEqual(new Map(shards), versions);
    while (shards.size > 0) shards.remove(shards.oldest()!);
    assert.equal(shards.oldest(), null);
  }
});

Deno.test("keys that are read while others come and go and all are sorted are told of once, with their present slots", () => {
  const shards = new Shards((slot) => slot);
  for (let i = 0; i < 2_000; i++) shards.add(`k${i}`, 5_000 - i, 5_000 - i);
  const seen: string[] = [];
  for (const [key, slot] of shards) {
    assert.equal(slot, shards.get(key));
    seen.push(key);
    if (seen.length !== 500) continue;
    for (let i = 0; i < 2_000; i += 2) shards.remove(`k${i}`);
    assert.equal(shards.oldest(), "k1999");
    for (let i = 0; i < 2_000; i += 4) {
      shards.add(`k${i}`, 9_000 + i, 9_000 + i);
    }
  }
  const odd = seen.filter((key) => Number(key.slice(1)) % 2 === 1);
  assert.equal(odd.length, 1_000);
  assert.equal(new Set(odd).size, 1_000);
});

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
