import assert from "node:assert/strict";
import { MemoryKvStore } from "../../../src/state/kv/memory/store.ts";
import { testStoreContract } from "./store_contract.ts";
import { cacheOf } from "./store_subject.ts";

testStoreContract("MemoryKvStore", () => {
  const store = new MemoryKvStore();
  return Promise.resolve({
    store,
    reopen: null,
    end: () => {
      store.close();
      return Promise.resolve();
    },
  });
}, { persistent: false, stories: 40 });

Deno.test("the oldest entry is the one with the smallest version, in whatever order they were stored", () => {
  const store = new MemoryKvStore();
  const count = 500;
  store.begin();
  store.saveCache(cacheOf(1, "evict"));
  for (let version = count; version > 0; version--) {
    const bytes = Uint8Array.of(version & 0xff);
    const entry = { kind: "bytes", bytes, version, deadlineMs: 0 } as const;
    store.putEntry(1, `key ${version}`, entry);
  }
  for (let version = 1; version <= count; version++) {
    const key = store.oldest(1)!;
    assert.equal(key, `key ${version}`);
    store.deleteEntry(1, key);
  }
  assert.equal(store.oldest(1), null);
  store.close();
});

Deno.test("keys that are written larger while they are put in order are all listed", () => {
  const store = new MemoryKvStore();
  store.saveCache(cacheOf(1));
  const put = (n: number, length: number, version: number): void => {
    const bytes = new Uint8Array(length);
    const entry = { kind: "bytes", bytes, version, deadlineMs: 0 } as const;
    store.putEntry(1, `k${n}`, entry);
  };
  for (let n = 0; n < 1000; n++) put(n, 10, n + 1);
  store.arrange(1, 100);
  for (let n = 0; n < 1000; n++) put(n, 1000, 2000 + n);
  while (!store.arrange(1, 100));
  const all = { start: "", end: null, reverse: false, limit: 2000 };
  assert.equal([...store.range(1, all)].length, 1000);
  store.close();
});
