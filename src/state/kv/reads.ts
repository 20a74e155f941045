import type { CacheContents } from "./contents.ts";
import { isDue } from "./live_cache.ts";
import { rangeAfter } from "./ranges.ts";
import type { SeenEntry, StoredEntry } from "./store.ts";
import type {
  ByteKey,
  CacheStats,
  KvEntry,
  KvRange,
  KvReads,
  SeenValue,
} from "./types.ts";

/** Reads of what is applied here. */
export class ContentReads implements KvReads {
  readonly #contents: () => CacheContents;

  /** Of the contents that there are at the time of a read. */
  constructor(contents: () => CacheContents) {
    this.#contents = contents;
  }

  /** See {@linkcode KvReads.get}. */
  get(
    cache: string,
    key: ByteKey,
    nowMs: number,
    readerMs = nowMs,
  ): KvEntry | null {
    const contents = this.#contents();
    const known = contents.cache(cache);
    if (known === undefined) return null;
    const { store } = contents;
    if (store.ownEntry === undefined) {
      const entry = store.entry(known.id, key);
      return isVisible(entry, nowMs)
        ? shown(entry, entry.bytes.slice(), readerMs)
        : null;
    }
    const entry = store.ownEntry(known.id, key);
    return isVisible(entry, nowMs) ? shown(entry, entry.bytes, readerMs) : null;
  }

  /** See {@linkcode KvReads.view}. */
  view(cache: string, key: ByteKey, now: () => number): KvEntry | null {
    const contents = this.#contents();
    const known = contents.cache(cache);
    if (known === undefined) return null;
    const entry = contents.store.entry(known.id, key);
    if (entry === null) return null;
    const nowMs = entry.deadlineMs === 0 ? 0 : now();
    return isDue(entry, nowMs) ? null : shown(entry, entry.bytes, nowMs);
  }

  /** See {@linkcode KvReads.see}. */
  see(cache: string, key: ByteKey, now: () => number): SeenValue | null {
    const contents = this.#contents();
    const known = contents.cache(cache);
    if (known === undefined) return null;
    const { store } = contents;
    const seen = store.see === undefined
      ? seenOf(store.entry(known.id, key))
      : store.see(known.id, key);
    if (seen === null) return null;
    return seen.deadlineMs !== 0 && isDue(seen, now()) ? null : seen;
  }

  /** See {@linkcode KvReads.counter}. */
  counter(cache: string, key: ByteKey, nowMs: number): bigint | null {
    const contents = this.#contents();
    const known = contents.cache(cache);
    if (known === undefined) return null;
    const counter = contents.store.counter(known.counterId, key);
    return counter === null || isDue(counter, nowMs) ? null : counter.value;
  }

  /** See {@linkcode KvReads.list}. */
  list(
    cache: string,
    range: KvRange,
    nowMs: number,
    readerMs = nowMs,
  ): (KvEntry & { readonly key: ByteKey })[] {
    const contents = this.#contents();
    const known = contents.cache(cache);
    const found: (KvEntry & { readonly key: ByteKey })[] = [];
    if (known === undefined) return found;
    let rest: KvRange | null = range;
    while (rest !== null) {
      let last: ByteKey | null = null;
      let seen = 0;
      for (const [key, entry] of contents.store.range(known.id, rest)) {
        last = key;
        seen++;
        if (!isVisible(entry, nowMs)) continue;
        found.push({ key, ...shown(entry, entry.bytes.slice(), readerMs) });
      }
      const limit: number = range.limit - found.length;
      // Hidden ones took the places of others.
      rest = last === null || seen < rest.limit || limit === 0
        ? null
        : rangeAfter({ ...range, limit }, last);
    }
    return found;
  }

  /** See {@linkcode KvReads.stats}. */
  stats(): CacheStats[] {
    const caches = Array.from(this.#contents().caches, statsOf);
    return caches.sort((a, b) => a.name < b.name ? -1 : 1);
  }
}

function isVisible(
  entry: StoredEntry | null,
  nowMs: number,
): entry is StoredEntry {
  return entry !== null && !isDue(entry, nowMs);
}

/** An entry as a reader gets it; `bytes` are its own. What is there lives on, if only for a moment. */
function shown(
  { kind, version, deadlineMs }: StoredEntry,
  bytes: Uint8Array,
  readerMs: number,
): KvEntry {
  return {
    value: { kind, bytes },
    version,
    ttlMs: deadlineMs === 0
      ? null
      : Math.max(1, Math.ceil(deadlineMs - readerMs)),
  };
}

function seenOf(entry: StoredEntry | null): SeenEntry | null {
  if (entry === null) return null;
  const { kind, bytes, deadlineMs } = entry;
  return { kind, bytes, start: 0, end: bytes.length, deadlineMs };
}

function statsOf(cache: CacheStats): CacheStats {
  const { name, settings, entries, counters, bytes, expired, evicted } = cache;
  return { name, settings, entries, counters, bytes, expired, evicted };
}
