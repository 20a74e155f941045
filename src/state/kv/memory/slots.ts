import type { StoredCounter, StoredEntry } from "../store.ts";
import type { ValueKind } from "../types.ts";
import { VALUE_KINDS } from "../values.ts";
import { offsetOf, type Page, Pages } from "./pages.ts";

/** Larger values have memory of their own. */
const SHARED_BYTES_MAX = 64 * 1024;
/**
 * What is before a value: version (8 bytes), deadline (8), length and kind (4), place among the
 * deadlines (4). A counter has its value in the place of the version.
 */
const HEAD_BYTES = 24;
const KIND_BITS = 2;
/** A loop over so few bytes beats a call. */
const SMALL_BYTES_MAX = 64;
/** No deadline. */
const NOWHERE = -1;

/** Entries and counters as bytes in pages, each known by the number of its slot. */
export class Slots {
  readonly #pages = new Pages();
  /** Values that are too large for a page. */
  readonly #large = new Map<number, Uint8Array>();

  /** Bytes of memory that values take. */
  get bytes(): number {
    let bytes = this.#pages.count * 1024 * 1024;
    for (const { length } of this.#large.values()) bytes += length;
    return bytes;
  }

  /** Stores an entry. */
  addEntry(entry: StoredEntry): number {
    const { kind, bytes, version, deadlineMs } = entry;
    const { length } = bytes;
    const shared = length <= SHARED_BYTES_MAX;
    const slot = this.#pages.take(HEAD_BYTES + (shared ? length : 0));
    const page = this.#pages.pageOf(slot);
    const offset = offsetOf(slot);
    page.floats[offset >>> 3] = version;
    page.floats[(offset >>> 3) + 1] = deadlineMs;
    page.words[(offset >>> 2) + 4] = length << KIND_BITS |
      VALUE_KINDS.indexOf(kind);
    page.words[(offset >>> 2) + 5] = NOWHERE;
    if (shared) copy(bytes, page.bytes, offset + HEAD_BYTES);
    else this.#large.set(slot, bytes.slice());
    return slot;
  }

  /** Stores a counter. */
  addCounter({ value, deadlineMs }: StoredCounter): number {
    const slot = this.#pages.take(HEAD_BYTES);
    const page = this.#pages.pageOf(slot);
    const offset = offsetOf(slot);
    page.integers[offset >>> 3] = value;
    page.floats[(offset >>> 3) + 1] = deadlineMs;
    page.words[(offset >>> 2) + 4] = 0;
    page.words[(offset >>> 2) + 5] = NOWHERE;
    return slot;
  }

  /** Forgets what is in a slot. */
  remove(slot: number): void {
    if (this.#large.size > 0) this.#large.delete(slot);
    this.#pages.give(slot);
  }

  /** What is stored, with a view of its bytes. */
  entry(slot: number): StoredEntry {
    const page = this.#pages.pageOf(slot);
    const offset = offsetOf(slot);
    return {
      kind: kindOf(page, offset),
      bytes: this.#view(page, offset, slot),
      version: page.floats[offset >>> 3]!,
      deadlineMs: page.floats[(offset >>> 3) + 1]!,
    };
  }

  /** What is stored, with bytes of its own. */
  ownEntry(slot: number): StoredEntry {
    const page = this.#pages.pageOf(slot);
    const offset = offsetOf(slot);
    return {
      kind: kindOf(page, offset),
      bytes: this.#copy(page, offset, slot),
      version: page.floats[offset >>> 3]!,
      deadlineMs: page.floats[(offset >>> 3) + 1]!,
    };
  }

  /** The counter that is stored. */
  counter(slot: number): StoredCounter {
    const page = this.#pages.pageOf(slot);
    const offset = offsetOf(slot);
    return {
      value: page.integers[offset >>> 3]!,
      deadlineMs: page.floats[(offset >>> 3) + 1]!,
    };
  }

  /** Changes a counter in its place. */
  setCounter(slot: number, value: bigint): void {
    this.#pages.pageOf(slot).integers[offsetOf(slot) >>> 3] = value;
  }

  /** The version of an entry. */
  version(slot: number): number {
    return this.#pages.pageOf(slot).floats[offsetOf(slot) >>> 3]!;
  }

  /** When it goes; 0 for never. */
  deadline(slot: number): number {
    return this.#pages.pageOf(slot).floats[(offsetOf(slot) >>> 3) + 1]!;
  }

  /** Says when it goes. */
  setDeadline(slot: number, deadlineMs: number): void {
    this.#pages.pageOf(slot).floats[(offsetOf(slot) >>> 3) + 1] = deadlineMs;
  }

  /** Its place among the deadlines. */
  place(slot: number): number {
    return this.#pages.pageOf(slot).words[(offsetOf(slot) >>> 2) + 5]!;
  }

  /** Says where it is among the deadlines. */
  setPlace(slot: number, place: number): void {
    this.#pages.pageOf(slot).words[(offsetOf(slot) >>> 2) + 5] = place;
  }

  #view(page: Page, offset: number, slot: number): Uint8Array {
    const length = page.words[(offset >>> 2) + 4]! >>> KIND_BITS;
    if (length > SHARED_BYTES_MAX) return this.#large.get(slot)!;
    const start = offset + HEAD_BYTES;
    return page.bytes.subarray(start, start + length);
  }

  #copy(page: Page, offset: number, slot: number): Uint8Array {
    const length = page.words[(offset >>> 2) + 4]! >>> KIND_BITS;
    if (length > SHARED_BYTES_MAX) return this.#large.get(slot)!.slice();
    const start = offset + HEAD_BYTES;
    if (length > SMALL_BYTES_MAX) {
      return page.bytes.slice(start, start + length);
    }
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = page.bytes[start + i]!;
    return bytes;
  }
}

function kindOf(page: Page, offset: number): ValueKind {
  return VALUE_KINDS[page.words[(offset >>> 2) + 4]! & 3]!;
}

function copy(from: Uint8Array, to: Uint8Array, at: number): void {
  const { length } = from;
  if (length > SMALL_BYTES_MAX) return to.set(from, at);
  for (let i = 0; i < length; i++) to[at + i] = from[i]!;
}
