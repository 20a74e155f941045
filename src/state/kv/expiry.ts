import type { CacheContents } from "./contents.ts";

/** So much an entry of the log removes, so that none takes long; the next one goes on. */
export const EXPIRED_PER_ENTRY = 256;

/** Removes what is due at `nowMs`, the cluster clock: the first ones, if there are many. */
export function expire(contents: CacheContents, nowMs: number): void {
  const { store } = contents;
  if (store.nextDueMs > nowMs) return;
  for (const { cache, counter, key } of store.due(nowMs, EXPIRED_PER_ENTRY)) {
    if (counter) {
      contents.deleteCounter(contents.cacheAt(cache), key, "expireCounter");
    } else contents.deleteEntry(contents.cacheAt(cache), key, "expire");
  }
}
