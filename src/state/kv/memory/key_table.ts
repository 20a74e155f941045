import type { ByteKey } from "../types.ts";
import { type HashSeed, tableHash, tableHashOf } from "./key_hash.ts";

/** Cells of a new segment, a power of two. */
const FIRST_CELLS = 16;
/** No such slot. */
export const NO_SLOT = -1;

/** What a table needs to know of the slots that it holds. */
export interface SlotKeys {
  /** Whether this is the key in a slot. */
  hasKey(slot: number, key: ByteKey): boolean;
  /** The same of a key that lies in bytes. */
  hasKeyIn(
    slot: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): boolean;
}

/** When a segment is cut in two. */
export interface TableLimits {
  /** Cells of a segment; a full one is cut. A power of two. @default {4096} */
  readonly cells: number;
  /** It is cut so often; beyond that its cells become more. Only hashes that begin alike come that far. @default {20} */
  readonly depth: number;
}

const TABLE_LIMITS: TableLimits = { cells: 4096, depth: 20 };

/** The keys whose hashes begin with the same `depth` bits. */
interface KeySegment {
  /** For each cell the hash and the complement of the slot, which is never 0; 0 for an empty cell. */
  cells: Int32Array;
  /** Cells, less one. */
  mask: number;
  /** Cells that are in use. */
  count: number;
  readonly depth: number;
}

/**
 * Slots by the keys that lie in them: numbers in typed arrays, nothing for the collector to follow.
 * A table of segments, chosen by the first bits of a key's hash; a full one is cut in two, so that no call moves more
 * than some thousand keys however many there are (Fagin and others, "Extendible Hashing", 1979).
 */
export class KeyTable {
  readonly #slots: SlotKeys;
  readonly #seed: HashSeed;
  readonly #limits: TableLimits;
  /** The segment of each beginning of a hash, `#depth` bits long. */
  #directory: KeySegment[];
  #depth = 1;
  #size = 0;
  /** The key that was looked up last, and what was found: what is written was looked up before. */
  #lastKey: ByteKey | null = null;
  #lastHash = 0;
  #lastSlot = NO_SLOT;

  /** An empty one; `slots` compare a key with the one in a slot. */
  constructor(
    slots: SlotKeys,
    seed: HashSeed,
    limits: TableLimits = TABLE_LIMITS,
  ) {
    this.#slots = slots;
    this.#seed = seed;
    this.#limits = limits;
    const segment = emptySegment(FIRST_CELLS, 0);
    this.#directory = [segment, segment];
  }

  /** How many keys there are. */
  get size(): number {
    return this.#size;
  }

