import type { StoredCache, StoredCounter, StoredEntry } from "./store.ts";
import type { ByteKey } from "./types.ts";

/** Hears of each change of a store, so that a snapshot which is built meanwhile has them. */
export interface Journal {
  /** A cache was created, or goes on under another number. */
  saveCache(row: StoredCache): void;
  /** An entry was written under a number; its bytes are the caller's. */
  putEntry(number: number, key: ByteKey, entry: StoredEntry): void;
  /** An entry was removed. */
  deleteEntry(number: number, key: ByteKey): void;
  /** A counter was written. */
  putCounter(number: number, key: ByteKey, counter: StoredCounter): void;
  /** A counter was removed. */
  deleteCounter(number: number, key: ByteKey): void;
  /** All that was stored under a number was removed. */
  forget(number: number): void;
}
