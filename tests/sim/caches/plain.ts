import { ENTRY_BYTES } from "../../../src/state/kv/limits.ts";
import type {
  StoredCounter,
  StoredEntry,
} from "../../../src/state/kv/store.ts";
import type { CacheSettings, KvAnswer } from "../../../src/state/kv/types.ts";

/** A cache as two Maps; nothing is counted before somebody asks. */
export interface PlainCache {
  readonly id: number;
  readonly counterId: number;
  readonly settings: CacheSettings;
  readonly entries: Map<string, StoredEntry>;
  readonly counters: Map<string, StoredCounter>;
  expired: number;
  evicted: number;
}

/** All caches, and the number that is given next. */
export interface PlainContents {
  readonly caches: Map<string, PlainCache>;
  next: number;
}

/** A unit ends without an effect. */
export class Failed extends Error {
  readonly answer: KvAnswer;
  constructor(answer: KvAnswer) {
    super(answer.kind);
    this.answer = answer;
  }
}

/** Refuses what is too much, and removes the oldest entries where that is allowed. */
export function makeRoom(
  before: PlainContents,
  now: PlainContents,
  written: readonly string[],
  firstVersion: number,
  maxBytes: number,
): void {
  const own = (entry: StoredEntry): boolean => entry.version >= firstVersion;
  const grown = written.map((name) => {
    const cache = now.caches.get(name)!;
    const old = before.caches.get(name);
    const bytes = bytesOf(cache) - (old === undefined ? 0 : bytesOf(old));
    const entries = cache.entries.size - (old?.entries.size ?? 0);
    const evicts = cache.settings.onFull === "evict" &&
      (bytes > 0 || entries > 0);
    return { cache, bytes, entries, evicts };
  });
  for (const { cache, bytes, entries } of grown) {
    const { maxBytes, maxEntries, onFull } = cache.settings;
    const kept = onFull === "reject" ? cache : onlyOwn(cache, own);
    if (bytes > 0 && isOver(bytesOf(kept), maxBytes)) full();
    if (entries > 0 && isOver(kept.entries.size, maxEntries)) full();
  }
  const more = grown.reduce((sum, { bytes }) => sum + bytes, 0);
  const evictable = grown.filter(({ evicts }) => evicts)
    .reduce(
      (sum, { cache }) => sum + bytesOf(cache) - bytesOf(onlyOwn(cache, own)),
      0,
    );
  if (more > 0 && allBytes(now) - evictable > maxBytes) full();
  const evicting = grown.filter(({ evicts }) => evicts);
  for (const { cache } of evicting) {
    const { settings } = cache;
    while (
      isOver(bytesOf(cache), settings.maxBytes) ||
      isOver(cache.entries.size, settings.maxEntries)
    ) evictOldest(cache);
  }
  for (const { cache } of evicting) {
    while (
      allBytes(now) > maxBytes &&
      [...cache.entries.values()].some((entry) => !own(entry))
    ) evictOldest(cache);
  }
}

function full(): never {
  throw new Failed({ kind: "refused", code: "cache_full", message: "" });
}

/** What is due of the entries or counters of a cache. */
export function* dueOf(
  cache: PlainCache,
  things: ReadonlyMap<string, { readonly deadlineMs: number }>,
  number: number,
  kind: 0 | 1,
  nowMs: number,
): Generator<
  {
    cache: PlainCache;
    number: number;
    kind: 0 | 1;
    key: string;
    deadlineMs: number;
  }
> {
  for (const [key, { deadlineMs }] of things) {
    if (deadlineMs === 0 || deadlineMs > nowMs) continue;
    yield { cache, number, kind, key, deadlineMs };
  }
}

function evictOldest(cache: PlainCache): void {
  const [[key]] = [...cache.entries].sort(([, a], [, b]) =>
    a.version - b.version
  ) as [[string, StoredEntry]];
  cache.entries.delete(key);
  cache.evicted++;
}

function onlyOwn(
  cache: PlainCache,
  own: (entry: StoredEntry) => boolean,
): PlainCache {
  const entries = [...cache.entries].filter(([, entry]) => own(entry));
  return { ...cache, entries: new Map(entries) };
}

/** A copy that can be changed. */
export function copyOf({ caches, next }: PlainContents): PlainContents {
  const copies = [...caches].map(([name, cache]) =>
    [name, {
      ...cache,
      entries: new Map(cache.entries),
      counters: new Map(cache.counters),
    }] as const
  );
  return { caches: new Map(copies), next };
}

/** What a cache takes. */
export function bytesOf(cache: PlainCache): number {
  let bytes = counterBytesOf(cache);
  for (const [key, { bytes: { length } }] of cache.entries) {
    bytes += key.length + length + ENTRY_BYTES;
  }
  return bytes;
}

/** What its counters take of that. */
export function counterBytesOf({ counters }: PlainCache): number {
  let bytes = 0;
  for (const key of counters.keys()) bytes += key.length + 8 + ENTRY_BYTES;
  return bytes;
}

function isOver(value: number, limit: number): boolean {
  return limit !== 0 && value > limit;
}

function allBytes({ caches }: PlainContents): number {
  return [...caches.values()].reduce((sum, cache) => sum + bytesOf(cache), 0);
}
