/** A cache's name. */
export const CACHE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
/** Bytes of a key. */
export const KEY_BYTES_MAX = 1024;
/** Bytes of a value. */
export const VALUE_BYTES_MAX = 1024 * 1024;
/** Checks and operations of one unit together. */
export const UNIT_PARTS_MAX = 1000;
/** Bytes of one unit's keys and values. */
export const UNIT_BYTES_MAX = 4 * 1024 * 1024;
/** Caches of a cluster. */
export const CACHES_MAX = 1024;
/** What an entry or a counter counts beside its key and value, bytes. */
export const ENTRY_BYTES = 64;
/** The longest time to live, ms: a hundred years. */
export const TTL_MS_MAX = 100 * 365 * 24 * 60 * 60 * 1000;
/** Keys that one watch names. */
export const WATCHED_KEYS_MAX = 100;
/** Operations of all units of one log entry together: a version has 16 bits for the place. */
export const PACK_OPERATIONS_MAX = 65_536;
/** Bytes of all caches together, if nothing else is configured (`HQL_CACHE_MAX_BYTES`). */
export const CACHES_BYTES_MAX = 256 * 1024 * 1024;
