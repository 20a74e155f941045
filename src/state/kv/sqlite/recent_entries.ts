import type { StoredEntry } from "../store.ts";
import type { ByteKey } from "../types.ts";

/** Entries of one generation, at most, and their bytes. */
const ENTRIES_MAX = 16_384;
const BYTES_MAX = 8 * 1024 * 1024;

type Generation = Map<number, Map<ByteKey, StoredEntry>>;

/**
 * Entries that were read lately, so that what is read often costs no statement. All changes go through
 * the same store, which forgets what they change, so nothing here is ever stale. There are two generations: a
 * full one becomes the older one, and what is not read again goes with it.
 */
export class RecentEntries {
  #young: Generation = new Map();
  #old: Generation = new Map();
  #entries = 0;
  #bytes = 0;

  /** What was read under a key; undefined if that is not known. */
  get(number: number, key: ByteKey): StoredEntry | undefined {
    const young = this.#young.get(number)?.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(number)?.get(key);
    if (old !== undefined) this.note(number, key, old);
    return old;
  }

  /** An entry was read. */
  note(number: number, key: ByteKey, entry: StoredEntry): void {
    const bytes = key.length + entry.bytes.length;
    if (this.#entries >= ENTRIES_MAX || this.#bytes + bytes > BYTES_MAX) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#entries = this.#bytes = 0;
    }
    if (bytes > BYTES_MAX) return;
    let entries = this.#young.get(number);
    if (entries === undefined) {
      entries = new Map();
      this.#young.set(number, entries);
    }
    entries.set(key, entry);
    this.#entries++;
    this.#bytes += bytes;
  }

  /** An entry is changed. */
  forget(number: number, key: ByteKey): void {
    this.#young.get(number)?.delete(key);
    this.#old.get(number)?.delete(key);
  }

  /** All under a number is removed. */
  forgetAll(number: number): void {
    this.#young.delete(number);
    this.#old.delete(number);
  }

  /** Nothing is known any more. */
  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#entries = this.#bytes = 0;
  }
}
