import type { LogIndex } from "../raft/types.ts";
import { assert } from "../util/assert.ts";
import { ByteQueue } from "./byte_queue.ts";
import { KeyQueue } from "./key_queue.ts";
import type { AnswerHead, RememberedAnswer } from "./remembered_answers.ts";

/** The numbers of each answer, by their columns. */
const INDEX = 0;
const CLOCK = 1;
const SESSION = 2;
const SEQUENCE = 3;
const BODY_HASH = 4;
const ROW = 5;
/** Where its bytes end; they begin where those before end. */
const END = 6;
const COLUMNS = 7;

/**
 * Answers to writes with an idempotency key, in the order of their indexes. Only the oldest one ever goes, so they
 * are kept in two queues: they are many, and stay long.
 */
export class KeyedAnswers {
  readonly #keys = new KeyQueue(COLUMNS);
  readonly #bytes = new ByteQueue();

  /** How many there are. */
  get size(): number {
    return this.#keys.size;
  }

  /** The index of the oldest one; infinite if there is none. */
  get firstIndex(): LogIndex {
    return this.#firstNumber(INDEX);
  }

  /** The cluster clock of the oldest one, ms; infinite if there is none. */
  get firstClockMs(): number {
    return this.#firstNumber(CLOCK);
  }

  /** The oldest one. */
  first(): AnswerHead | undefined {
    return this.size === 0 ? undefined : this.#head(this.#keys.head);
  }

  /** What was answered to the write with this key. */
  ofKey(key: string): AnswerHead | undefined {
    const slot = this.#keys.find(key);
    return slot === undefined ? undefined : this.#head(slot);
  }

  /** A copy of what was answered at `index`. */
  bytesAt(index: LogIndex): Uint8Array | undefined {
    const slot = this.#keys.firstFrom(INDEX, index);
    const found = slot < this.#keys.tail &&
      this.#keys.get(slot, INDEX) === index;
    return found ? this.#bytesOf(slot) : undefined;
  }

  /** Adds one that is newer than all others. */
  add(answer: RememberedAnswer): void {
    const { index, clockMs, session, sequence, key, bodyHash, row } = answer;
    assert(
      this.size === 0 || this.#keys.get(this.#keys.tail - 1, INDEX) < index,
      "answers come in the order of their indexes",
    );
    this.#bytes.append(answer.bytes);
    this.#keys.add(key, [
      index,
      clockMs,
      session,
      sequence,
      bodyHash,
      row,
      this.#bytes.end,
    ]);
  }

  /** Removes the oldest one; returns how many bytes were answered. */
  removeFirst(): number {
    const { start } = this.#bytes;
    this.#bytes.release(this.#keys.get(this.#keys.head, END));
    this.#keys.removeFirst();
    return this.#bytes.start - start;
  }

  /** Says which row stores the newest ones, those from the entry `first` on. */
  storeIn(first: LogIndex): void {
    this.#keys.setFrom(this.#keys.firstFrom(INDEX, first), ROW, first);
  }

  /** Whether the row that is stored under `row`, the index of its first entry, holds some of them. */
  areIn(row: LogIndex): boolean {
    const slot = this.#keys.firstFrom(INDEX, row);
    return slot < this.#keys.tail && this.#keys.get(slot, ROW) === row;
  }

  /** Forgets all. */
  clear(): void {
    this.#keys.clear();
    this.#bytes.clear();
  }

  /** All of them, the oldest first. */
  *[Symbol.iterator](): Generator<RememberedAnswer> {
    const { head, tail } = this.#keys;
    for (let slot = head; slot < tail; slot++) {
      yield { ...this.#head(slot), bytes: this.#bytesOf(slot) };
    }
  }

  #firstNumber(column: number): number {
    return this.size === 0 ? Infinity : this.#keys.get(this.#keys.head, column);
  }

  #head(slot: number): AnswerHead {
    const keys = this.#keys;
    return {
      index: keys.get(slot, INDEX),
      clockMs: keys.get(slot, CLOCK),
      session: keys.get(slot, SESSION),
      sequence: keys.get(slot, SEQUENCE),
      key: keys.key(slot),
      bodyHash: keys.get(slot, BODY_HASH),
      row: keys.get(slot, ROW),
    };
  }

  #bytesOf(slot: number): Uint8Array {
    const start = slot === this.#keys.head
      ? this.#bytes.start
      : this.#keys.get(slot - 1, END);
    return this.#bytes.slice(start, this.#keys.get(slot, END));
  }
}
