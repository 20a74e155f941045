import { assert, fail } from "../util/assert.ts";
import type { LogId, LogIndex, Term } from "./types.ts";

/**
 * The log without its payloads: where each term begins, and how many bytes the
 * entries have. Costs eight bytes an entry.
 */
export class LogIds {
  /** The last entry gone from the log. */
  base: LogId;
  /** The last entry's position. */
  lastIndex: LogIndex;
  /** Where runs of equal terms begin; `runTerms` has their terms. */
  private runFirsts: LogIndex[] = [];
  private runTerms: Term[] = [];
  /** A ring: the payload bytes of all entries up to each index of `base.index … lastIndex`. */
  private totals: Float64Array = new Float64Array(16);

  /** An empty log after `base`. */
  constructor(base: LogId) {
    this.base = base;
    this.lastIndex = base.index;
  }

  /** The last entry's term. */
  get lastTerm(): Term {
    return this.runTerms.at(-1) ?? this.base.term;
  }

  /** The last entry's id. */
  get last(): LogId {
    return { term: this.lastTerm, index: this.lastIndex };
  }

  /** The term of the entry, also of `base`; undefined outside. */
  termAt(index: LogIndex): Term | undefined {
    if (index > this.lastIndex || index < this.base.index) return undefined;
    for (let run = this.runFirsts.length - 1; run >= 0; run--) {
      if (this.runFirsts[run]! <= index) return this.runTerms[run];
    }
    return this.base.term;
  }

  /** Whether the log has exactly this entry. */
  has(id: LogId): boolean {
    return this.termAt(id.index) === id.term;
  }

  /** Adds an entry after the last one. */
  append(term: Term, bytes: number): void {
    if (term < this.lastTerm) {
      fail(`term ${term} appended after term ${this.lastTerm}`);
    }
    if (this.lastIndex - this.base.index + 2 > this.totals.length) this.grow();
    const total = this.totalAt(this.lastIndex) + bytes;
    this.lastIndex++;
    assert(Number.isSafeInteger(this.lastIndex), "log index out of range");
    this.totals[this.lastIndex & (this.totals.length - 1)] = total;
    if (this.runTerms.at(-1) !== term) {
      this.runFirsts.push(this.lastIndex);
      this.runTerms.push(term);
    }
  }

  /** Drops every entry above `index`. */
  truncateAfter(index: LogIndex): void {
    assert(
      index >= this.base.index && index <= this.lastIndex,
      `truncate after ${index} outside ${this.base.index} … ${this.lastIndex}`,
    );
    this.lastIndex = index;
    while (this.runFirsts.length > 0 && this.runFirsts.at(-1)! > index) {
      this.runFirsts.pop();
      this.runTerms.pop();
    }
  }

  /** Forgets entries up to and including `index`; at most all of them. */
  purge(index: LogIndex): void {
    if (index <= this.base.index) return;
    const term = this.termAt(index);
    assert(term !== undefined, `purge ${index} beyond ${this.lastIndex}`);
    this.base = { term, index };
    let gone = 0;
    while (
      gone < this.runFirsts.length &&
      (this.runFirsts[gone + 1] ?? this.lastIndex + 1) <= index + 1
    ) gone++;
    this.runFirsts.splice(0, gone);
    this.runTerms.splice(0, gone);
    if (this.runFirsts.length > 0) {
      this.runFirsts[0] = Math.max(this.runFirsts[0]!, index + 1);
    }
  }

  /** Starts over after `base`. */
  reset(base: LogId): void {
    this.base = base;
    this.lastIndex = base.index;
    this.runFirsts = [];
    this.runTerms = [];
    this.totals = new Float64Array(16);
  }

  /** Payload bytes of the entries `after + 1 … to`. */
  bytesBetween(after: LogIndex, to: LogIndex): number {
    return this.totalAt(to) - this.totalAt(after);
  }

  /** The last index of a range from `first` on that fits; at least `first`. */
  fit(first: LogIndex, entries: number, bytes: number): LogIndex {
    let low = first;
    let high = Math.min(this.lastIndex, first + entries - 1);
    const limit = this.totalAt(first - 1) + bytes;
    if (this.totalAt(high) <= limit) return high;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.totalAt(middle) <= limit) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /**
   * The last entry at or below `index` whose term is at most `term`: where two
   * logs can agree at the latest if one has `term` at `index` (§5.3). Below the
   * log, term 0.
   */
  hint(index: LogIndex, term: Term): LogId {
    let at = Math.min(index, this.lastIndex);
    for (let run = this.runFirsts.length - 1; run >= 0; run--) {
      if (this.runFirsts[run]! > at) continue;
      if (this.runTerms[run]! <= term) {
        return { term: this.runTerms[run]!, index: at };
      }
      at = this.runFirsts[run]! - 1;
    }
    if (at === this.base.index && this.base.term <= term) return this.base;
    return { term: 0, index: Math.max(0, Math.min(at, this.base.index - 1)) };
  }

  private totalAt(index: LogIndex): number {
    return this.totals[index & (this.totals.length - 1)]!;
  }

  private grow(): void {
    const grown = new Float64Array(this.totals.length * 2);
    for (let i = this.base.index; i <= this.lastIndex; i++) {
      grown[i & (grown.length - 1)] = this.totalAt(i);
    }
    this.totals = grown;
  }
}
