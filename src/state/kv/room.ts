import { assert } from "../../util/assert.ts";
import type { CacheContents } from "./contents.ts";
import type { Draft } from "./draft.ts";
import { isOver, type LiveCache } from "./live_cache.ts";

/**
 * Why there is no room for what a unit would write, or null. `maxBytes` is for all caches together. A unit that makes
 * nothing larger always has room; a cache that evicts has what its older entries take.
 */
export function lackOfRoom(
  contents: CacheContents,
  draft: Draft,
  maxBytes: number,
): string | null {
  let more = 0;
  let evictable = 0;
  for (const cache of draft.touched) {
    const lack = lackIn(cache);
    if (lack !== null) return lack;
    more += cache.change.bytes;
    if (evicts(cache)) evictable += evictableBytes(cache);
  }
  const bytes = contents.bytes + more;
  if (more <= 0 || bytes - evictable <= maxBytes) return null;
  return `The caches have ${contents.bytes} bytes, the write needs ${more} more, the limit for all of them is ${maxBytes} (HQL_CACHE_MAX_BYTES)`;
}

/** Removes what was written longest ago from caches that became too large by a unit, until all limits hold. */
export function evictOverflow(
  contents: CacheContents,
  draft: Draft,
  maxBytes: number,
): void {
  for (const cache of draft.touched) {
    if (!evicts(cache)) continue;
    while (
      isOver(cache.bytes, cache.settings.maxBytes) ||
      isOver(cache.entries, cache.settings.maxEntries)
    ) evictOldest(contents, cache);
  }
  for (const cache of draft.touched) {
    if (contents.bytes <= maxBytes) return;
    if (!evicts(cache)) continue;
    const own = cache.change.ownEntries;
    while (contents.bytes > maxBytes && cache.entries > own) {
      evictOldest(contents, cache);
    }
  }
}

/** Only for what it writes a cache gives older entries up. */
function evicts({ settings, change }: LiveCache): boolean {
  return settings.onFull === "evict" &&
    (change.bytes > 0 || change.entries > 0);
}

function lackIn(cache: LiveCache): string | null {
  const { name, settings, entries, bytes } = cache;
  const { maxBytes, maxEntries } = settings;
  const change = cache.change;
  const spared = settings.onFull === "evict";
  const bytesAfter = spared
    ? cache.counterBytes + change.counterBytes + change.ownBytes
    : bytes + change.bytes;
  if (isOver(bytesAfter, maxBytes)) {
    return `The cache ${name} has ${bytes} bytes, the write needs ${change.bytes} more, its limit is ${maxBytes}`;
  }
  const entriesAfter = spared ? change.ownEntries : entries + change.entries;
  if (isOver(entriesAfter, maxEntries)) {
    return `The cache ${name} has ${entries} entries, the write needs ${change.entries} more, its limit is ${maxEntries}`;
  }
  return null;
}

/** Bytes of entries that the unit did not write. */
function evictableBytes({ bytes, counterBytes, change }: LiveCache): number {
  return bytes + change.bytes - counterBytes - change.counterBytes -
    change.ownBytes;
}

function evictOldest(contents: CacheContents, cache: LiveCache): void {
  const key = contents.store.oldest(cache.id);
  assert(key !== null, "a cache without entries is too large");
  contents.deleteEntry(cache, key, "evict");
}
