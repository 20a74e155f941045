import { ENTRY_BYTES } from "./limits.ts";
import type { StoredCache, StoredCounter, StoredEntry } from "./store.ts";
import type { ByteKey, CacheSettings } from "./types.ts";

/** Bytes of a counter's value. */
const COUNTER_BYTES = 8;

/** What the unit under way would change of a cache. */
export class CacheChange {
  entries = 0;
  bytes = 0;
  counterBytes = 0;
  /** Entries that it wrote itself, and that are still there at its end. */
  ownEntries = 0;
  /** Their bytes. */
  ownBytes = 0;
  /** What later operations of the unit find: entries as they would be, null for removed ones. */
  readonly pendingEntries: Map<ByteKey, StoredEntry | null> = new Map();
  /** The same of counters. */
  readonly pendingCounters: Map<ByteKey, StoredCounter | null> = new Map();

  /** Nothing is changed. */
  reset(): void {
    this.entries = this.bytes = this.counterBytes = 0;
    this.ownEntries = this.ownBytes = 0;
    if (this.pendingEntries.size > 0) this.pendingEntries.clear();
    if (this.pendingCounters.size > 0) this.pendingCounters.clear();
  }
}

/** A cache as entries of the log change it. */
export class LiveCache {
  readonly name: string;
  readonly settings: CacheSettings;
  /** 0 for a cache that is about to be created. */
  id: number;
  counterId: number;
  entries = 0;
  counters = 0;
  bytes = 0;
  counterBytes = 0;
  hash = 0;
  counterHash = 0;
  expired = 0;
  evicted = 0;
  /** Whether its row is to be saved. */
  changed = false;
  /** Whether the unit under way changes it. */
  touched = false;
  /** What it would change. */
  readonly change: CacheChange = new CacheChange();

  /** A new cache that holds nothing. */
  constructor(name: string, settings: CacheSettings, id = 0, counterId = 0) {
    this.name = name;
    this.settings = settings;
    this.id = id;
    this.counterId = counterId;
  }

  /** A cache as it was stored. */
  static of(row: StoredCache): LiveCache {
    const cache = new LiveCache(
      row.name,
      row.settings,
      row.id,
      row.counterId,
    );
    cache.entries = row.entries;
    cache.counters = row.counters;
    cache.bytes = row.bytes;
    cache.counterBytes = row.counterBytes;
    cache.hash = row.hash;
    cache.counterHash = row.counterHash;
    cache.expired = row.expired;
    cache.evicted = row.evicted;
    return cache;
  }

  /** What is stored of it. */
  get row(): StoredCache {
    const { id, counterId, name, settings, entries, counters } = this;
    const { bytes, counterBytes, hash, counterHash, expired, evicted } = this;
    return {
      id,
      counterId,
      name,
      settings,
      entries,
      counters,
      bytes,
      counterBytes,
      hash,
      counterHash,
      expired,
      evicted,
    };
  }
}

/** What an entry counts. */
export function bytesOfEntry(key: ByteKey, { bytes }: StoredEntry): number {
  return key.length + bytes.length + ENTRY_BYTES;
}

/** What a counter counts. */
export function bytesOfCounter(key: ByteKey): number {
  return key.length + COUNTER_BYTES + ENTRY_BYTES;
}

/** Whether a time is over. */
export function isDue(
  { deadlineMs }: { readonly deadlineMs: number },
  nowMs: number,
): boolean {
  return deadlineMs > 0 && deadlineMs <= nowMs;
}

/** Whether a value is beyond a limit; a limit of 0 is none. */
export function isOver(value: number, limit: number): boolean {
  return limit > 0 && value > limit;
}

/** Whether a cache stays within its own limits, and nothing has to go, with so many entries and bytes more. */
export function hasRoomFor(
  { settings, entries, bytes }: LiveCache,
  moreEntries: number,
  moreBytes: number,
): boolean {
  return !isOver(bytes + moreBytes, settings.maxBytes) &&
    !isOver(entries + moreEntries, settings.maxEntries);
}
