import {
  type CacheSettings,
  DEFAULT_SETTINGS,
  type KvOperation,
  type KvResult,
  type KvUnit,
  type PutFields,
} from "../state/kv/types.ts";
import {
  int64FromJson,
  type JsonKvValue,
  keyToJson,
  kvValueFromJson,
  kvValueToJson,
} from "./cache_json.ts";
import {
  arrayOf,
  BOOLEAN,
  INTEGER,
  type JsonSchema,
  type NamedSchemas,
  object,
  reference,
  TEXT,
} from "./json_schema.ts";
import { valueToJson } from "./json.ts";

const TTL: JsonSchema = {
  type: ["integer", "null"],
  description:
    "How long it lives, ms, from 1; 0 or null for ever. `ttl_ms` of a put that is left out is as the cache's settings say.",
};

/** Schemas of checks, operations and their results. */
export const CACHE_UNIT_SCHEMAS: NamedSchemas = {
  CacheSettings: object({
    max_bytes: INTEGER,
    max_entries: INTEGER,
    on_full: { enum: ["reject", "evict"] },
    ttl_ms: INTEGER,
  }),
  CacheCheck: object({
    cache: TEXT,
    key: reference("CacheKey"),
    version: {
      type: ["integer", "null"],
      description: "The entry has this version; null: there is none.",
    },
    value: reference("CacheValue"),
  }, ["key"]),
  CacheOperation: object({
    op: {
      enum: [
        "put",
        "replace",
        "delete",
        "get_remove",
        "touch",
        "add",
        "set_counter",
        "delete_counter",
        "create",
        "clear",
        "clear_counters",
        "drop",
      ],
    },
    cache: TEXT,
    key: reference("CacheKey"),
    value: reference("CacheValue"),
    ttl_ms: TTL,
    keep_ttl: BOOLEAN,
    if_version: { type: ["integer", "null"] },
    if_present: BOOLEAN,
    delta: reference("Value"),
    initial: reference("Value"),
    ttl_ms_if_new: TTL,
    counter: reference("Value"),
    settings: reference("CacheSettings"),
  }, ["op"]),
  CacheCreate: object({
    cache: TEXT,
    settings: reference("CacheSettings"),
  }, ["cache"]),
  CacheResult: object({
    version: reference("CacheVersion"),
    found: BOOLEAN,
    previous: { oneOf: [reference("CacheValue"), { type: "null" }] },
    counter: reference("Value"),
  }),
};

/** The JSON properties of a unit. */
export const UNIT_PROPERTIES: NamedSchemas = {
  creates: {
    ...arrayOf(reference("CacheCreate")),
    description:
      "Caches that are created first, unless they are there with these settings; one with other settings is a conflict.",
  },
  checks: arrayOf(reference("CacheCheck")),
  ops: arrayOf(reference("CacheOperation")),
};

/** The JSON form of a unit. */
export function unitToJson({ creates, checks, operations }: KvUnit): object {
  return {
    creates: creates?.map(({ cache, settings }) => ({
      cache,
      settings: changedToJson(settings),
    })),
    checks: checks.map((check) => ({
      cache: check.cache,
      key: keyToJson(check.key),
      ...("version" in check
        ? { version: versionToJson(check.version) }
        : { value: kvValueToJson(check.value) }),
    })),
    ops: operations.map(operationToJson),
  };
}

/** What an operation did, in JSON. */
export interface JsonKvResult {
  readonly version: number;
  readonly found: boolean;
  readonly previous: JsonKvValue | null;
  readonly counter: unknown;
}

/** The JSON form of what an operation did. */
export function kvResultToJson(result: KvResult): JsonKvResult {
  const { version, found, previous, counter } = result;
  return {
    version,
    found,
    previous: previous === null ? null : kvValueToJson(previous),
    counter: valueToJson(counter, "counter"),
  };
}

/** What an operation did, from JSON. */
export function kvResultFromJson(json: JsonKvResult): KvResult {
  const { version, found, previous, counter } = json;
  return {
    version,
    found,
    previous: previous === null ? null : kvValueFromJson(previous, "previous"),
    counter: int64FromJson(counter, "counter"),
  };
}

/** The JSON form of settings. */
export function settingsToJson(
  { maxBytes, maxEntries, onFull, ttlMs }: CacheSettings,
): object {
  return {
    max_bytes: maxBytes,
    max_entries: maxEntries,
    on_full: onFull,
    ttl_ms: ttlMs,
  };
}

/** Settings without those that have their default: they go with every change of a handle that has some. */
function changedToJson(settings: CacheSettings): object {
  const { maxBytes, maxEntries, onFull, ttlMs } = settings;
  const none = DEFAULT_SETTINGS;
  return {
    max_bytes: maxBytes === none.maxBytes ? undefined : maxBytes,
    max_entries: maxEntries === none.maxEntries ? undefined : maxEntries,
    on_full: onFull === none.onFull ? undefined : onFull,
    ttl_ms: ttlMs === none.ttlMs ? undefined : ttlMs,
  };
}

function operationToJson(operation: KvOperation): object {
  const { kind, cache } = operation;
  const op = kind.replaceAll(/[A-Z]/g, (char) => `_${char.toLowerCase()}`);
  const named = { op, cache };
  if (kind === "create") {
    return { ...named, settings: settingsToJson(operation.settings) };
  }
  if (!("key" in operation)) return named;
  const keyed = { ...named, key: keyToJson(operation.key) };
  switch (operation.kind) {
    case "put":
    case "replace":
      return { ...keyed, ...putToJson(operation) };
    case "delete":
      return { ...keyed, if_version: versionToJson(operation.ifVersion) };
    case "touch":
      return { ...keyed, ttl_ms: operation.ttlMs };
    case "add":
      return {
        ...keyed,
        delta: valueToJson(operation.delta, "delta"),
        initial: valueToJson(operation.initial ?? 0n, "initial"),
        ttl_ms_if_new: operation.ttlMsIfNew ?? null,
      };
    case "setCounter":
      return { ...keyed, counter: valueToJson(operation.value, "counter") };
    default:
      return keyed;
  }
}

function putToJson(fields: PutFields): object {
  return {
    value: kvValueToJson(fields.value),
    ttl_ms: fields.ttlMs,
    keep_ttl: fields.keepTtl,
    if_version: versionToJson(fields.ifVersion),
    if_present: fields.ifPresent,
  };
}

/** Version 0 is none. */
function versionToJson(version: number | undefined): number | null | undefined {
  return version === 0 ? null : version;
}
