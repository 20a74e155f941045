import type { ByteKey, KvRange } from "../types.ts";

/** Keys of a block, at most; one that grows beyond is cut in two. */
const BLOCK_KEYS = 512;

/**
 * Keys in order, in blocks that are each a sorted list: to add or remove a key moves a block's keys at most.
 * While it is being filled it knows what changed since its beginning, and not yet all of the rest.
 */
export class KeyOrder {
  #blocks: ByteKey[][] = [];
  /** What is still to be added; null once all keys are here. */
  #rest: Iterator<ByteKey> | null;

  /** To be filled with `keys`, which may change meanwhile as long as each change is told. */
  constructor(keys: Iterable<ByteKey>) {
    this.#rest = keys[Symbol.iterator]();
  }

  /** Adds some more of the keys; whether all are here. */
  fill(limit: number): boolean {
    for (let left = limit; left > 0 && this.#rest !== null; left--) {
      const next = this.#rest.next();
      if (next.done === true) this.#rest = null;
      else this.add(next.value);
    }
    return this.#rest === null;
  }

  /** Adds all that is missing at once; `keys` are all of them. */
  complete(keys: Iterable<ByteKey>): void {
    if (this.#rest === null) return;
    this.#rest = null;
    const sorted = [...keys].sort();
    this.#blocks = [];
    for (let at = 0; at < sorted.length; at += BLOCK_KEYS / 2) {
      this.#blocks.push(sorted.slice(at, at + BLOCK_KEYS / 2));
    }
  }

  /** Adds a key; one that is here stays. */
  add(key: ByteKey): void {
    const place = this.#blockOf(key);
    const block = this.#blocks[place];
    if (block === undefined) {
      this.#blocks.push([key]);
      return;
    }
    const at = firstFrom(block, key);
    if (block[at] === key) return;
    block.splice(at, 0, key);
    if (block.length > BLOCK_KEYS) {
      this.#blocks.splice(place + 1, 0, block.splice(BLOCK_KEYS / 2));
    }
  }

  /** A key lies elsewhere by now: among those that are still to be added it may not be found any more. */
  moved(key: ByteKey): void {
    if (this.#rest !== null) this.add(key);
  }

  /** Removes a key, if it is here. */
  remove(key: ByteKey): void {
    const place = this.#blockOf(key);
    const block = this.#blocks[place];
    if (block === undefined) return;
    const at = firstFrom(block, key);
    if (block[at] !== key) return;
    block.splice(at, 1);
    if (block.length === 0) this.#blocks.splice(place, 1);
  }

  /** The keys of a range. */
  range({ start, end, reverse, limit }: KvRange): ByteKey[] {
    const keys: ByteKey[] = [];
    if (this.#blocks.length === 0) return keys;
    return reverse
      ? this.#backward(start, end, limit, keys)
      : this.#forward(start, end, limit, keys);
  }

  #forward(
    start: ByteKey,
    end: ByteKey | null,
    limit: number,
    keys: ByteKey[],
  ): ByteKey[] {
    let place = this.#blockOf(start);
    let at = firstFrom(this.#blocks[place]!, start);
    for (; place < this.#blocks.length; place++, at = 0) {
      for (const block = this.#blocks[place]!; at < block.length; at++) {
        const key = block[at]!;
        if (keys.length === limit || end !== null && key >= end) return keys;
        keys.push(key);
      }
    }
    return keys;
  }

  #backward(
    start: ByteKey,
    end: ByteKey | null,
    limit: number,
    keys: ByteKey[],
  ): ByteKey[] {
    let place = end === null ? this.#blocks.length - 1 : this.#blockOf(end);
    const last = this.#blocks[place]!;
    let at = (end === null ? last.length : firstFrom(last, end)) - 1;
    for (;;) {
      for (const block = this.#blocks[place]!; at >= 0; at--) {
        const key = block[at]!;
        if (keys.length === limit || key < start) return keys;
        keys.push(key);
      }
      if (--place < 0) return keys;
      at = this.#blocks[place]!.length - 1;
    }
  }

  /** The place of the block that a key belongs into: the last one that begins at or before it, or the first. */
  #blockOf(key: ByteKey): number {
    let [low, high] = [0, this.#blocks.length];
    while (high - low > 1) {
      const middle = low + high >>> 1;
      if (this.#blocks[middle]![0]! <= key) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** The place in a block of the first key that is not before `key`. */
function firstFrom(block: readonly ByteKey[], key: ByteKey): number {
  let [low, high] = [0, block.length];
  while (low < high) {
    const middle = low + high >>> 1;
    if (block[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
