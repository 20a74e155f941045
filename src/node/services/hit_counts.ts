/** How reads of a cache ended. */
export interface Hits {
  readonly hits: number;
  readonly misses: number;
}

interface Counts {
  hits: number;
  misses: number;
}

const NONE: Hits = { hits: 0, misses: 0 };

/** Names that are counted; readers of caches that do not exist may make up many. */
const NAMES_MAX = 4096;

/** Counts, for each cache, how often this member's readers found what they looked for. */
export class HitCounts {
  readonly #caches = new Map<string, Counts>();
  /** The cache that was read last: most reads in a row are of one. */
  #last: string | null = null;
  #lastCounts: Counts | undefined;

  /** A read of a cache found its entry, or did not. */
  note(cache: string, found: boolean): void {
    const counts = cache === this.#last
      ? this.#lastCounts
      : this.#countsOf(cache);
    if (counts === undefined) return;
    if (found) counts.hits++;
    else counts.misses++;
  }

  /** Of one cache. */
  of(cache: string): Hits {
    return this.#caches.get(cache) ?? NONE;
  }

  /** Forgets all caches but these. */
  keep(names: readonly string[]): void {
    const kept = new Set(names);
    for (const name of this.#caches.keys()) {
      if (!kept.has(name)) this.#caches.delete(name);
    }
    this.#last = null;
  }

  #countsOf(cache: string): Counts | undefined {
    let counts = this.#caches.get(cache);
    if (counts === undefined) {
      if (this.#caches.size === NAMES_MAX) return;
      counts = { ...NONE };
      this.#caches.set(cache, counts);
    }
    this.#last = cache;
    return this.#lastCounts = counts;
  }
}
