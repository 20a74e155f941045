import type { ByteWriter } from "../../../util/bytes.ts";
import { encodeTables } from "../../sql/events.ts";

/** Numbers a set of no tables. */
export const NO_TABLES = 0;
/** With more sets than this the numbers begin anew. */
const SETS_MAX = 4096;
const NUMBERS_MAX = 2 ** 26;

/** Sets of tables that entries write, each under a small number: an entry's set is one number, and its names are encoded once. */
export class TableSets {
  readonly #sets: (readonly string[])[] = [[]];
  readonly #numbers = new Map<string, number>();
  /** The unions that were formed, by both numbers. */
  readonly #unions = new Map<number, number>();
  /** How many sets the event loop knows; null when it must forget what it knew. */
  #told: number | null = null;

  /** Whether {@linkcode reset} is due. */
  get full(): boolean {
    return this.#sets.length > SETS_MAX;
  }

  /** Begins anew; no number given before may be used any more. */
  reset(): void {
    this.#sets.length = 1;
    this.#numbers.clear();
    this.#unions.clear();
    this.#told = null;
  }

  /** The number of a set. */
  numberOf(names: Iterable<string>): number {
    const sorted = [...new Set(names)].sort();
    if (sorted.length === 0) return NO_TABLES;
    const key = sorted.join("\0");
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#sets.length;
      this.#sets.push(sorted);
      this.#numbers.set(key, number);
    }
    return number;
  }

  /** The number of a union. */
  union(one: number, other: number): number {
    if (one === other || other === NO_TABLES) return one;
    if (one === NO_TABLES) return other;
    const key = one * NUMBERS_MAX + other;
    let number = this.#unions.get(key);
    if (number === undefined) {
      number = this.numberOf([...this.#sets[one]!, ...this.#sets[other]!]);
      this.#unions.set(key, number);
    }
    return number;
  }

  /** Appends the sets that are new to the event loop. */
  tell(writer: ByteWriter): void {
    const from = this.#told ?? 1;
    writer.u8(this.#told === null ? 1 : 0).u32(this.#sets.length - from);
    for (let i = from; i < this.#sets.length; i++) {
      writer.bytes(encodeTables(this.#sets[i]!));
    }
    this.#told = this.#sets.length;
  }
}
