import { NO_CONFIGURATION } from "../../../src/raft/types.ts";
import { ENVELOPE_START } from "../../../src/state/exactly_once.ts";
import type {
  KvPosition,
  KvStore,
  StoredCache,
  StoredEntry,
} from "../../../src/state/kv/store.ts";
import { type ByteKey, DEFAULT_SETTINGS } from "../../../src/state/kv/types.ts";

/** A store under test. */
export interface StoreSubject {
  readonly store: KvStore;
  /** Closes it and opens what is left; null if it keeps nothing. */
  readonly reopen: (() => Promise<StoreSubject>) | null;
  end(): Promise<void>;
}

/** A key's bytes, one character each. */
export function byteKey(text: string): ByteKey {
  return Array.from(
    new TextEncoder().encode(text),
    (byte) => String.fromCharCode(byte),
  ).join("");
}

/** Where a store stands after the entry at `index`. */
export function positionAt(index: number): KvPosition {
  return {
    ...ENVELOPE_START,
    applied: { term: 1, index },
    config: NO_CONFIGURATION,
    clockMs: index * 10,
    timeMs: index * 20,
    horizon: index - 1,
    hash: (index * 2654435761) >>> 0,
    nextCache: 100,
  };
}

/** A cache of which nothing is counted; its counters have the number of its entries, unless another is given. */
export function cacheOf(
  id: number,
  onFull: "reject" | "evict" = "evict",
  counterId = id,
): StoredCache {
  return {
    id,
    counterId,
    name: `cache-${id}`,
    settings: { ...DEFAULT_SETTINGS, onFull },
    entries: 0,
    counters: 0,
    bytes: 0,
    counterBytes: 0,
    hash: 0,
    counterHash: 0,
    expired: 0,
    evicted: 0,
  };
}

/** A text entry. */
export function entryOf(
  text: string,
  version: number,
  deadlineMs = 0,
): StoredEntry {
  const bytes = new TextEncoder().encode(text);
  return { kind: "text", bytes, version, deadlineMs };
}

/** Makes what is committed durable. */
export function checkpoint(store: KvStore): Promise<void> {
  return new Promise((resolve, reject) =>
    store.checkpoint((error) => error === null ? resolve() : reject(error))
  );
}
