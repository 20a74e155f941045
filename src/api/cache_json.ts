import { HiqliteError } from "../errors.ts";
import type { CachePosition } from "../node/port.ts";
import { fromByteKey, toByteKey } from "../state/kv/keys.ts";
import type { ByteKey, KvEntry, KvValue } from "../state/kv/types.ts";
import type { JsonSchema, NamedSchemas } from "./json_schema.ts";
import { INTEGER, object, TEXT } from "./json_schema.ts";
import { invalid, kindOf, valueFromJson, valueToJson } from "./json.ts";

/** A key or value of a cache in JSON: text as it is, bytes as `{"$blob"}`, a JSON value as `{"$json": "<its text>"}`. */
export type JsonKvValue =
  | string
  | { readonly $blob: string }
  | { readonly $json: string };

/** Schemas of what caches hold. */
export const CACHE_VALUE_SCHEMAS: NamedSchemas = {
  CacheKey: {
    oneOf: [TEXT, object({ $blob: TEXT }, ["$blob"])],
    description:
      'Text, or bytes as {"$blob": "<base64>"}; 1 to 1024 bytes of UTF-8.',
  },
  CacheValue: {
    oneOf: [
      TEXT,
      object({ $blob: TEXT }, ["$blob"]),
      object({ $json: TEXT }, ["$json"]),
    ],
    description:
      'Text, bytes as {"$blob": "<base64>"}, or JSON as {"$json": "<its text>"}; at most 1 MiB.',
  },
  CacheVersion: {
    type: "integer",
    description:
      "Grows with every write; of the epoch that stands beside it alone.",
  },
};

/** The epoch and index in replies. */
export const POSITION_PROPERTIES: NamedSchemas = {
  epoch: INTEGER,
  index: INTEGER,
};

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The JSON form of a key. */
export function keyToJson(key: ByteKey): JsonKvValue {
  return textOf(key) ?? valueToJson(fromByteKey(key), "key") as JsonKvValue;
}

/** A key's text; null if its bytes are none. */
export function textOf(key: ByteKey): string | null {
  try {
    return decoder.decode(fromByteKey(key));
  } catch {
    return null;
  }
}

/** A key from JSON. @throws {HiqliteError} `invalid`, beginning with `path`. */
export function keyFromJson(json: unknown, path: string): ByteKey {
  if (typeof json === "string") {
    if (json.isWellFormed()) return toByteKey(json);
    throw invalid(path, "the text is not well-formed Unicode");
  }
  if (tagOf(json) === "$blob") {
    return toByteKey(valueFromJson(json, path) as Uint8Array);
  }
  throw invalid(
    path,
    `expected a string or {"$blob": "<base64>"}, got ${kindOf(json)}`,
  );
}

/** The JSON form of a value. */
export function kvValueToJson({ kind, bytes }: KvValue): JsonKvValue {
  switch (kind) {
    case "bytes":
      return valueToJson(bytes, "value") as JsonKvValue;
    case "text":
      return decoder.decode(bytes);
    case "json":
      return { $json: decoder.decode(bytes) };
  }
}

/** A value from JSON. @throws {HiqliteError} `invalid`, beginning with `path`. */
export function kvValueFromJson(json: unknown, path: string): KvValue {
  if (typeof json === "string") return textValue(json, "text", path);
  switch (tagOf(json)) {
    case "$blob":
      return {
        kind: "bytes",
        bytes: valueFromJson(json, path) as Uint8Array,
      };
    case "$json": {
      const text = (json as { readonly $json: unknown }).$json;
      if (typeof text !== "string") break;
      assertJson(text, path);
      return textValue(text, "json", path);
    }
  }
  throw invalid(
    path,
    `expected a string, {"$blob": "<base64>"} or {"$json": "<JSON text>"}, got ${
      kindOf(json)
    }`,
  );
}

/** Refuses what is not JSON. @throws {HiqliteError} `invalid` */
export function assertJson(text: string, path: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw invalid(path, `the value is not JSON: ${(error as Error).message}`);
  }
}

/** An entry in JSON. */
export interface JsonKvEntry {
  readonly value: JsonKvValue;
  readonly version: number;
  /** Null for ever. */
  readonly ttl_ms: number | null;
}

/** The schema of {@linkcode JsonKvEntry}, with more properties. */
export function entrySchema(properties: NamedSchemas = {}): JsonSchema {
  return object({
    ...properties,
    value: { $ref: "#/components/schemas/CacheValue" },
    version: { $ref: "#/components/schemas/CacheVersion" },
    ttl_ms: { type: ["integer", "null"] },
  });
}

/** The JSON form of an entry. */
export function entryToJson({ value, version, ttlMs }: KvEntry): JsonKvEntry {
  return { value: kvValueToJson(value), version, ttl_ms: ttlMs };
}

/** An entry from JSON. */
export function entryFromJson(json: JsonKvEntry): KvEntry {
  return {
    value: kvValueFromJson(json.value, "value"),
    version: json.version,
    ttlMs: json.ttl_ms,
  };
}

/** A version as people and headers carry it: `<epoch>-<number>`, unlike any other of the cluster. */
export function versionText(epoch: number, version: number): string {
  return `${epoch}-${version}`;
}

/** What {@linkcode versionText} wrote. @throws {HiqliteError} `invalid` */
export function parseVersion(
  text: string,
  path: string,
): { readonly epoch: number; readonly version: number } {
  const { epoch, index: version } = parsePosition(text, path);
  return { epoch, version };
}

/** A position as events and parameters carry it: `<epoch>-<index>`. */
export function positionText({ epoch, index }: CachePosition): string {
  return `${epoch}-${index}`;
}

/** What {@linkcode positionText} wrote. @throws {HiqliteError} `invalid` */
export function parsePosition(text: string, path: string): CachePosition {
  const [, epoch, index] = /^(\d{1,16})-(\d{1,16})$/.exec(text) ?? [];
  const isSafe = [epoch, index].every((part) =>
    Number.isSafeInteger(Number(part))
  );
  if (isSafe) {
    return { epoch: Number(epoch), index: Number(index) };
  }
  throw new HiqliteError(
    "invalid",
    `${path}: expected <epoch>-<number>, such as 1-65536, got "${
      text.slice(0, 40)
    }"`,
  );
}

/** The position that a read must contain, if one is asked for. @throws {HiqliteError} `invalid` */
export function minimumOf(
  index: number | undefined,
  epoch: number | undefined,
): { readonly minimum?: CachePosition } {
  if (index !== undefined && epoch !== undefined) {
    return { minimum: { epoch, index } };
  }
  if (index === epoch) return {};
  throw invalid("min_index", "belongs to an epoch: give both, or none");
}

/** A counter's value or change from JSON. @throws {HiqliteError} `invalid` */
export function int64FromJson(json: unknown, path: string): bigint {
  const value = json === undefined ? null : valueFromJson(json, path);
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) {
    return BigInt(value);
  }
  throw invalid(
    path,
    `expected an integer of 64 bits, or {"$int": "<decimal>"}, got ${
      kindOf(json)
    }`,
  );
}

function textValue(
  text: string,
  kind: "text" | "json",
  path: string,
): KvValue {
  if (text.isWellFormed()) return { kind, bytes: encoder.encode(text) };
  throw invalid(path, "the text is not well-formed Unicode");
}

/** The only field of an object; undefined for anything else. */
function tagOf(json: unknown): string | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const names = Object.keys(json);
  return names.length === 1 ? names[0] : undefined;
}
