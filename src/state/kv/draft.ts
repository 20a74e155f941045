import type { CacheContents } from "./contents.ts";
import {
  bytesOfCounter,
  bytesOfEntry,
  type CacheChange,
  isDue,
  LiveCache,
} from "./live_cache.ts";
import { CACHES_MAX } from "./limits.ts";
import type { StoredCounter, StoredEntry } from "./store.ts";
import { type ByteKey, type CacheSettings, DEFAULT_SETTINGS } from "./types.ts";

/** A change of an entry. */
interface EntryEffect {
  readonly kind: "entry";
  readonly cache: LiveCache;
  readonly key: ByteKey;
  readonly entry: StoredEntry | null;
  /** What is stored there; left out if other changes of the unit come before. */
  readonly old: StoredEntry | null | undefined;
}

/** A change of the unit that is to be made once all of it may happen. */
type Effect =
  | EntryEffect
  | {
    readonly kind: "counter";
    readonly cache: LiveCache;
    readonly key: ByteKey;
    readonly counter: StoredCounter | null;
  }
  | {
    readonly kind: "create" | "clear" | "clearCounters" | "drop";
    readonly cache: LiveCache;
  };

/**
 * What a unit would do. Its operations read through it, so that each finds what those before it
 * would leave; the contents stay as they are until all of it is known to be allowed.
 */
export class Draft {
  readonly #contents: CacheContents;
  readonly #effects: Effect[] = [];
  /** Caches that it writes into. */
  readonly #touched: LiveCache[] = [];
  /** Caches that it would create. */
  readonly #created = new Map<string, LiveCache>();
  /** What follows was done by this unit. */
  #firstVersion = 0;
  #nowMs = 0;
  /** What is stored under the key that was asked for last, even if it is due. */
  #found: StoredEntry | null = null;
  /** Whether operations may find what others of the unit did. */
  #many = false;

  /** Of units that change `contents`. */
  constructor(contents: CacheContents) {
    this.#contents = contents;
  }

  /** The cluster clock of the entry, ms. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Caches that it would write into. */
  get touched(): readonly LiveCache[] {
    return this.#touched;
  }

  /** Begins a unit of so many operations: nothing is changed yet. */
  begin(firstVersion: number, nowMs: number, operations: number): void {
    // One after the other: to set a length of 0 costs more than to take out the one that is there.
    for (;;) {
      const cache = this.#touched.pop();
      if (cache === undefined) break;
      cache.touched = false;
      cache.change.reset();
    }
    while (this.#effects.length > 0) this.#effects.pop();
    if (this.#created.size > 0) this.#created.clear();
    this.#firstVersion = firstVersion;
    this.#nowMs = nowMs;
    this.#many = operations > 1;
  }

  /** A cache by its name. */
  cache(name: string): LiveCache | undefined {
    return this.#contents.cache(name) ??
      (this.#created.size === 0 ? undefined : this.#created.get(name));
  }

  /** A new cache; null if there are too many already. */
  create(
    name: string,
    settings: CacheSettings = DEFAULT_SETTINGS,
  ): LiveCache | null {
    if (this.#contents.count + this.#created.size >= CACHES_MAX) return null;
    const cache = new LiveCache(name, settings);
    this.#created.set(name, cache);
    this.#effects.push({ kind: "create", cache });
    return cache;
  }

  /** Changes a cache as a whole. */
  whole(kind: "clear" | "clearCounters" | "drop", cache: LiveCache): void {
    this.#effects.push({ kind, cache });
  }

  /** An entry as the unit finds it: what is due is not there. */
  entry(cache: LiveCache | undefined, key: ByteKey): StoredEntry | null {
    const entry = this.#found = cache === undefined
      ? null
      : this.#entry(cache, key);
    return entry === null || isDue(entry, this.#nowMs) ? null : entry;
  }

  /** Writes an entry, or removes it; the key is the one that {@linkcode entry} was asked for last. */
  setEntry(cache: LiveCache, key: ByteKey, entry: StoredEntry | null): void {
    const change = this.#changing(cache);
    const old = this.#found;
    if (old !== null) {
      const bytes = bytesOfEntry(key, old);
      change.entries--;
      change.bytes -= bytes;
      if (old.version >= this.#firstVersion) {
        change.ownEntries--;
        change.ownBytes -= bytes;
      }
    }
    if (entry !== null) {
      const bytes = bytesOfEntry(key, entry);
      change.entries++;
      change.bytes += bytes;
      if (entry.version >= this.#firstVersion) {
        change.ownEntries++;
        change.ownBytes += bytes;
      }
    }
    if (this.#many) change.pendingEntries.set(key, entry);
    const stored = this.#many ? undefined : old;
    this.#effects.push({ kind: "entry", cache, key, entry, old: stored });
  }

  /** A counter as the unit finds it: what is due is not there. */
  counter(cache: LiveCache, key: ByteKey): StoredCounter | null {
    const counter = this.#counter(cache, key);
    return counter === null || isDue(counter, this.#nowMs) ? null : counter;
  }

  /** Writes a counter, or removes it. */
  setCounter(
    cache: LiveCache,
    key: ByteKey,
    counter: StoredCounter | null,
  ): void {
    const change = this.#changing(cache);
    const more = (counter === null ? 0 : 1) -
      (this.#counter(cache, key) === null ? 0 : 1);
    change.bytes += more * bytesOfCounter(key);
    change.counterBytes += more * bytesOfCounter(key);
    if (this.#many) change.pendingCounters.set(key, counter);
    this.#effects.push({ kind: "counter", cache, key, counter });
  }

  /** Makes it happen. */
  commit(): void {
    for (const effect of this.#effects) {
      const { cache } = effect;
      switch (effect.kind) {
        case "entry":
          this.#commitEntry(effect);
          break;
        case "counter":
          this.#commitCounter(cache, effect.key, effect.counter);
          break;
        default:
          this.#contents[effect.kind](cache);
      }
    }
  }

  #commitEntry({ cache, key, entry, old }: EntryEffect): void {
    if (entry === null) this.#contents.deleteEntry(cache, key, "delete", old);
    else this.#contents.putEntry(cache, key, entry, this.#nowMs, old);
  }

  #commitCounter(
    cache: LiveCache,
    key: ByteKey,
    counter: StoredCounter | null,
  ): void {
    if (counter === null) {
      this.#contents.deleteCounter(cache, key, "deleteCounter");
    } else this.#contents.putCounter(cache, key, counter, this.#nowMs);
  }

  #entry(cache: LiveCache, key: ByteKey): StoredEntry | null {
    if (this.#many) {
      const pending = cache.change.pendingEntries.get(key);
      if (pending !== undefined) return pending;
    }
    return cache.id === 0 ? null : this.#contents.store.entry(cache.id, key);
  }

  #counter(cache: LiveCache, key: ByteKey): StoredCounter | null {
    if (this.#many) {
      const pending = cache.change.pendingCounters.get(key);
      if (pending !== undefined) return pending;
    }
    const { counterId } = cache;
    return counterId === 0
      ? null
      : this.#contents.store.counter(counterId, key);
  }

  #changing(cache: LiveCache): CacheChange {
    if (!cache.touched) {
      cache.touched = true;
      this.#touched.push(cache);
    }
    return cache.change;
  }
}
