import assert from "node:assert/strict";
import { MemoryKvStore } from "../../../src/state/kv/memory/store.ts";
import { testStoreContract } from "./store_contract.ts";

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
