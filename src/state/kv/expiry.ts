import type { CacheContents } from "./contents.ts";

/** So much an entry of the log removes, so that none takes long; the next one goes on. */
export const EXPIRED_PER_ENTRY = 256;

/** The same in bytes of keys and values, for large ones: what is removed is hashed. */
export const EXPIRED_BYTES_PER_ENTRY = 4 * 1024 * 1024;

/** Removes what is due at `nowMs`, the cluster clock: the first ones, if there are many. */
export function expire(contents: CacheContents, nowMs: number): void {
  const { store } = contents;
  if (store.nextDueMs > nowMs) return;
  const before = contents.bytes;
  for (const { cache, counter, key } of store.due(nowMs, EXPIRED_PER_ENTRY)) {
    if (before - contents.bytes >= EXPIRED_BYTES_PER_ENTRY) return;
    if (counter) {
      contents.deleteCounter(contents.cacheAt(cache), key, "expireCounter");
    } else contents.deleteEntry(contents.cacheAt(cache), key, "expire");
  }
}
