import type { Consistency } from "../../node/port.ts";
import type { CallOptions, WriteOptions } from "../call_options.ts";
import type { Schema } from "../schema.ts";

/** A key: text, or any bytes; 1 to 1024 bytes of UTF-8. */
export type CacheKey = string | Uint8Array;

/**
 * What a cache holds without a codec: bytes, text, or what JSON can say. At most 1 MiB. What JSON
 * would silently drop or change is refused (`NaN`, `Map`, other arrays of bytes); what has `toJSON`
 * is kept as what that returns, a `Date` as its text, and a property that is undefined is left out.
 */
export type CacheValue = Uint8Array | string | JsonValue;

/** What JSON can say, but for a text alone, which is kept as text. */
export type JsonValue =
  | null
  | boolean
  | number
  | readonly unknown[]
  | { readonly [name: string]: unknown };

/** Turns values into what caches hold, and back. */
export interface CacheCodec<T> {
  /** What is stored for a value. */
  encode(value: T): CacheValue;
  /** The value of what is stored. */
  decode(stored: CacheValue): T;
}

/**
 * A cache's settings and the type of its values. If a setting is given, the cache is
 * created with all of them before the first write of the handle, and again if the caches began
 * anew; one that exists with others is an error (`conflict`).
 */
export interface CacheOptions<T> {
  /** How long an entry lives that is put without a time to live, ms; 0 for ever. @default {0} */
  readonly ttlMs?: number;
  /** Bytes of its keys and values, and 64 for each entry; 0 for no limit of its own. @default {0} */
  readonly maxBytes?: number;
  /** Entries, 0 for no limit of its own. @default {0} */
  readonly maxEntries?: number;
  /** What a write does that finds no room: it is refused (`cache_full`), or the entries written longest ago go. @default {"reject"} */
  readonly onFull?: "reject" | "evict";
  /** What values must look like when they are read: any Standard Schema validator; its output is the value. */
  readonly schema?: Schema<T>;
  /** How values are kept, for what is neither bytes nor text nor JSON. */
  readonly codec?: CacheCodec<T>;
}

/** How to read a cache. */
export interface CacheReadOptions extends CallOptions {
  /**
   * `local`: what the asked member has applied, and every earlier write of this client.
   * `linearizable`: everything acknowledged anywhere before the read began.
   * @default {"local"}
   */
  readonly consistency?: Consistency;
  /** Wait until the write with this version is applied: one that was seen elsewhere. */
  readonly minVersion?: string;
}

/** How to put an entry. */
export interface PutOptions extends WriteOptions {
  /** How long it lives, ms, from 1 to a hundred years; null for ever. @default the cache's `ttlMs` */
  readonly ttlMs?: number | null;
  /** It lives as long as the entry it takes the place of. @default {false} */
  readonly keepTtl?: boolean;
  /** Only if the present entry has this version; null: only if there is none. */
  readonly ifVersion?: string | null;
  /** Only if there is none. @default {false} */
  readonly ifAbsent?: boolean;
  /** Only if there is one. @default {false} */
  readonly ifPresent?: boolean;
}

/** How to delete an entry. */
export interface DeleteOptions extends WriteOptions {
  /** Only if the present entry has this version. */
  readonly ifVersion?: string;
}

/** How to add to a counter. */
export interface AddOptions extends WriteOptions {
  /** What it begins at if it is absent. @default {0} */
  readonly initial?: number | bigint;
  /** How long it lives if it was absent, ms; null for ever. @default {null} */
  readonly ttlMsIfNew?: number | null;
}

/** An entry. */
export interface CacheEntry<T> {
  /** Its value, after codec and schema. */
  readonly value: T;
  /** Another one with every write; for `ifVersion`. */
  readonly version: string;
  /** How long it still lives, ms; null for ever. */
  readonly ttlMs: number | null;
}

/** An entry with its key. */
export interface KeyedEntry<T> extends CacheEntry<T> {
  /** The key as text; bytes that are no UTF-8 show as U+FFFD. */
  readonly key: string;
  /** The key's bytes. */
  readonly keyBytes: Uint8Array;
}

/** Which entries to list. */
export interface ListOptions extends CacheReadOptions {
  /** Only keys that begin so; excludes `start` and `end`. */
  readonly prefix?: CacheKey;
  /** From this key on. */
  readonly start?: CacheKey;
  /** Before this key. */
  readonly end?: CacheKey;
  /** From the last key to the first. @default {false} */
  readonly reverse?: boolean;
  /** So many at most, 1 to 1000. @default {100} */
  readonly limit?: number;
  /** `cursor` of the page before. */
  readonly cursor?: string;
}

/** A page of entries, of one state. */
export interface CacheListing<T> {
  /** In the order of the bytes of their keys. */
  readonly entries: readonly KeyedEntry<T>[];
  /** For the next page; null if this was the last. */
  readonly cursor: string | null;
}

/** What to watch. */
export interface WatchOptions {
  /** Exactly these, 1 to 100. */
  readonly keys?: readonly CacheKey[];
  /** Every key that begins so. @default all keys */
  readonly prefix?: CacheKey;
  /** The last `position` that was told: the watch goes on there, or begins with a `reset`. */
  readonly since?: string;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
}

/** What a watch tells: latest values, some in between may be skipped. */
export type CacheUpdate<T> =
  /** Whatever was told before counts no more: the caches began anew, or something was missed. What is there is told next. */
  | { readonly kind: "reset" }
  | ({ readonly kind: "put" } & KeyedEntry<T>)
  | {
    readonly kind: "delete";
    readonly key: string;
    readonly keyBytes: Uint8Array;
  }
  /** Everything up to here was told; for `since`. */
  | { readonly kind: "position"; readonly position: string };
