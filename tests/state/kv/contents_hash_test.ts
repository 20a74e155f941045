import assert from "node:assert/strict";
import {
  hashOfCache,
  hashOfCounter,
  hashOfEntry,
} from "../../../src/state/kv/contents_hash.ts";
import type { StoredEntry } from "../../../src/state/kv/store.ts";
import { cacheOf } from "./store_subject.ts";

const entry: StoredEntry = {
  kind: "text",
  bytes: new TextEncoder().encode("some value"),
  version: 2 ** 40 + 7,
  deadlineMs: 5_000,
};

/** All of them differ. */
function assertDistinct(hashes: readonly number[]): void {
  assert.equal(new Set(hashes).size, hashes.length);
  for (const hash of hashes) assert.equal(hash, hash >>> 0);
}

Deno.test("the hash of an entry depends on everything that is stored of it", () => {
  const changed = Array.from(entry.bytes, (_, i) => {
    const bytes = entry.bytes.slice();
    bytes[i]! ^= 1;
    return hashOfEntry(1, "key", { ...entry, bytes });
  });
  assertDistinct([
    hashOfEntry(1, "key", entry),
    ...changed,
    hashOfEntry(2, "key", entry),
    hashOfEntry(1, "kez", entry),
    hashOfEntry(1, "ke", entry),
    hashOfEntry(1, "key", { ...entry, kind: "json" }),
    hashOfEntry(1, "key", { ...entry, bytes: entry.bytes.subarray(1) }),
    hashOfEntry(1, "key", { ...entry, version: entry.version + 1 }),
    hashOfEntry(1, "key", { ...entry, version: entry.version + 2 ** 41 }),
    hashOfEntry(1, "key", { ...entry, deadlineMs: 5_001 }),
    hashOfEntry(1, "key", { ...entry, deadlineMs: 5_000 + 2 ** 40 }),
  ]);
  assert.equal(
    hashOfEntry(1, "key", entry),
    hashOfEntry(1, "key", { ...entry, bytes: entry.bytes.slice() }),
  );
});

Deno.test("the hash of a counter depends on everything that is stored of it", () => {
  const counter = { value: 5n, deadlineMs: 7 };
  assertDistinct([
    hashOfCounter(1, "key", counter),
    hashOfCounter(2, "key", counter),
    hashOfCounter(1, "k", counter),
    hashOfCounter(1, "key", { ...counter, value: -5n }),
    hashOfCounter(1, "key", { ...counter, value: 5n + 2n ** 32n }),
    hashOfCounter(1, "key", { ...counter, value: 5n - 2n ** 62n }),
    hashOfCounter(1, "key", { ...counter, deadlineMs: 8 }),
  ]);
});

Deno.test("the hash of a cache depends on its name, its numbers, its settings and what it holds", () => {
  const cache = cacheOf(1);
  const { settings } = cache;
  assertDistinct([
    hashOfCache(cache),
    hashOfCache({ ...cache, name: "other" }),
    hashOfCache({ ...cache, id: 9 }),
    hashOfCache({ ...cache, counterId: 9_999 }),
    hashOfCache({ ...cache, hash: cache.hash + 1 }),
    hashOfCache({ ...cache, counterHash: cache.counterHash + 2 }),
    hashOfCache({ ...cache, settings: { ...settings, maxBytes: 1 } }),
    hashOfCache({ ...cache, settings: { ...settings, maxEntries: 1 } }),
    hashOfCache({ ...cache, settings: { ...settings, ttlMs: 1 } }),
    hashOfCache({ ...cache, settings: { ...settings, onFull: "reject" } }),
  ]);
});
