import { MemorySessionStore } from "../../memory_sessions.ts";
import type {
  Due,
  KvPosition,
  KvRecord,
  KvStore,
  KvStores,
  PlainEntries,
  SeenEntry,
  StoredCache,
  StoredCounter,
  StoredEntry,
} from "../store.ts";
import type { ByteKey, KvRange } from "../types.ts";
import { FIXED_SEED, type HashSeed } from "./key_hash.ts";
import { Slots } from "./slots.ts";
import { Space } from "./space.ts";

/** Steps of giving memory back with each write, so that what was removed goes faster than new things come. */
const STEPS_PER_WRITE = 2;
/** The same with each transaction. */
const STEPS_PER_COMMIT = 1000;

/** Caches in memory. */
export class MemoryKvStore implements KvStore {
  readonly #seed: HashSeed;
  #slots = new Slots();
  #spaces = new Map<number, Space>();
  /** The space that was asked for last, and its number: most calls are about one. */
  #last: Space | undefined;
  #lastNumber = 0;
  #caches = new Map<number, StoredCache>();
  #sessions = new MemorySessionStore();
  #position: KvPosition | null = null;
  /** No deadline is before this one. */
  #soonest = Infinity;
  /** Whether `#soonest` may be long over. */
  #stale = false;
  /** Of what was removed: gives memory back a step at a time. */
  #removed: Iterator<void>[] = [];

  /** Empty; `seed` decides where keys lie in tables. */
  constructor(seed: HashSeed = FIXED_SEED) {
    this.#seed = seed;
  }

  /** As of the last commit. */
  get position(): KvPosition | null {
    return this.#position;
  }

  /** Kept beside. */
  get sessions(): MemorySessionStore {
    return this.#sessions;
  }

  /** See {@linkcode KvStore.nextDueMs}. */
  get nextDueMs(): number {
    if (this.#stale) {
      this.#stale = false;
      this.#soonest = Infinity;
      for (const { nextDueMs } of this.#spaces.values()) {
        this.#soonest = Math.min(this.#soonest, nextDueMs);
      }
    }
    return this.#soonest;
  }

  /** Bytes of memory that keys and values take. */
  get valueMemory(): number {
    return this.#slots.bytes;
  }

  /** Nothing to do: nobody else sees this memory. */
  begin(): void {}

  /** Says where it stands. */
  commit(position: KvPosition): void {
    this.#position = position;
    this.#giveBack(STEPS_PER_COMMIT);
  }

  /** There is nothing more durable than this. */
  checkpoint(done: (error: Error | null) => void): void {
    queueMicrotask(() => done(null));
  }

