import { assert } from "../../util/assert.ts";
import {
  hashOfCache,
  hashOfCounter,
  hashOfEntry,
  hashOfPlace,
} from "./contents_hash.ts";
import type { EventLog } from "./events.ts";
import type { Journal } from "./journal.ts";
import { ENTRY_BYTES } from "./limits.ts";
import {
  bytesOfCounter,
  bytesOfEntry,
  hasRoomFor,
  isDue,
  LiveCache,
} from "./live_cache.ts";
import type { PlainPut } from "./plain_put.ts";
import type { KvStore, StoredCounter, StoredEntry } from "./store.ts";
import type { ByteKey } from "./types.ts";

/**
 * What caches hold, and every way in which it changes: the store, what is counted, the hash, the events and
 * the journal of a snapshot under way change together here, and nowhere else.
 */
export class CacheContents {
  readonly store: KvStore;
  readonly #events: EventLog;
  readonly #byName = new Map<string, LiveCache>();
  /** By the numbers of both their entries and their counters. */
  readonly #byNumber = new Map<number, LiveCache>();
  #bytes = 0;
  #hash = 0;
  #nextCache: number;
  /** Told of each change of the store, if there is one. */
  journal: Journal | null = null;

  /** What is in the store; `events` hears what changes. */
  constructor(store: KvStore, events: EventLog) {
    this.store = store;
    this.#events = events;
    this.#nextCache = store.position?.nextCache ?? 1;
    for (const row of store.caches()) this.#register(LiveCache.of(row));
  }

  /** All caches. */
  get caches(): Iterable<LiveCache> {
    return this.#byName.values();
  }

  /** How many caches there are. */
  get count(): number {
    return this.#byName.size;
  }

  /** Bytes of all caches. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The number that is given next. */
  get nextCache(): number {
    return this.#nextCache;
  }

  /** The hash of everything: the sum of those of the caches. */
  get hash(): number {
    return this.#hash;
  }

  /** A cache by its name. */
  cache(name: string): LiveCache | undefined {
    return this.#byName.get(name);
  }

  /** The cache whose entries or counters are stored under a number. */
  cacheAt(number: number): LiveCache {
    const cache = this.#byNumber.get(number);
    assert(cache !== undefined, "something is stored that belongs to no cache");
    return cache;
  }

  /** Creates a cache: gives it its numbers. */
  create(cache: LiveCache): void {
    cache.id = this.#nextCache++;
    cache.counterId = this.#nextCache++;
    this.#register(cache);
    this.#save(cache);
  }

  /** Writes an entry in the place of `old`; what was due there has expired. */
  putEntry(
    cache: LiveCache,
    key: ByteKey,
    entry: StoredEntry,
    nowMs: number,
    old: StoredEntry | null = this.store.entry(cache.id, key),
  ): void {
    const touched = old !== null && old.version === entry.version;
    // What a unit has of it may be a view of where it was stored before an earlier operation of the unit.
    if (touched) entry = { ...old, deadlineMs: entry.deadlineMs };
    if (old !== null) {
      if (isDue(old, nowMs)) this.#expired(cache, key);
      this.#count(cache, -1, key, old);
    }
    this.#count(cache, 1, key, entry);
    this.store.putEntry(cache.id, key, entry);
    this.journal?.putEntry(cache.id, key, entry);
    if (!touched) this.#events.tell("put", cache.name, key, entry.version);
  }

  /**
   * Writes what a plain put says from where it stands, as {@linkcode putEntry} would; false, with nothing done, if
   * something is to make room, if there is none, or if more than the store must hear of it.
   */
  putPlain(
    cache: LiveCache,
    put: PlainPut,
    version: number,
    nowMs: number,
    maxBytes: number,
  ): boolean {
    const { plain } = this.store;
    if (plain === undefined || this.journal !== null) return false;
    const { id } = cache;
    const found = plain.find(id, put);
    const isNew = found < 0;
    const size = put.keyLength + put.valueLength;
    const bytes = isNew ? size + ENTRY_BYTES : size - plain.size(found);
    const fits = this.#bytes + bytes <= maxBytes &&
      hasRoomFor(cache, isNew ? 1 : 0, bytes);
    if (!fits) return false;
    const lives = put.ttlMs < 0 ? cache.settings.ttlMs : put.ttlMs;
    const deadlineMs = lives === 0 ? 0 : nowMs + lives;
    let hash = hashOfPlace(id, put, version, deadlineMs);
    if (isNew) cache.entries++;
    else {
      hash -= plain.hash(found, id);
      const oldMs = plain.deadline(found);
      if (oldMs > 0 && oldMs <= nowMs) {
        cache.expired++;
        this.#events.tellPlace("expire", cache.name, put);
      }
    }
    this.#add(cache, bytes, hash);
    plain.put(id, put, found, version, deadlineMs);
    this.#events.tellPlace("put", cache.name, put, version);
    return true;
  }

  /** Removes an entry that is there. */
  deleteEntry(
    cache: LiveCache,
    key: ByteKey,
    why: "delete" | "expire" | "evict",
    old: StoredEntry | null = this.store.entry(cache.id, key),
  ): void {
    assert(old !== null, "an entry that is to go is not there");
    this.#count(cache, -1, key, old);
    this.store.deleteEntry(cache.id, key);
    this.journal?.deleteEntry(cache.id, key);
    if (why === "expire") return this.#expired(cache, key);
    if (why === "evict") cache.evicted++;
    this.#events.tell(why, cache.name, key);
  }

