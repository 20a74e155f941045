import type { StoredValue, ValueKind } from "../stored_value.ts";

/** A value of a cache. */
export type KvValue = StoredValue;

/**
 * A key as caches keep it: its bytes, one character (0 to 255) each, so that the order of
 * strings is the order of bytes. Text keys are their UTF-8.
 */
export type ByteKey = string;

/** What a cache is created with. */
export interface CacheSettings {
  /** Bytes of its keys and values, and 64 for each entry; 0 for no limit of its own. */
  readonly maxBytes: number;
  /** Entries, 0 for no limit of its own. */
  readonly maxEntries: number;
  /** What a write does that finds no room: it is refused, or the entries written longest ago go. */
  readonly onFull: "reject" | "evict";
  /** How long an entry lives that is put without a time to live, ms; 0 for ever. */
  readonly ttlMs: number;
}

/** Of a cache that was created by its first write. */
export const DEFAULT_SETTINGS: CacheSettings = Object.freeze({
  maxBytes: 0,
  maxEntries: 0,
  onFull: "reject",
  ttlMs: 0,
});

/** What must hold for a unit to have any effect. */
export type KvCheck =
  & {
    readonly cache: string;
    readonly key: ByteKey;
  }
  & (
    /** The entry has this version; 0: there is none. */
    | { readonly version: number }
    /** The entry has this value. */
    | { readonly value: KvValue }
  );

/** Writes an entry. */
export interface PutFields {
  /** The cache's name. */
  readonly cache: string;
  /** The entry's key. */
  readonly key: ByteKey;
  /** Its new value. */
  readonly value: KvValue;
  /** How long it lives, ms, from 1; null for ever; left out as the cache's settings say. */
  readonly ttlMs?: number | null;
  /** It lives as long as the entry it takes the place of. */
  readonly keepTtl?: boolean;
  /** Only if the present entry has this version; 0: only if there is none. */
  readonly ifVersion?: number;
  /** Only if there is an entry. */
  readonly ifPresent?: boolean;
}

/** Names an entry or a counter. */
export interface KvKeyed {
  /** The cache's name. */
  readonly cache: string;
  /** Its key. */
  readonly key: ByteKey;
}

/** One change of a cache. Counters are kept beside the entries, under keys of their own. */
export type KvOperation =
  | { readonly kind: "put" } & PutFields
  /** A put that answers what was there. */
  | { readonly kind: "replace" } & PutFields
  | { readonly kind: "delete"; readonly ifVersion?: number } & KvKeyed
  | { readonly kind: "getRemove" } & KvKeyed
  /** Sets when it goes; null for never. */
  | { readonly kind: "touch"; readonly ttlMs: number | null } & KvKeyed
  /** Adds to a counter; one that is absent begins at `initial` and lives `ttlMsIfNew`. */
  | {
    readonly kind: "add";
    readonly delta: bigint;
    /** @default {0} */
    readonly initial?: bigint;
    /** @default {null} */
    readonly ttlMsIfNew?: number | null;
  } & KvKeyed
  | { readonly kind: "setCounter"; readonly value: bigint } & KvKeyed
  | { readonly kind: "deleteCounter" } & KvKeyed
  /** Creates the cache, or finds it with the same settings. */
  | {
    readonly kind: "create";
    readonly cache: string;
    readonly settings: CacheSettings;
  }
  /** Removes all entries, or all counters, or the cache with both. */
  | {
    readonly kind: "clear" | "clearCounters" | "drop";
    readonly cache: string;
  };

/** Operations of some kinds. */
export type OperationOf<K extends KvOperation["kind"]> = Extract<
  KvOperation,
  { kind: K }
>;

/** Operations that happen together, if all checks hold, or not at all. */
export interface KvUnit {
  /** Caches that are created first, unless they are there with these settings; one with other settings refuses the unit. */
  readonly creates?: readonly Extract<KvOperation, { kind: "create" }>[];
  /** What must hold. */
  readonly checks: readonly KvCheck[];
  /** What is done then, in this order. */
  readonly operations: readonly KvOperation[];
}

