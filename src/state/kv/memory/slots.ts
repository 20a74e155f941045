import { NO_BYTES } from "../../../util/bytes.ts";
import { latin1 } from "../../../util/latin1.ts";
import type { SeenEntry, StoredCounter, StoredEntry } from "../store.ts";
import { hashOfEntry, hashOfPlace } from "../contents_hash.ts";
import { type EntryPlace, PLAIN_BYTES_MAX } from "../plain_put.ts";
import type { ByteKey } from "../types.ts";
import type { SlotKeys } from "./key_table.ts";
import { VALUE_KINDS, type ValueKind } from "../../stored_value.ts";
import { offsetOf, type Page, Pages } from "./pages.ts";

/** Larger values have memory of their own. */
const SHARED_BYTES_MAX = PLAIN_BYTES_MAX;
/**
 * What is before a key and its value: version (8 bytes), deadline (8), the value's length and kind (4), the key's
 * length (4), the places among deadlines and versions (4 each). A counter has its value in the place of the version.
 */
const HEAD_BYTES = 32;
const KIND_BITS = 2;
/** Words of a slot, behind its offset. */
const VALUE_WORD = 4;
const KEY_WORD = 5;
const PLACE_WORD = 6;
/** A loop over so few bytes beats a call. */
const SMALL_BYTES_MAX = 64;
/** It has no place in a ranking. */
const NOWHERE = -1;

/** Which of a slot's two places in rankings: by deadline, or by version. */
export type RankedBy = 0 | 1;

/** Where an entry lies in its page, while it is looked at. */
type PageEntry = { -readonly [Name in keyof EntryPlace]: EntryPlace[Name] };
type PageValue = { -readonly [Name in keyof SeenEntry]: SeenEntry[Name] };

