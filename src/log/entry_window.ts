import type { Entry, LogIndex } from "../raft/types.ts";
import { fail } from "../util/assert.ts";

/** Dropped slots are removed from the array once they are this many, and more than half of it. */
const COMPACT_AT = 1024;

/** A run of consecutive entries in memory that grows at its end and shrinks at both. */
export class EntryWindow {
  #slots: (Entry | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  #first: LogIndex;

  /** Starts empty; the first entry will have index `first`. */
  constructor(first: LogIndex) {
    this.#first = first;
  }

  /** Index of the first entry, or of the next one if there is none. */
  get first(): LogIndex {
    return this.#first;
  }

  /** Index of the last entry; `first - 1` if there is none. */
  get last(): LogIndex {
    return this.#first + this.#slots.length - this.#head - 1;
  }

  /** Payload bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The entry at `index`, or undefined outside. */
  get(index: LogIndex): Entry | undefined {
    return index < this.#first
      ? undefined
      : this.#slots[this.#head + index - this.#first];
  }

  /** Adds the entry after `last`. */
  push(entry: Entry): void {
    if (entry.index !== this.last + 1) {
      fail(`entry ${entry.index} leaves a gap`);
    }
    this.#slots.push(entry);
    this.#bytes += entry.payload.length;
  }

  /** Drops every entry above `index`; an empty window then continues at `index + 1`. */
  truncateAfter(index: LogIndex): void {
    while (this.last > index && this.#slots.length > this.#head) {
      this.#bytes -= this.#slots.pop()!.payload.length;
    }
    if (this.#slots.length === this.#head) this.restart(index + 1);
  }

  /** Drops every entry up to and including `index`, as far as there are any. */
  dropThrough(index: LogIndex): void {
    while (this.#first <= index && this.#slots.length > this.#head) {
      this.#bytes -= this.#slots[this.#head]!.payload.length;
      this.#slots[this.#head++] = undefined;
      this.#first++;
    }
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#slots.length) {
      this.#slots.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** Drops the oldest entries until at most `limit` payload bytes are held. */
  shrinkTo(limit: number): void {
    while (this.#bytes > limit) this.dropThrough(this.#first);
  }

  /** Drops everything; the next entry will have index `first`. */
  restart(first: LogIndex): void {
    this.#slots = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#first = first;
  }

  /** Entries `from … to` as far as they are here and fit into `maxBytes`, at least one; undefined if `from` is not here. */
  slice(from: LogIndex, to: LogIndex, maxBytes: number): Entry[] | undefined {
    if (from < this.#first || from > this.last) return undefined;
    const end = Math.min(to, this.last);
    const entries: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= end; index++) {
      const entry = this.#slots[this.#head + index - this.#first]!;
      bytes += entry.payload.length;
      if (bytes > maxBytes && entries.length > 0) break;
      entries.push(entry);
    }
    return entries;
  }
}