  /** Writes a counter; what was there and was due has expired. */
  putCounter(
    cache: LiveCache,
    key: ByteKey,
    counter: StoredCounter,
    nowMs: number,
  ): void {
    const old = this.store.counter(cache.counterId, key);
    if (old !== null) {
      if (isDue(old, nowMs)) {
        this.#events.tell("expireCounter", cache.name, key);
      }
      this.#countCounter(cache, -1, key, old);
    }
    this.#countCounter(cache, 1, key, counter);
    this.store.putCounter(cache.counterId, key, counter);
    this.journal?.putCounter(cache.counterId, key, counter);
    this.#events.tell("counter", cache.name, key);
  }

  /** Removes a counter that is there. */
  deleteCounter(
    cache: LiveCache,
    key: ByteKey,
    why: "deleteCounter" | "expireCounter",
  ): void {
    const old = this.store.counter(cache.counterId, key);
    assert(old !== null, "a counter that is to go is not there");
    this.#countCounter(cache, -1, key, old);
    this.store.deleteCounter(cache.counterId, key);
    this.journal?.deleteCounter(cache.counterId, key);
    this.#events.tell(why, cache.name, key);
  }

  /** Removes all entries of a cache, which goes on under another number. */
  clear(cache: LiveCache): void {
    const { id } = cache;
    this.#countHash(-hashOfCache(cache.row));
    this.#byNumber.delete(id);
    this.#bytes -= cache.bytes - cache.counterBytes;
    cache.bytes = cache.counterBytes;
    cache.entries = 0;
    cache.hash = 0;
    cache.id = this.#nextCache++;
    this.#byNumber.set(cache.id, cache);
    this.#countHash(hashOfCache(cache.row));
    this.#forget(id);
    this.#save(cache);
    this.#events.tell("clear", cache.name);
  }

  /** Removes all counters of a cache; later ones are stored under another number. */
  clearCounters(cache: LiveCache): void {
    const { counterId } = cache;
    this.#countHash(-hashOfCache(cache.row));
    this.#byNumber.delete(counterId);
    this.#bytes -= cache.counterBytes;
    cache.bytes -= cache.counterBytes;
    cache.counterBytes = 0;
    cache.counters = 0;
    cache.counterHash = 0;
    cache.counterId = this.#nextCache++;
    this.#byNumber.set(cache.counterId, cache);
    this.#countHash(hashOfCache(cache.row));
    this.#forget(counterId);
    this.#save(cache);
    this.#events.tell("clearCounters", cache.name);
  }

  /** Removes a cache with all it holds. */
  drop(cache: LiveCache): void {
    this.#byName.delete(cache.name);
    this.#byNumber.delete(cache.id);
    this.#byNumber.delete(cache.counterId);
    this.#bytes -= cache.bytes;
    this.#countHash(-hashOfCache(cache.row));
    cache.changed = false;
    this.#forget(cache.id);
    this.#forget(cache.counterId);
    this.#events.tell("drop", cache.name);
  }

  /** Stores what changed of the rows. */
  saveCaches(): void {
    for (const cache of this.#byName.values()) {
      if (!cache.changed) continue;
      cache.changed = false;
      this.store.saveCache(cache.row);
    }
  }

  #register(cache: LiveCache): void {
    this.#byName.set(cache.name, cache);
    this.#byNumber.set(cache.id, cache);
    this.#byNumber.set(cache.counterId, cache);
    this.#bytes += cache.bytes;
    this.#countHash(hashOfCache(cache.row));
  }

  #countHash(change: number): void {
    this.#hash = this.#hash + change >>> 0;
  }

  #save({ row }: LiveCache): void {
    this.store.saveCache(row);
    this.journal?.saveCache(row);
  }

  #forget(number: number): void {
    this.store.removeCache(number);
    this.journal?.forget(number);
  }

  #expired(cache: LiveCache, key: ByteKey): void {
    cache.expired++;
    this.#events.tell("expire", cache.name, key);
  }

  /** Counts an entry in (1) or out (-1). */
  #count(
    cache: LiveCache,
    sign: 1 | -1,
    key: ByteKey,
    entry: StoredEntry,
  ): void {
    cache.entries += sign;
    const bytes = sign * bytesOfEntry(key, entry);
    this.#add(cache, bytes, sign * hashOfEntry(cache.id, key, entry));
  }

  /** Adds to the bytes and to the hash of a cache's entries. */
  #add(cache: LiveCache, bytes: number, hash: number): void {
    cache.bytes += bytes;
    this.#bytes += bytes;
    cache.hash = cache.hash + hash >>> 0;
    this.#countHash(hash);
    cache.changed = true;
  }

  #countCounter(
    cache: LiveCache,
    sign: 1 | -1,
    key: ByteKey,
    counter: StoredCounter,
  ): void {
    const bytes = sign * bytesOfCounter(key);
    cache.counters += sign;
    cache.bytes += bytes;
    cache.counterBytes += bytes;
    this.#bytes += bytes;
    const hash = sign * hashOfCounter(cache.counterId, key, counter);
    cache.counterHash = cache.counterHash + hash >>> 0;
    this.#countHash(hash);
    cache.changed = true;
  }
}