  /** All rows, by their ids. */
  caches(): Iterable<StoredCache> {
    return [...this.#caches.values()].sort((a, b) => a.id - b.id);
  }

  /** Keeps a row. */
  saveCache(cache: StoredCache): void {
    this.#caches.set(cache.id, cache);
  }

  /** See {@linkcode KvStore.removeCache}. */
  removeCache(number: number): void {
    this.#caches.delete(number);
    const space = this.#spaces.get(number);
    if (space === undefined) return;
    this.#spaces.delete(number);
    this.#last = undefined;
    this.#removed.push(space.remove());
  }

  /** An entry, its bytes a view. */
  entry(cache: number, key: ByteKey): StoredEntry | null {
    return this.#known(cache)?.entry(key) ?? null;
  }

  /** An entry, its bytes a copy. */
  ownEntry(cache: number, key: ByteKey): StoredEntry | null {
    return this.#known(cache)?.ownEntry(key) ?? null;
  }

  /** See {@linkcode KvStore.see}. */
  see(cache: number, key: ByteKey): SeenEntry | null {
    return this.#known(cache)?.see(key) ?? null;
  }

  /** Stores a copy of an entry. */
  putEntry(cache: number, key: ByteKey, entry: StoredEntry): void {
    this.#space(cache).putEntry(key, entry);
    this.#wrote(entry.deadlineMs);
  }

  /** See {@linkcode KvStore.plain}. */
  readonly plain: PlainEntries = {
    // A space of its own also where nothing is yet: it remembers what it looked for.
    find: (cache, put) => this.#space(cache).find(put),
    size: (slot) => this.#slots.size(slot),
    deadline: (slot) => this.#slots.deadline(slot),
    hash: (slot, cache) => this.#slots.hash(slot, cache),
    put: (cache, put, slot, version, deadlineMs) => {
      this.#space(cache).putPlain(put, slot, version, deadlineMs);
      this.#wrote(deadlineMs);
    },
  };

  /** Removes an entry. */
  deleteEntry(cache: number, key: ByteKey): void {
    this.#known(cache)?.deleteEntry(key);
  }

  /** A counter. */
  counter(cache: number, key: ByteKey): StoredCounter | null {
    return this.#known(cache)?.counter(key) ?? null;
  }

  /** Stores a counter. */
  putCounter(cache: number, key: ByteKey, counter: StoredCounter): void {
    this.#space(cache).putCounter(key, counter);
    this.#wrote(counter.deadlineMs);
  }

  /** Removes a counter. */
  deleteCounter(cache: number, key: ByteKey): void {
    this.#known(cache)?.deleteCounter(key);
  }

  /** See {@linkcode KvStore.oldest}. */
  oldest(cache: number): ByteKey | null {
    return this.#known(cache)?.oldest() ?? null;
  }

  /** See {@linkcode KvStore.range}. */
  range(cache: number, range: KvRange): Iterable<[ByteKey, StoredEntry]> {
    return this.#known(cache)?.range(range) ?? [];
  }

  /** See {@linkcode KvStore.arrange}. */
  arrange(cache: number, limit: number): boolean {
    return this.#known(cache)?.arrange(limit) ?? true;
  }

  /** See {@linkcode KvStore.due}. */
  due(nowMs: number, limit: number): readonly Due[] {
    const due: Due[] = [];
    for (const [cache, space] of this.#spaces) {
      if (space.nextDueMs > nowMs) continue;
      for (const { key, deadlineMs } of space.dueCounters(nowMs, limit)) {
        due.push({ cache, counter: true, key, deadlineMs });
      }
      for (const { key, deadlineMs } of space.dueEntries(nowMs, limit)) {
        due.push({ cache, counter: false, key, deadlineMs });
      }
    }
    this.#stale = true;
    return due.sort(inOrder).slice(0, limit);
  }

  /** See {@linkcode KvStore.scan}. */
  *scan(): Generator<KvRecord> {
    for (const [cache, space] of this.#spaces) {
      for (const [key, entry] of space.entries()) {
        yield { kind: "entry", cache, key, entry };
      }
      for (const [key, counter] of space.counters()) {
        yield { kind: "counter", cache, key, counter };
      }
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#slots = new Slots();
    this.#spaces = new Map();
    this.#last = undefined;
    this.#caches = new Map();
    this.#sessions = new MemorySessionStore();
    this.#position = null;
    this.#soonest = Infinity;
    this.#removed = [];
  }

  /** Gives the memory up. */
  close(): void {
    this.clear();
  }

  #known(number: number): Space | undefined {
    if (this.#last !== undefined && this.#lastNumber === number) {
      return this.#last;
    }
    this.#lastNumber = number;
    return this.#last = this.#spaces.get(number);
  }

  #space(number: number): Space {
    let space = this.#known(number);
    if (space === undefined) {
      const evicts = this.#caches.get(number)?.settings.onFull === "evict";
      space = new Space({ slots: this.#slots, seed: this.#seed }, evicts);
      this.#spaces.set(number, space);
      this.#last = space;
    }
    return space;
  }

  #wrote(deadlineMs: number): void {
    if (deadlineMs > 0 && deadlineMs < this.#soonest) {
      this.#soonest = deadlineMs;
    }
    if (this.#removed.length > 0) this.#giveBack(STEPS_PER_WRITE);
  }

  #giveBack(steps: number): void {
    for (let left = steps; left > 0 && this.#removed.length > 0; left--) {
      const last = this.#removed.at(-1)!;
      if (last.next().done === true) this.#removed.pop();
    }
  }
}

/** See {@linkcode KvStore.due}. */
function inOrder(a: Due, b: Due): number {
  return a.deadlineMs - b.deadlineMs || a.cache - b.cache ||
    Number(b.counter) - Number(a.counter) || (a.key < b.key ? -1 : 1);
}

/** What is installed is another piece of memory. */
export function memoryStores(seed: HashSeed = FIXED_SEED): KvStores {
  return {
    replacement: () => new MemoryKvStore(seed),
    adopt: () => {},
  };
}
