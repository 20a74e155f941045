import type { LogIndex, Term } from "../raft/types.ts";

/** The terms of consecutive entries, as runs of (first index, term): one pair per leader, not one per entry. */
export class TermRuns {
  #firsts: LogIndex[] = [];
  #terms: Term[] = [];

  /** Entries from `first` on have this term. */
  push(first: LogIndex, term: Term): void {
    if (this.#terms.at(-1) === term) return;
    this.#firsts.push(first);
    this.#terms.push(term);
  }

  /** The term at an index at or above the first run's start and not beyond the last entry. */
  at(index: LogIndex): Term | undefined {
    let slot = this.#firsts.length - 1;
    while (slot >= 0 && this.#firsts[slot]! > index) slot--;
    return this.#terms[slot];
  }

  /** Forgets entries above `index`. */
  truncateAfter(index: LogIndex): void {
    while (this.#firsts.length > 0 && this.#firsts.at(-1)! > index) {
      this.#firsts.pop();
      this.#terms.pop();
    }
  }

  /** Forgets runs that end at or before `index`. */
  dropThrough(index: LogIndex): void {
    let dead = 0;
    while (dead + 1 < this.#firsts.length && this.#firsts[dead + 1]! <= index) {
      dead++;
    }
    this.#firsts.splice(0, dead);
    this.#terms.splice(0, dead);
  }

  /** Forgets everything. */
  clear(): void {
    this.#firsts = [];
    this.#terms = [];
  }
}