/** What an operation did; which fields count depends on it. */
export interface KvResult {
  /** Of `put`, `replace`: the entry's new version. */
  readonly version: number;
  /** Of `delete`, `getRemove`, `touch`, `deleteCounter`, `drop`: whether it was there. */
  readonly found: boolean;
  /** Of `replace` and `getRemove`: what was there. */
  readonly previous: KvValue | null;
  /** Of `add` and `setCounter`: the counter's new value. */
  readonly counter: bigint;
}

/** The answer to a unit. */
export type KvAnswer =
  | { readonly kind: "done"; readonly results: readonly KvResult[] }
  /** A check, or a condition of an operation, does not hold: nothing was done. */
  | {
    readonly kind: "conflict";
    /** Its place: checks first, then operations. */
    readonly at: number;
    /** The version of the entry there; 0: there is none. */
    readonly version: number;
  }
  /** Nothing was done. */
  | {
    readonly kind: "refused";
    readonly code: "cache_full" | "conflict" | "invalid";
    readonly message: string;
  };

/** An entry as a read finds it. */
export interface KvEntry {
  /** What was put. */
  readonly value: KvValue;
  /** Grows with every write of any entry: the index of the log's entry × 65,536, and the place in it. */
  readonly version: number;
  /** How long it still lives, ms; null for ever. */
  readonly ttlMs: number | null;
}

/** A value where it lies, in memory that soon holds something else: it is looked at at once. */
export interface SeenValue {
  /** How its bytes are meant. */
  readonly kind: ValueKind;
  /** It is a part of these. */
  readonly bytes: Uint8Array;
  /** Where it begins. */
  readonly start: number;
  /** Where it has ended. */
  readonly end: number;
}

/** A page of a cache's entries. */
export interface KvRange {
  /** From this key on; empty for the first. */
  readonly start: ByteKey;
  /** Before this key; null for no end. */
  readonly end: ByteKey | null;
  /** From the last key to the first. */
  readonly reverse: boolean;
  /** So many at most, 1 to 1000. */
  readonly limit: number;
}

/** A cache as its member has it. */
export interface CacheStats {
  /** Its name. */
  readonly name: string;
  /** What it was created with. */
  readonly settings: CacheSettings;
  /** How many entries it has. */
  readonly entries: number;
  /** How many counters. */
  readonly counters: number;
  /** Of keys and values of entries and counters, and 64 for each. */
  readonly bytes: number;
  /** Entries that went because their time was over. */
  readonly expired: number;
  /** Entries that made room. */
  readonly evicted: number;
}

/**
 * What this member's caches hold. `nowMs` is the cluster clock as the reader takes it: what is due
 * then is hidden. What is left of a time to live is told as of `readerMs`, if the reader's own clock is
 * ahead of that. Values are the reader's own copies, but for those of a view.
 */
export interface KvReads {
  get(
    cache: string,
    key: ByteKey,
    nowMs: number,
    readerMs?: number,
  ): KvEntry | null;
  /** As {@linkcode get}, for who looks at once: the bytes are only valid until the next change, and `now` is only asked where it matters. */
  view(cache: string, key: ByteKey, now: () => number): KvEntry | null;
  /** As {@linkcode view}, the value alone, and only until anything else is read: nothing is made for it. */
  see(cache: string, key: ByteKey, now: () => number): SeenValue | null;
  /** The counter's value; null if there is none. */
  counter(cache: string, key: ByteKey, nowMs: number): bigint | null;
  list(
    cache: string,
    range: KvRange,
    nowMs: number,
    readerMs?: number,
  ): readonly (KvEntry & { readonly key: ByteKey })[];
  /** By name, in its order. */
  stats(): readonly CacheStats[];
}
