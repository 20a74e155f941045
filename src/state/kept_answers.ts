import type { LogIndex } from "../raft/types.ts";
import { KeyedAnswers } from "./keyed_answers.ts";
import type { AnswerHead, RememberedAnswer } from "./remembered_answers.ts";

/** What an answer counts for beside its bytes: every member must forget the same, in every release. */
const ANSWER_OVERHEAD_BYTES = 100;

/**
 * All answers that are remembered, and in which stored rows. Those with an idempotency key stay until they are the
 * oldest and have to go; those without one go when their client has them, so there are few.
 */
export class KeptAnswers {
  readonly #keyed = new KeyedAnswers();
  readonly #plain = new Map<LogIndex, RememberedAnswer>(); // oldest first
  readonly #rows = new Map<LogIndex, number>(); // plain answers of each stored row
  #bytes = 0;

  /** How many there are. */
  get size(): number {
    return this.#keyed.size + this.#plain.size;
  }

  /** How many have a key. */
  get keys(): number {
    return this.#keyed.size;
  }

  /** What they count for, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest one that is older than `clockMs`, by the cluster clock. */
  before(clockMs: number): AnswerHead | undefined {
    const plain = this.#oldestPlain();
    const older = this.#keyed.firstClockMs < clockMs ||
      plain !== undefined && plain.clockMs < clockMs;
    return older ? this.oldest() : undefined;
  }

  /** The oldest one. */
  oldest(): AnswerHead | undefined {
    const plain = this.#oldestPlain();
    const { firstIndex } = this.#keyed;
    return plain !== undefined && plain.index < firstIndex
      ? plain
      : this.#keyed.first();
  }

  /** The one to the write with this key. */
  ofKey(key: string): AnswerHead | undefined {
    return this.#keyed.ofKey(key);
  }

  /** The bytes of the one at `index`. */
  bytesAt(index: LogIndex): Uint8Array | undefined {
    return this.#plain.get(index)?.bytes ?? this.#keyed.bytesAt(index);
  }

  /** Whether this one, which was added, is still there. */
  has({ index, key }: AnswerHead): boolean {
    return key === ""
      ? this.#plain.has(index)
      : this.#keyed.firstIndex <= index;
  }

  /** Adds one that is newer than all others. */
  add(answer: RememberedAnswer): void {
    this.#bytes += answer.bytes.length + ANSWER_OVERHEAD_BYTES;
    if (answer.key !== "") return this.#keyed.add(answer);
    this.#plain.set(answer.index, answer);
    if (answer.row !== 0) this.#count(answer.row, 1);
  }

  /** Removes the oldest one. Returns the row that stored it if it was the last one there, else 0. */
  dropOldest(): LogIndex {
    const oldest = this.oldest()!;
    if (oldest.key === "") return this.dropPlain(oldest.index);
    this.#bytes -= this.#keyed.removeFirst() + ANSWER_OVERHEAD_BYTES;
    return this.areIn(oldest.row) ? 0 : oldest.row;
  }

  /** Removes the one at `index`, unless it has a key or is not there. Returns what {@linkcode dropOldest} does. */
  dropPlain(index: LogIndex): LogIndex {
    const answer = this.#plain.get(index);
    if (answer === undefined) return 0;
    this.#plain.delete(index);
    this.#bytes -= answer.bytes.length + ANSWER_OVERHEAD_BYTES;
    const { row } = answer;
    if (row === 0) return 0;
    this.#count(row, -1);
    return this.areIn(row) ? 0 : row;
  }

  /** Says that the row `first` stores these, which are still there: all from that entry on. */
  storeIn(first: LogIndex, answers: readonly RememberedAnswer[]): void {
    this.#keyed.storeIn(first);
    for (const answer of answers) {
      if (answer.key !== "") continue;
      answer.row = first;
      this.#count(first, 1);
    }
  }

  /** Whether a stored row holds some of them. */
  areIn(row: LogIndex): boolean {
    return this.#rows.has(row) || this.#keyed.areIn(row);
  }

  /** Forgets all. */
  clear(): void {
    this.#keyed.clear();
    this.#plain.clear();
    this.#rows.clear();
    this.#bytes = 0;
  }

  /** All of them, the oldest first. */
  [Symbol.iterator](): Iterator<RememberedAnswer> {
    return [...this.#keyed, ...this.#plain.values()]
      .sort((one, other) => one.index - other.index)[Symbol.iterator]();
  }

  #oldestPlain(): RememberedAnswer | undefined {
    for (const answer of this.#plain.values()) return answer;
    return undefined;
  }

  #count(row: LogIndex, change: number): void {
    const count = (this.#rows.get(row) ?? 0) + change;
    if (count === 0) this.#rows.delete(row);
    else this.#rows.set(row, count);
  }
}
