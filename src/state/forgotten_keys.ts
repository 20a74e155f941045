import { createHash } from "node:crypto";
import type { LogIndex } from "../raft/types.ts";
import type { ByteReader, ByteWriter } from "../util/bytes.ts";
import { KeyQueue } from "./key_queue.ts";

/** Bytes of a key's hash; nobody finds two keys with the same. */
const HASH_BYTES = 16;

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

/** The numbers of each key, by their columns. */
const INDEX = 0;
const CLOCK = 1;
const BODY_HASH = 2;
const ROW = 3;
const COLUMNS = 4;

/** Idempotency keys without their answers, about a hundred bytes each, in the order of their indexes. */
export class ForgottenKeys {
  readonly #keys = new KeyQueue(COLUMNS); // by their hashes

  /** How many there are. */
  get size(): number {
    return this.#keys.size;
  }

  /** What is known of this key. */
  find(key: string): ForgottenKey | undefined {
    if (this.size === 0) return undefined;
    const slot = this.#keys.find(hashOfKey(key));
    return slot === undefined ? undefined : this.#at(slot);
  }

  /** The oldest one. */
  first(): ForgottenKey | undefined {
    return this.size === 0 ? undefined : this.#at(this.#keys.head);
  }

  /** Adds one that is newer than all others. */
  add({ hash, index, clockMs, bodyHash, row }: ForgottenKey): void {
    this.#keys.add(hash, [index, clockMs, bodyHash, row]);
  }

  /** Removes the oldest one. */
  removeFirst(): void {
    this.#keys.removeFirst();
  }

  /** Those that `row` stores. */
  ofRow(row: LogIndex): ForgottenKey[] {
    const found: ForgottenKey[] = [];
    const { tail } = this.#keys;
    for (let slot = this.#keys.firstFrom(ROW, row); slot < tail; slot++) {
      const key = this.#at(slot);
      if (key.row !== row) break;
      found.push(key);
    }
    return found;
  }

  /** Says which row stores the newest ones, those from the entry `first` on. */
  storeIn(first: LogIndex): void {
    this.#keys.setFrom(this.#keys.firstFrom(INDEX, first), ROW, first);
  }

  /** Forgets all. */
  clear(): void {
    this.#keys.clear();
  }

  /** All of them, the oldest first. */
  *[Symbol.iterator](): Generator<ForgottenKey> {
    const { head, tail } = this.#keys;
    for (let slot = head; slot < tail; slot++) yield this.#at(slot);
  }

  #at(slot: number): ForgottenKey {
    return {
      hash: this.#keys.key(slot),
      index: this.#keys.get(slot, INDEX),
      clockMs: this.#keys.get(slot, CLOCK),
      bodyHash: this.#keys.get(slot, BODY_HASH),
      row: this.#keys.get(slot, ROW),
    };
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
