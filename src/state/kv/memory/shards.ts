import type { ByteKey } from "../types.ts";

/** A power of two. */
const SHARDS = 64;
/** The version of the first key is to be looked up. */
const UNKNOWN = -1;

/** What a table needs to know of the slots that it holds. */
export type VersionOf = (slot: number) => number;

/** One of the Maps, and how far it was read from the front. */
interface Shard {
  keys: Map<ByteKey, number>;
  /** Stands behind the first key; what was there before it is gone for good, so it never goes back. */
  front: Iterator<[ByteKey, number]> | null;
  /** The first key, if `front` stands behind it. */
  first: ByteKey;
  /** The latest version in it. */
  last: number;
  /** Whether the order of keys is that of versions. */
  sorted: boolean;
}

/**
 * Slots by their keys: many Maps, since one that grows moves all it holds within one call. A Map keeps the
 * order in which keys were set, and a key that is written again is set anew, so the order is that of
 * versions, and the oldest key of all is the first one of some Map.
 */
export class Shards {
  readonly #versionOf: VersionOf;
  readonly #shards: (Shard | undefined)[] = new Array(SHARDS);
  /** The version of each shard's first key; infinite if there is none. */
  readonly #firsts = new Float64Array(SHARDS).fill(Infinity);
  #size = 0;
  /** The key that was looked up last, and what was found: what is written was looked up before. */
  #lastKey: ByteKey | null = null;
  #lastSlot: number | undefined;
  #lastShard = 0;

  /** An empty one; `versionOf` says in which order keys were written. */
  constructor(versionOf: VersionOf) {
    this.#versionOf = versionOf;
  }

  /** How many keys there are. */
  get size(): number {
    return this.#size;
  }

  /** The slot of a key. */
  get(key: ByteKey): number | undefined {
    if (key === this.#lastKey) return this.#lastSlot;
    const shard = this.#lastShard = shardOf(key);
    this.#lastKey = key;
    return this.#lastSlot = this.#shards[shard]?.keys.get(key);
  }

  /** Adds a key that is not there, written at `version`. */
  add(key: ByteKey, slot: number, version: number): void {
    const at = this.#shardOf(key);
    this.#lastKey = null;
    const shard = this.#shards[at] ??= emptyShard();
    shard.keys.set(key, slot);
    this.#size++;
    if (version < shard.last) {
      shard.sorted = false;
      this.#firsts[at] = UNKNOWN;
    } else {
      shard.last = version;
      if (this.#firsts[at] === Infinity) this.#firsts[at] = UNKNOWN;
    }
  }

  /** Puts another slot in the place of a key's. */
  replace(key: ByteKey, slot: number): void {
    this.#shards[this.#shardOf(key)]!.keys.set(key, slot);
    this.#lastKey = null;
  }

  /** Removes a key; its slot, if there was one. */
  remove(key: ByteKey): number | undefined {
    const slot = this.get(key);
    if (slot === undefined) return undefined;
    const at = this.#shardOf(key);
    const shard = this.#shards[at];
    shard!.keys.delete(key);
    this.#lastSlot = undefined;
    this.#size--;
    if (shard!.front !== null && shard!.first === key) {
      this.#firsts[at] = UNKNOWN;
    }
    return slot;
  }

  /** The key with the smallest version; null if there is none. */
  oldest(): ByteKey | null {
    let at = -1;
    let smallest = Infinity;
    for (let i = 0; i < SHARDS; i++) {
      let first = this.#firsts[i]!;
      if (first === UNKNOWN) first = this.#lookUp(i);
      if (first < smallest) [at, smallest] = [i, first];
    }
    return at < 0 ? null : this.#shards[at]!.first;
  }

  /** All keys with their slots, also while they change: what stays is told once. */
  *[Symbol.iterator](): Generator<[ByteKey, number]> {
    for (const shard of this.#shards) {
      if (shard === undefined) continue;
      const { keys } = shard;
      for (const pair of keys) {
        if (shard.keys === keys) yield pair;
        else {
          // They were sorted meanwhile.
          const slot = shard.keys.get(pair[0]);
          if (slot !== undefined) yield [pair[0], slot];
        }
      }
    }
  }

  #shardOf(key: ByteKey): number {
    return key === this.#lastKey ? this.#lastShard : shardOf(key);
  }

  #lookUp(at: number): number {
    const shard = this.#shards[at]!;
    if (!shard.sorted) this.#sort(shard);
    shard.front ??= shard.keys.entries();
    const next = shard.front.next();
    if (next.done === true) {
      // An iterator that ended does not see what is set later.
      shard.front = null;
      return this.#firsts[at] = Infinity;
    }
    const [key, slot] = next.value;
    shard.first = key;
    return this.#firsts[at] = this.#versionOf(slot);
  }

  /** Keys came in another order, as they do with a snapshot. */
  #sort(shard: Shard): void {
    const entries = [...shard.keys].sort(([, a], [, b]) =>
      this.#versionOf(a) - this.#versionOf(b)
    );
    shard.keys = new Map(entries);
    shard.front = null;
    shard.sorted = true;
  }
}

function emptyShard(): Shard {
  return { keys: new Map(), front: null, first: "", last: 0, sorted: true };
}

/** FNV-1a, its upper bits folded in. */
function shardOf(key: ByteKey): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  return (hash ^ hash >>> 15) & SHARDS - 1;
}
