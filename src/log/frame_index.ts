import type { LogIndex } from "../raft/types.ts";

/** Forgotten slots are removed once they are this many, and more than half of all. */
const COMPACT_AT = 1024;

/** Where the frames with entries are: three numbers a frame, found by binary search. */
export class FrameIndex {
  #firsts: LogIndex[] = [];
  #lsns: number[] = [];
  #sizes: number[] = [];
  #head = 0;

  /** Slots run from here … */
  get begin(): number {
    return this.#head;
  }

  /** … to before here. They are valid until the next change. */
  get end(): number {
    return this.#firsts.length;
  }

  /** Adds a frame behind the others. */
  push(first: LogIndex, lsn: number, bytes: number): void {
    this.#firsts.push(first);
    this.#lsns.push(lsn);
    this.#sizes.push(bytes);
  }

  /** The slot of the frame that holds `index`, if it is not below the first; otherwise -1. */
  find(index: LogIndex): number {
    let low = this.#head;
    let high = this.#firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#firsts[middle]! <= index) low = middle + 1;
      else high = middle;
    }
    return low === this.#head ? -1 : low - 1;
  }

  /** Index of the first entry in a slot's frame. */
  first(slot: number): LogIndex {
    return this.#firsts[slot]!;
  }

  /** Position of a slot's frame. */
  lsn(slot: number): number {
    return this.#lsns[slot]!;
  }

  /** Bytes of a slot's frame. */
  bytes(slot: number): number {
    return this.#sizes[slot]!;
  }

  /** Forgets frames with nothing but entries above `index`. */
  truncateAfter(index: LogIndex): void {
    let length = this.#firsts.length;
    while (length > this.#head && this.#firsts[length - 1]! > index) length--;
    this.#firsts.length = this.#lsns.length = this.#sizes.length = length;
  }

  /** Forgets frames with nothing but entries up to `index`; `last` is the last entry of all. */
  dropThrough(index: LogIndex, last: LogIndex): void {
    const length = this.#firsts.length;
    while (this.#head < length) {
      const next = this.#firsts[this.#head + 1] ?? last + 1;
      if (next > index + 1) break;
      this.#head++;
    }
    if (this.#head >= COMPACT_AT && this.#head * 2 >= length) {
      this.#firsts.splice(0, this.#head);
      this.#lsns.splice(0, this.#head);
      this.#sizes.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#firsts = [];
    this.#lsns = [];
    this.#sizes = [];
    this.#head = 0;
  }
}
