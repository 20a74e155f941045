import { toByteKey } from "../../state/kv/keys.ts";
import { TTL_MS_MAX, WATCHED_KEYS_MAX } from "../../state/kv/limits.ts";
import type { ByteKey } from "../../state/kv/types.ts";
import {
  DURATION_RULE,
  FLAG_RULE,
  type KnownOptions,
  type OptionRule,
  TEXT_RULE,
  WRITE_OPTIONS,
  wrong,
} from "../options.ts";
import type { CacheKey } from "./types.ts";

const VERSION: OptionRule = {
  what: "a version as put() returns it",
  holds: (value) => typeof value === "string",
};
const VERSION_OR_NONE: OptionRule = {
  what: "a version as put() returns it, or null",
  holds: (value) => value === null || VERSION.holds(value),
};
const LIFETIME: OptionRule = {
  what:
    `a whole number of milliseconds from 1 to ${TTL_MS_MAX}, or null for ever`,
  holds: (value) =>
    value === null || isNatural(value) && value > 0 && value <= TTL_MS_MAX,
};
const SETTING: OptionRule = {
  what: `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
  holds: isNatural,
};
const DEFAULT_LIFETIME: OptionRule = {
  what: `a whole number of milliseconds from 0 to ${TTL_MS_MAX}`,
  holds: (value) => isNatural(value) && value <= TTL_MS_MAX,
};
const COUNT: OptionRule = {
  what: "a whole number from 1 to 1000",
  holds: (value) => isNatural(value) && value >= 1 && value <= 1000,
};
const INTEGER: OptionRule = {
  what: "an integer of 64 bits, a bigint beyond ±(2^53 - 1)",
  holds: (value) =>
    typeof value === "bigint"
      ? BigInt.asIntN(64, value) === value
      : Number.isSafeInteger(value),
};
const KEY: OptionRule = {
  what: "text or a Uint8Array",
  holds: (value) => typeof value === "string" || value instanceof Uint8Array,
};

/** Of a put in a batch. */
export const PUT_PART: KnownOptions = {
  ttlMs: LIFETIME,
  keepTtl: FLAG_RULE,
  ifVersion: VERSION_OR_NONE,
  ifAbsent: FLAG_RULE,
  ifPresent: FLAG_RULE,
};
/** Of a delete in a batch. */
export const DELETE_PART: KnownOptions = { ifVersion: VERSION };
/** Of an add in a batch. */
export const ADD_PART: KnownOptions = {
  initial: INTEGER,
  ttlMsIfNew: LIFETIME,
};
/** Of a put. */
export const PUT: KnownOptions = { ...WRITE_OPTIONS, ...PUT_PART };
/** Of a delete. */
export const DELETE: KnownOptions = { ...WRITE_OPTIONS, ...DELETE_PART };
/** Of an add. */
export const ADD: KnownOptions = { ...WRITE_OPTIONS, ...ADD_PART };
/** Of a read. */
export const READ: KnownOptions = {
  signal: WRITE_OPTIONS.signal!,
  timeoutMs: DURATION_RULE,
  consistency: {
    what: '"local" or "linearizable"',
    holds: (value) => value === "local" || value === "linearizable",
  },
  minVersion: VERSION,
};
/** Of a list. */
export const LIST: KnownOptions = {
  ...READ,
  prefix: KEY,
  start: KEY,
  end: KEY,
  reverse: FLAG_RULE,
  limit: COUNT,
  cursor: TEXT_RULE,
};
/** Of a watch. */
export const WATCH: KnownOptions = {
  keys: {
    what: `a list of 1 to ${WATCHED_KEYS_MAX} keys, each text or a Uint8Array`,
    holds: (value) =>
      Array.isArray(value) && value.length > 0 &&
      value.length <= WATCHED_KEYS_MAX && value.every(KEY.holds),
  },
  prefix: KEY,
  since: TEXT_RULE,
  signal: WRITE_OPTIONS.signal!,
};
/** Of a handle. */
export const HANDLE: KnownOptions = {
  ttlMs: DEFAULT_LIFETIME,
  maxBytes: SETTING,
  maxEntries: SETTING,
  onFull: {
    what: '"reject" or "evict"',
    holds: (value) => value === "reject" || value === "evict",
  },
  schema: {
    what: "a Standard Schema",
    holds: (value) => Object(value) === value && "~standard" in Object(value),
  },
  codec: {
    what: "an object with encode() and decode()",
    holds: (value) =>
      ["encode", "decode"].every((name) =>
        typeof Object(value)[name] === "function"
      ),
  },
};

/** The caller's key as caches keep it. @throws {HiqliteError} `invalid` */
export function keyOf(key: CacheKey): ByteKey {
  if (!KEY.holds(key)) throw wrong("key", KEY.what, key);
  return toByteKey(key);
}

/** The caller's keys as caches keep them. @throws {HiqliteError} `invalid` */
export function keysOf(keys: readonly CacheKey[]): ByteKey[] {
  if (!Array.isArray(keys)) throw wrong("keys", "a list of keys", keys);
  return keys.map(keyOf);
}

/** A time to live that is an argument of its own. @throws {HiqliteError} `invalid` */
export function lifetimeOf(ttlMs: number | null): number | null {
  if (!LIFETIME.holds(ttlMs)) throw wrong("ttlMs", LIFETIME.what, ttlMs);
  return ttlMs;
}

/** A counter's value or change. @throws {HiqliteError} `invalid` */
export function counterOf(value: number | bigint, name: string): bigint {
  if (!INTEGER.holds(value)) throw wrong(name, INTEGER.what, value);
  return BigInt(value);
}

/** A version that is an argument of its own; null for none. @throws {HiqliteError} `invalid` */
export function versionOf(version: string | null, name: string): string | null {
  if (VERSION_OR_NONE.holds(version)) return version;
  throw wrong(name, VERSION_OR_NONE.what, version);
}

function isNatural(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
