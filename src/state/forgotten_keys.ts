import { createHash } from "node:crypto";
import type { LogIndex } from "../raft/types.ts";
import type { ByteReader, ByteWriter } from "../util/bytes.ts";

/** Bytes of a key's hash; nobody finds two keys with the same. */
const HASH_BYTES = 16;
const FIRST_CAPACITY = 64;

/** A write whose answer is forgotten, but not that it was applied. */
export interface ForgottenKey {
  /** SHA-256 of the idempotency key, its first bytes as Latin-1. */
  readonly hash: string;
  readonly index: LogIndex;
  readonly clockMs: number;
  /** See `RememberedAnswer`. */
  readonly bodyHash: number;
  /** The row that stores it; 0 until its batch is written. */
  readonly row: LogIndex;
}

/** The hash that stands for a key. */
export function hashOfKey(key: string): string {
  return createHash("sha256").update(key).digest().subarray(0, HASH_BYTES)
    .toString("latin1");
}

/** Idempotency keys without their answers, about a hundred bytes each, in the order of their indexes. */
export class ForgottenKeys {
  readonly #slots = new Map<string, number>(); // oldest first
  #hashes: string[] = [];
  #numbers = new Float64Array(4 * FIRST_CAPACITY); // index, clock, body's hash and row of each slot
  #head = 0;
  #tail = 0;

  /** How many there are. */
  get size(): number {
    return this.#tail - this.#head;
  }

  /** What is known of this key. */
  find(key: string): ForgottenKey | undefined {
    if (this.size === 0) return undefined;
    const slot = this.#slots.get(hashOfKey(key));
    return slot === undefined ? undefined : this.#at(slot);
  }

  /** The oldest one. */
  first(): ForgottenKey | undefined {
    return this.size === 0 ? undefined : this.#at(this.#head);
  }

  /** Adds one that is newer than all others. */
  add({ hash, index, clockMs, bodyHash, row }: ForgottenKey): void {
    if (this.size === this.#capacity) this.#grow();
    const at = this.#place(this.#tail);
    this.#numbers.set([index, clockMs, bodyHash, row], 4 * at);
    this.#hashes[at] = hash;
    this.#slots.set(hash, this.#tail++);
  }

  /** Removes the oldest one. */
  removeFirst(): void {
    const at = this.#place(this.#head);
    const hash = this.#hashes[at]!;
    // A key that was free again may stand for a newer write, too.
    if (this.#slots.get(hash) === this.#head) this.#slots.delete(hash);
    this.#hashes[at] = "";
    this.#head++;
  }

  /** Those that `row` stores. */
  ofRow(row: LogIndex): ForgottenKey[] {
    let [low, high] = [this.#head, this.#tail];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#at(middle).row < row) low = middle + 1;
      else high = middle;
    }
    const found: ForgottenKey[] = [];
    for (; low < this.#tail && this.#at(low).row === row; low++) {
      found.push(this.#at(low));
    }
    return found;
  }

  /** Says which row stores the newest ones, those from the entry `first` on. */
  storeIn(first: LogIndex): void {
    for (let slot = this.#tail - 1; slot >= this.#head; slot--) {
      if (this.#at(slot).index < first) return;
      this.#numbers[4 * this.#place(slot) + 3] = first;
    }
  }

  /** Forgets all. */
  clear(): void {
    this.#slots.clear();
    this.#hashes = [];
    this.#numbers = new Float64Array(4 * FIRST_CAPACITY);
    this.#head = this.#tail = 0;
  }

  /** All of them, the oldest first. */
  *[Symbol.iterator](): Generator<ForgottenKey> {
    for (let slot = this.#head; slot < this.#tail; slot++) yield this.#at(slot);
  }

  get #capacity(): number {
    return this.#numbers.length / 4;
  }

  #place(slot: number): number {
    return slot % this.#capacity;
  }

  #at(slot: number): ForgottenKey {
    const at = this.#place(slot);
    const [index, clockMs, bodyHash, row] = this.#numbers
      .subarray(4 * at, 4 * at + 4) as unknown as [
        number,
        number,
        number,
        number,
      ];
    return { hash: this.#hashes[at]!, index, clockMs, bodyHash, row };
  }

  /** Slots keep their numbers, and so lie elsewhere. */
  #grow(): void {
    const numbers = new Float64Array(2 * this.#numbers.length);
    const hashes: string[] = new Array(2 * this.#capacity).fill("");
    for (let slot = this.#head; slot < this.#tail; slot++) {
      const from = this.#place(slot);
      const to = slot % (2 * this.#capacity);
      numbers.set(this.#numbers.subarray(4 * from, 4 * from + 4), 4 * to);
      hashes[to] = this.#hashes[from]!;
    }
    this.#numbers = numbers;
    this.#hashes = hashes;
  }
}

/** Appends keys as a row stores them. */
export function writeForgottenKeys(
  writer: ByteWriter,
  keys: readonly ForgottenKey[],
): void {
  writer.u32(keys.length);
  for (const { hash, index, clockMs, bodyHash } of keys) {
    writer.raw(Uint8Array.from(hash, (char) => char.charCodeAt(0)));
    writer.u53(index).u53(clockMs).u32(bodyHash);
  }
}

/** What {@linkcode writeForgottenKeys} wrote, read from `row`. */
export function readForgottenKeys(
  reader: ByteReader,
  row: LogIndex,
): ForgottenKey[] {
  const keys: ForgottenKey[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    keys.push({
      hash: String.fromCharCode(...reader.raw(HASH_BYTES)),
      index: reader.u53(),
      clockMs: reader.u53(),
      bodyHash: reader.u32(),
      row,
    });
  }
  return keys;
}