/** Entries and counters with their keys, as bytes in pages, each known by the number of its slot. */
export class Slots implements SlotKeys {
  readonly #pages = new Pages();
  /** Values that are too large for a page. */
  readonly #large = new Map<number, Uint8Array>();
  /** One for all reads, so that looking at a value leaves nothing behind. */
  readonly #value: PageValue = {
    kind: "bytes",
    bytes: NO_BYTES,
    start: 0,
    end: 0,
    deadlineMs: 0,
  };
  /** The same for hashes. */
  readonly #seen: PageEntry = {
    bytes: NO_BYTES,
    keyStart: 0,
    keyLength: 0,
    kind: 0,
    valueStart: 0,
    valueLength: 0,
  };

  /** Bytes of memory that keys and values take. */
  get bytes(): number {
    let bytes = this.#pages.count * 1024 * 1024;
    for (const { length } of this.#large.values()) bytes += length;
    return bytes;
  }

  /** Stores an entry. */
  addEntry(key: ByteKey, entry: StoredEntry): number {
    const { length } = entry.bytes;
    const shared = length <= SHARED_BYTES_MAX;
    const slot = this.#add(key, shared ? length : 0);
    if (!shared) this.#large.set(slot, entry.bytes.slice());
    this.#writeEntry(slot, key.length, entry);
    return slot;
  }

  /** Stores an entry in the place of the one with the same key; false if it needs another size of slot. */
  overwriteEntry(slot: number, key: ByteKey, entry: StoredEntry): boolean {
    const { length } = entry.bytes;
    const held = this.#valueWord(slot) >>> KIND_BITS;
    if (length > SHARED_BYTES_MAX || held > SHARED_BYTES_MAX) return false;
    const bytes = HEAD_BYTES + key.length + length;
    if (!this.#pages.fits(slot, bytes)) return false;
    this.#writeEntry(slot, key.length, entry);
    return true;
  }

  /** Stores an entry that lies elsewhere, its value no larger than that of a plain put. */
  addPlace(place: EntryPlace, version: number, deadlineMs: number): number {
    const { keyLength, valueLength } = place;
    const slot = this.#take(keyLength, valueLength);
    const page = this.#pages.pageOf(slot);
    const to = offsetOf(slot) + HEAD_BYTES;
    copyPart(place.bytes, place.keyStart, keyLength, page.bytes, to);
    this.#writePlace(slot, place, version, deadlineMs);
    return slot;
  }

  /** The same in the place of the one with the same key; false if it needs another size of slot. */
  overwritePlace(
    slot: number,
    place: EntryPlace,
    version: number,
    deadlineMs: number,
  ): boolean {
    const { keyLength, valueLength } = place;
    const held = this.#valueWord(slot) >>> KIND_BITS;
    const bytes = HEAD_BYTES + keyLength + valueLength;
    if (held > SHARED_BYTES_MAX || !this.#pages.fits(slot, bytes)) return false;
    this.#writePlace(slot, place, version, deadlineMs);
    return true;
  }

  /** What the key and the value of an entry have, bytes. */
  size(slot: number): number {
    const page = this.#pages.pageOf(slot);
    const word = offsetOf(slot) >>> 2;
    return page.words[word + KEY_WORD]! +
      (page.words[word + VALUE_WORD]! >>> KIND_BITS);
  }

  /** The hash of an entry that is stored under `number`. */
  hash(slot: number, number: number): number {
    const page = this.#pages.pageOf(slot);
    const offset = offsetOf(slot);
    const valueLength = lengthOf(page, offset);
    if (valueLength > SHARED_BYTES_MAX) {
      return hashOfEntry(number, this.key(slot), this.entry(slot));
    }
    const seen = this.#seen;
    seen.bytes = page.bytes;
    seen.keyStart = offset + HEAD_BYTES;
    seen.keyLength = page.words[(offset >>> 2) + KEY_WORD]!;
    seen.kind = page.words[(offset >>> 2) + VALUE_WORD]! & 3;
    seen.valueStart = seen.keyStart + seen.keyLength;
    seen.valueLength = valueLength;
    const version = page.floats[offset >>> 3]!;
    return hashOfPlace(number, seen, version, page.floats[(offset >>> 3) + 1]!);
  }

  /** Stores a counter. */
  addCounter(key: ByteKey, { value, deadlineMs }: StoredCounter): number {
    const slot = this.#add(key, 0);
    const page = this.#pages.pageOf(slot);
    const offset = offsetOf(slot);
    page.integers[offset >>> 3] = value;
    page.floats[(offset >>> 3) + 1] = deadlineMs;
    page.words[(offset >>> 2) + VALUE_WORD] = 0;
    return slot;
  }

  /** Forgets what is in a slot. */
  remove(slot: number): void {
    if (this.#large.size > 0) this.#large.delete(slot);
    this.#pages.give(slot);
  }

  /** Whether this is the key in a slot. */
  hasKey(slot: number, key: ByteKey): boolean {
    const page = this.#pages.pageOf(slot);
    const offset = offsetOf(slot);
    const { length } = key;
    if (page.words[(offset >>> 2) + KEY_WORD] !== length) return false;
    const { bytes } = page;
    const start = offset + HEAD_BYTES;
    for (let i = 0; i < length; i++) {
      if (bytes[start + i] !== key.charCodeAt(i)) return false;
    }
    return true;
  }

  /** See {@linkcode SlotKeys.hasKeyIn}. */
  hasKeyIn(
    slot: number,
    key: Uint8Array,
    from: number,
    length: number,
  ): boolean {
    const page = this.#pages.pageOf(slot);
    const offset = offsetOf(slot);
    if (page.words[(offset >>> 2) + KEY_WORD] !== length) return false;
    const { bytes } = page;
    const start = offset + HEAD_BYTES;
    for (let i = 0; i < length; i++) {
      if (bytes[start + i] !== key[from + i]) return false;
    }
    return true;
  }

  /** The key in a slot. */
  key(slot: number): ByteKey {
    const page = this.#pages.pageOf(slot);
    const offset = offsetOf(slot);
    const start = offset + HEAD_BYTES;
    const length = page.words[(offset >>> 2) + KEY_WORD]!;
    return latin1(page.bytes, start, start + length);
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

  /** Where the value lies, until this is called again. */
  see(slot: number): SeenEntry {
    const page = this.#pages.pageOf(slot);
    const offset = offsetOf(slot);
    const length = lengthOf(page, offset);
    const shared = length <= SHARED_BYTES_MAX;
    const seen = this.#value;
    seen.kind = kindOf(page, offset);
    seen.bytes = shared ? page.bytes : this.#large.get(slot)!;
    seen.start = shared ? valueStart(page, offset) : 0;
    seen.end = seen.start + length;
    seen.deadlineMs = page.floats[(offset >>> 3) + 1]!;
    return seen;
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

  /** When it goes; 0 for never. */
  deadline(slot: number): number {
    return this.#pages.pageOf(slot).floats[(offsetOf(slot) >>> 3) + 1]!;
  }

  /** Its place in a ranking; -1 for none. */
  place(slot: number, by: RankedBy): number {
    const word = (offsetOf(slot) >>> 2) + PLACE_WORD + by;
    return this.#pages.pageOf(slot).words[word]!;
  }

  /** Says where it is in a ranking. */
  setPlace(slot: number, by: RankedBy, place: number): void {
    const word = (offsetOf(slot) >>> 2) + PLACE_WORD + by;
    this.#pages.pageOf(slot).words[word] = place;
  }

  /** Takes a slot and writes the key. */
  #add(key: ByteKey, valueBytes: number): number {
    const { length } = key;
    const slot = this.#take(length, valueBytes);
    const { bytes } = this.#pages.pageOf(slot);
    const start = offsetOf(slot) + HEAD_BYTES;
    for (let i = 0; i < length; i++) bytes[start + i] = key.charCodeAt(i);
    return slot;
  }

  /** Takes a slot for a key that has no place in any ranking yet. */
  #take(keyBytes: number, valueBytes: number): number {
    const slot = this.#pages.take(HEAD_BYTES + keyBytes + valueBytes);
    const { words } = this.#pages.pageOf(slot);
    const word = offsetOf(slot) >>> 2;
    words[word + KEY_WORD] = keyBytes;
    words[word + PLACE_WORD] = NOWHERE;
    words[word + PLACE_WORD + 1] = NOWHERE;
    return slot;
  }

  #writePlace(
    slot: number,
    place: EntryPlace,
    version: number,
    deadlineMs: number,
  ): void {
    const page = this.#pages.pageOf(slot);
    const offset = offsetOf(slot);
    const { valueStart, valueLength } = place;
    page.floats[offset >>> 3] = version;
    page.floats[(offset >>> 3) + 1] = deadlineMs;
    page.words[(offset >>> 2) + VALUE_WORD] = valueLength << KIND_BITS |
      place.kind;
    const to = offset + HEAD_BYTES + place.keyLength;
    copyPart(place.bytes, valueStart, valueLength, page.bytes, to);
  }

  #writeEntry(slot: number, keyBytes: number, entry: StoredEntry): void {
    const page = this.#pages.pageOf(slot);
    const offset = offsetOf(slot);
    const { kind, bytes, version, deadlineMs } = entry;
    const { length } = bytes;
    page.floats[offset >>> 3] = version;
    page.floats[(offset >>> 3) + 1] = deadlineMs;
    page.words[(offset >>> 2) + VALUE_WORD] = length << KIND_BITS |
      VALUE_KINDS.indexOf(kind);
    if (length > SHARED_BYTES_MAX) return;
    copyPart(bytes, 0, length, page.bytes, offset + HEAD_BYTES + keyBytes);
  }

  #valueWord(slot: number): number {
    const word = (offsetOf(slot) >>> 2) + VALUE_WORD;
    return this.#pages.pageOf(slot).words[word]!;
  }

  #view(page: Page, offset: number, slot: number): Uint8Array {
    const length = lengthOf(page, offset);
    if (length > SHARED_BYTES_MAX) return this.#large.get(slot)!;
    const start = valueStart(page, offset);
    return page.bytes.subarray(start, start + length);
  }

  #copy(page: Page, offset: number, slot: number): Uint8Array {
    const length = lengthOf(page, offset);
    if (length > SHARED_BYTES_MAX) return this.#large.get(slot)!.slice();
    const start = valueStart(page, offset);
    if (length > SMALL_BYTES_MAX) {
      return page.bytes.slice(start, start + length);
    }
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = page.bytes[start + i]!;
    return bytes;
  }
}

function kindOf(page: Page, offset: number): ValueKind {
  return VALUE_KINDS[page.words[(offset >>> 2) + VALUE_WORD]! & 3]!;
}

function lengthOf(page: Page, offset: number): number {
  return page.words[(offset >>> 2) + VALUE_WORD]! >>> KIND_BITS;
}

function valueStart(page: Page, offset: number): number {
  return offset + HEAD_BYTES + page.words[(offset >>> 2) + KEY_WORD]!;
}

function copyPart(
  from: Uint8Array,
  start: number,
  length: number,
  to: Uint8Array,
  at: number,
): void {
  if (length > SMALL_BYTES_MAX) {
    return to.set(from.subarray(start, start + length), at);
  }
  for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
}
