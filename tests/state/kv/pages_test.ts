import assert from "node:assert/strict";
import { offsetOf, Pages } from "../../../src/state/kv/memory/pages.ts";
import { MemoryKvStore } from "../../../src/state/kv/memory/store.ts";
import { SeededRandom } from "../../../src/util/random.ts";
import { cacheOf, positionAt } from "./store_subject.ts";

const MIB = 1024 * 1024;

Deno.test("slots do not overlap, are as large as asked for, and their pages are given back", () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = new SeededRandom(seed);
  const below = (limit: number): number => random.uint32() % limit;
  const pages = new Pages();
  const taken: { slot: number; size: number; fill: number }[] = [];
  const bytesOf = ({ slot, size }: { slot: number; size: number }) => {
    const offset = offsetOf(slot);
    return pages.pageOf(slot).bytes.subarray(offset, offset + size);
  };
  const check = (one: typeof taken[number]): void => {
    const bytes = bytesOf(one);
    assert.equal(bytes.length, one.size);
    const right = bytes.every((byte) => byte === one.fill);
    assert.ok(right, `seed ${seed}: ${Deno.inspect(one)}`);
  };
  for (let i = 0; i < 20_000; i++) {
    if (below(100) < 55) {
      const size = below(3) === 0 ? 1 + below(70_000) : 1 + below(300);
      const one = { slot: pages.take(size), size, fill: below(256) };
      assert.equal(one.slot, one.slot | 0);
      bytesOf(one).fill(one.fill);
      taken.push(one);
    } else if (taken.length > 0) {
      const at = below(taken.length);
      const one = taken[at]!;
      taken[at] = taken.at(-1)!;
      taken.pop();
      check(one);
      pages.give(one.slot);
    }
  }
  for (const one of taken) {
    check(one);
    pages.give(one.slot);
  }
  // One page of each size that was in use, and some spare ones.
  assert.ok(pages.count < 60, `${pages.count} pages are left`);
});

Deno.test("a slot is at most a quarter larger than what it holds", () => {
  for (const size of [24, 100, 128, 129, 1000, 5000, 33_000, 65_560]) {
    const pages = new Pages();
    let count = 0;
    while (pages.count < 2) {
      pages.take(size);
      count++;
    }
    const each = MIB / (count - 1);
    assert.ok(each <= Math.max(size * 1.35, 33), `${each} bytes for ${size}`);
  }
});

Deno.test("memory follows what is stored, whatever sizes values have had", () => {
  const store = new MemoryKvStore();
  store.begin();
  store.saveCache(cacheOf(1));
  let version = 0;
  const put = (key: number, size: number): void =>
    store.putEntry(1, `k${key}`, {
      kind: "bytes",
      bytes: new Uint8Array(size),
      version: ++version,
      deadlineMs: 0,
    });
  for (const size of [100, 300, 1_000, 70_000, 100]) {
    const count = Math.min(Math.floor(8 * MIB / size), 20_000);
    for (let i = 0; i < count; i++) put(i, size);
    for (let i = count; i < 20_000; i++) store.deleteEntry(1, `k${i}`);
    const stored = count * size;
    assert.ok(
      store.valueMemory < 1.7 * stored + 20 * MIB,
      `${store.valueMemory} for ${stored}`,
    );
  }
  store.close();
});

Deno.test("what a removed cache held is given back by and by, and no deadline of it is told", () => {
  const store = new MemoryKvStore();
  store.begin();
  store.saveCache(cacheOf(1));
  for (let i = 0; i < 30_000; i++) {
    store.putEntry(1, `k${i}`, {
      kind: "bytes",
      bytes: new Uint8Array(1_000),
      version: i + 1,
      deadlineMs: 5,
    });
  }
  store.commit(positionAt(1));
  assert.ok(store.valueMemory > 28 * MIB);
  store.begin();
  store.removeCache(1);
  assert.deepEqual(store.due(10, 10), []);
  assert.equal(store.nextDueMs, Infinity);
  store.commit(positionAt(2));
  assert.ok(store.valueMemory > 25 * MIB);
  for (let i = 3; i < 40; i++) {
    store.begin();
    store.commit(positionAt(i));
  }
  assert.ok(store.valueMemory < 12 * MIB, `${store.valueMemory}`);
  store.close();
});
