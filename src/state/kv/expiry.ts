import type { CacheContents } from "./contents.ts";

/** So much an entry of the log removes, so that none takes long; the next one goes on. */
export const EXPIRED_PER_ENTRY = 256;

/** So much at least for each operation that it has, so that what is due goes faster than more of it comes. */
export const EXPIRED_PER_OPERATION = 2;

/** The same in bytes of keys and values, for large ones: what is removed is hashed. */
export const EXPIRED_BYTES_PER_ENTRY = 4 * 1024 * 1024;

/** Removes what is due at `nowMs`, the cluster clock, in an entry with so many operations: the first ones, if there are many. */
export function expire(
  contents: CacheContents,
  nowMs: number,
  operations: number,
): void {
  const { store } = contents;
  if (store.nextDueMs > nowMs) return;
  const before = contents.bytes;
  const limit = Math.max(EXPIRED_PER_ENTRY, EXPIRED_PER_OPERATION * operations);
  for (const { cache, counter, key } of store.due(nowMs, limit)) {
    if (before - contents.bytes >= EXPIRED_BYTES_PER_ENTRY) return;
    if (counter) {
      contents.deleteCounter(contents.cacheAt(cache), key, "expireCounter");
    } else contents.deleteEntry(contents.cacheAt(cache), key, "expire");
  }
}