  /** The slot of a key; `NO_SLOT` if it is not there. */
  get(key: ByteKey): number {
    if (key === this.#lastKey) return this.#lastSlot;
    const hash = tableHash(key, this.#seed);
    this.#lastKey = key;
    this.#lastHash = hash;
    return this.#lastSlot = this.#find(hash, key);
  }

  /** The same of a key that lies in bytes. */
  find(bytes: Uint8Array, start: number, length: number): number {
    const hash = tableHashOf(bytes, start, length, this.#seed);
    this.#lastKey = null;
    this.#lastHash = hash;
    const { cells, mask } = this.#segmentOf(hash);
    for (let at = hash & mask;; at = at + 1 & mask) {
      const slot = ~cells[2 * at + 1]!;
      if (slot === NO_SLOT) return NO_SLOT;
      const same = cells[2 * at] === hash &&
        this.#slots.hasKeyIn(slot, bytes, start, length);
      if (same) return slot;
    }
  }

  /** Adds a key that is not there. */
  add(key: ByteKey, slot: number): void {
    this.#add(this.#hashOf(key), slot);
  }

  /** Adds the key that {@linkcode find} looked for last, in vain. */
  addMissed(slot: number): void {
    this.#add(this.#lastHash, slot);
  }

  /** Puts another slot in the place of a key's. */
  replace(key: ByteKey, old: number, slot: number): void {
    this.#replace(this.#hashOf(key), old, slot);
  }

  /** The same of the key that {@linkcode find} found last. */
  replaceFound(old: number, slot: number): void {
    this.#replace(this.#lastHash, old, slot);
  }

  /** Removes a key; its slot, or `NO_SLOT` if it was not there. */
  remove(key: ByteKey): number {
    const slot = this.get(key);
    if (slot === NO_SLOT) return slot;
    const hash = this.#lastHash;
    const segment = this.#segmentOf(hash);
    empty(segment, cellOf(segment, hash, slot));
    this.#size--;
    this.#lastSlot = NO_SLOT;
    const cells = segment.mask + 1;
    if (cells > FIRST_CELLS && segment.count < cells >>> 3) {
      resize(segment, cells >>> 1);
    }
    return slot;
  }

  /** All slots, also while they change: what stays in its slot is told once. */
  *[Symbol.iterator](): Generator<number> {
    // Segments are cut, never joined: what lies before `from` stays there.
    for (let from = 0; from < 2 ** 32;) {
      const { cells, depth } = this.#segmentOf(from | 0);
      const seen = cells.slice();
      for (let at = 0; at < seen.length; at += 2) {
        const slot = ~seen[at + 1]!;
        if (slot !== NO_SLOT && this.#holds(seen[at]!, slot)) yield slot;
      }
      from += 2 ** (32 - depth);
    }
  }

  #hashOf(key: ByteKey): number {
    if (key !== this.#lastKey) this.get(key);
    return this.#lastHash;
  }

  #add(hash: number, slot: number): void {
    let segment = this.#segmentOf(hash);
    while (isFull(segment)) {
      this.#makeRoom(segment, hash);
      segment = this.#segmentOf(hash);
    }
    place(segment, hash, slot);
    this.#size++;
    this.#lastSlot = slot;
  }

  #replace(hash: number, old: number, slot: number): void {
    const segment = this.#segmentOf(hash);
    segment.cells[2 * cellOf(segment, hash, old) + 1] = ~slot;
    this.#lastSlot = slot;
  }

  #segmentOf(hash: number): KeySegment {
    return this.#directory[hash >>> 32 - this.#depth]!;
  }

  #find(hash: number, key: ByteKey): number {
    const { cells, mask } = this.#segmentOf(hash);
    for (let at = hash & mask;; at = at + 1 & mask) {
      const slot = ~cells[2 * at + 1]!;
      if (slot === NO_SLOT) return NO_SLOT;
      if (cells[2 * at] === hash && this.#slots.hasKey(slot, key)) return slot;
    }
  }

  #holds(hash: number, slot: number): boolean {
    return cellOf(this.#segmentOf(hash), hash, slot) >= 0;
  }

  #makeRoom(segment: KeySegment, hash: number): void {
    const cells = segment.mask + 1;
    if (cells < this.#limits.cells || segment.depth === this.#limits.depth) {
      return resize(segment, 2 * cells);
    }
    if (segment.depth === this.#depth) this.#deepen();
    const depth = segment.depth + 1;
    const halves = [emptySegment(cells, depth), emptySegment(cells, depth)];
    eachIn(segment.cells, (hash, slot) => {
      place(halves[hash >>> 32 - depth & 1]!, hash, slot);
    });
    const count = 2 ** (this.#depth - depth);
    // All bits of a word are not moved out of it: it would stay.
    const at = segment.depth === 0
      ? 0
      : (hash >>> 32 - segment.depth) * 2 * count;
    this.#directory.fill(halves[0]!, at, at + count);
    this.#directory.fill(halves[1]!, at + count, at + 2 * count);
  }

  /** Tells the segments apart by one more bit. */
  #deepen(): void {
    const directory: KeySegment[] = [];
    for (const segment of this.#directory) directory.push(segment, segment);
    this.#directory = directory;
    this.#depth++;
  }
}

function emptySegment(cells: number, depth: number): KeySegment {
  return {
    cells: new Int32Array(2 * cells),
    mask: cells - 1,
    count: 0,
    depth,
  };
}

/** Three quarters of the cells are used: with more, what is not there takes long to be missed. */
function isFull({ mask, count }: KeySegment): boolean {
  return 4 * count >= 3 * (mask + 1);
}

/** The cell of a slot, or -1. */
function cellOf(
  { cells, mask }: KeySegment,
  hash: number,
  slot: number,
): number {
  for (let at = hash & mask;; at = at + 1 & mask) {
    const held = cells[2 * at + 1]!;
    if (held === ~slot) return at;
    if (held === 0) return -1;
  }
}

function place(segment: KeySegment, hash: number, slot: number): void {
  const { cells, mask } = segment;
  let at = hash & mask;
  while (cells[2 * at + 1] !== 0) at = at + 1 & mask;
  cells[2 * at] = hash;
  cells[2 * at + 1] = ~slot;
  segment.count++;
}

/** Empties a cell; those behind it that were only pushed away move up, so that no gap hides them. */
function empty(segment: KeySegment, cell: number): void {
  const { cells, mask } = segment;
  let gap = cell;
  for (let at = gap + 1 & mask; cells[2 * at + 1] !== 0; at = at + 1 & mask) {
    const home = cells[2 * at]! & mask;
    if ((at - home & mask) < (at - gap & mask)) continue;
    cells[2 * gap] = cells[2 * at]!;
    cells[2 * gap + 1] = cells[2 * at + 1]!;
    gap = at;
  }
  cells[2 * gap + 1] = 0;
  segment.count--;
}

function resize(segment: KeySegment, cells: number): void {
  const old = segment.cells;
  segment.cells = new Int32Array(2 * cells);
  segment.mask = cells - 1;
  segment.count = 0;
  eachIn(old, (hash, slot) => place(segment, hash, slot));
}

function eachIn(
  cells: Int32Array,
  tell: (hash: number, slot: number) => void,
): void {
  for (let at = 0; at < cells.length; at += 2) {
    if (cells[at + 1] !== 0) tell(cells[at]!, ~cells[at + 1]!);
  }
}
