import type { Configuration, LogId } from "../../raft/types.ts";
import type { PlainPut } from "./plain_put.ts";
import type { EnvelopePosition } from "../exactly_once.ts";
import type { SessionStore } from "../session_store.ts";
import type { ValueKind } from "../stored_value.ts";
import type { ByteKey, CacheSettings, KvRange, SeenValue } from "./types.ts";

/**
 * A cache and what is counted of it. Its entries are stored under one number, its counters under another
 * one. A number is given once, never again: what is cleared goes on under the next one, so that what was
 * there is out of sight at once.
 */
export interface StoredCache {
  /** What its entries, and this row itself, are stored under. */
  readonly id: number;
  /** What its counters are stored under. */
  readonly counterId: number;
  readonly name: string;
  readonly settings: CacheSettings;
  readonly entries: number;
  readonly counters: number;
  /** Of entries and counters together. */
  readonly bytes: number;
  /** Of the counters among them. */
  readonly counterBytes: number;
  /** The sum over its entries, modulo 2^32; see `contents_hash.ts`. */
  readonly hash: number;
  /** The same over its counters. */
  readonly counterHash: number;
  readonly expired: number;
  readonly evicted: number;
}

/** An entry as it is stored. */
export interface StoredEntry {
  readonly kind: ValueKind;
  /** Only valid until the next change: copy what is kept. */
  readonly bytes: Uint8Array;
  readonly version: number;
  /** The cluster clock at which it goes, ms; 0 for never. */
  readonly deadlineMs: number;
}

/** An entry's value where it lies. */
export interface SeenEntry extends SeenValue {
  /** As of an entry. */
  readonly deadlineMs: number;
}

/** A counter as it is stored. */
export interface StoredCounter {
  readonly value: bigint;
  /** As of an entry. */
  readonly deadlineMs: number;
}

/** An entry or a counter whose time is over. */
export interface Due {
  readonly cache: number;
  readonly counter: boolean;
  readonly key: ByteKey;
  readonly deadlineMs: number;
}

/** Where the state stands; stored with what it tells of. */
export interface KvPosition extends EnvelopePosition {
  readonly applied: LogId;
  readonly config: Configuration;
  /** The sum over all that is stored, modulo 2^32; see `contents_hash.ts`. */
  readonly hash: number;
  /** The number that is given next. */
  readonly nextCache: number;
}

/** Puts into a store without an object for what is there or comes. An entry is named by a number, until the next change. */
export interface PlainEntries {
  /** The entry with the key of `put`; -1 if there is none. */
  find(cache: number, put: PlainPut): number;
  /** What its key and its value have, bytes. */
  size(found: number): number;
  deadline(found: number): number;
  /** See `contents_hash.ts`. */
  hash(found: number, cache: number): number;
  /** Stores what `put` says in the place of what {@linkcode find} told of it just before. */
  put(
    cache: number,
    put: PlainPut,
    found: number,
    version: number,
    deadlineMs: number,
  ): void;
}

/**
 * Where the caches' machine keeps its state: in memory, or in SQLite. Everything is synchronous. Changes
 * happen between {@linkcode begin} and {@linkcode commit}, and are seen by reads of this store at
 * once; a store on a disk holds all of them after a crash, or none. A cache is saved before anything is put into it.
 * @throws {StateDamagedError} from any read, if what is stored is not what was written.
 * @throws {HiqliteError} `disk_full` from a change or {@linkcode KvStore.commit}: everything is as it was before {@linkcode KvStore.begin}.
 */
export interface KvStore {
  /** Where it stands; null if it is new. */
  readonly position: KvPosition | null;
  /** Sessions, saved in the same transaction. */
  readonly sessions: SessionStore;
  /** Calls back once a transaction may begin, at once if it may now; also if none may ever begin again, which {@linkcode begin} then tells. Left out by stores that are always ready. */
  ready?(callback: () => void): void;
  /** Opens a transaction. */
  begin(): void;
  /** Ends it. */
  commit(position: KvPosition): void;
  /** Makes what is committed now durable; changes go on meanwhile. */
  checkpoint(done: (error: Error | null) => void): void;
  /** All caches, by their ids. */
  caches(): Iterable<StoredCache>;
  /** Stores a new cache, or what changed of one. */
  saveCache(cache: StoredCache): void;
  /** Forgets a row, entries and counters under a number. They are gone from reads at once, and from memory or the disk by and by. */
  removeCache(number: number): void;
  entry(cache: number, key: ByteKey): StoredEntry | null;
  /** The same with bytes that are the caller's. Left out by stores that have nothing cheaper than to copy a view. */
  ownEntry?(cache: number, key: ByteKey): StoredEntry | null;
  /** The value of an entry where it lies, until the next call. Left out by stores that have nothing cheaper than an entry. */
  see?(cache: number, key: ByteKey): SeenEntry | null;
  putEntry(cache: number, key: ByteKey, entry: StoredEntry): void;
  /** Left out by stores for which bytes are no shorter way. */
  readonly plain?: PlainEntries;
  /** What is not there needs no removal. */
  deleteEntry(cache: number, key: ByteKey): void;
  counter(cache: number, key: ByteKey): StoredCounter | null;
  putCounter(cache: number, key: ByteKey, counter: StoredCounter): void;
  deleteCounter(cache: number, key: ByteKey): void;
  /** The entry with the smallest version; null if there is none. Only of a cache that evicts: others are not kept in that order. */
  oldest(cache: number): ByteKey | null;
  /** Keys in order, with their entries. */
  range(
    cache: number,
    range: KvRange,
  ): Iterable<readonly [ByteKey, StoredEntry]>;
  /** Puts some more keys in order, so that {@linkcode range} has less to do; whether nothing is left to do. Left out by stores that keep the order. */
  arrange?(cache: number, limit: number): boolean;
  /** What is due at `nowMs`, so many at most, by deadline, then cache, then counters before entries, then key; what was removed or got another deadline since is not told. */
  due(nowMs: number, limit: number): readonly Due[];
  /** The earliest deadline; `Infinity` if there is none. It may be earlier than what is there. */
  readonly nextDueMs: number;
  /** Everything in no particular order, for a snapshot. Changes while it is iterated may or may not show. */
  scan(): Iterator<KvRecord>;
  /** Forgets everything, before a snapshot takes its place. */
  clear(): void;
  /** Gives up what it holds. */
  close(): void;
}

/** The store of a machine, and what takes its place when a snapshot is installed. */
export interface KvStores {
  /** Opens an empty store beside the one in use; what an earlier one left behind is removed. */
  replacement(): KvStore;
  /** Makes a replacement, once all of it is committed and a checkpoint has made it durable, what is found at the next start; the one in use before is closed then. */
  adopt(replacement: KvStore): void;
}

/** One thing that a store holds. */
export type KvRecord =
  | {
    readonly kind: "entry";
    readonly cache: number;
    readonly key: ByteKey;
    readonly entry: StoredEntry;
  }
  | {
    readonly kind: "counter";
    readonly cache: number;
    readonly key: ByteKey;
    readonly counter: StoredCounter;
  };
