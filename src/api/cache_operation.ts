import type {
  CacheSettings,
  KvCheck,
  KvOperation,
  KvUnit,
  OperationOf,
  PutFields,
} from "../state/kv/types.ts";
import { DEFAULT_SETTINGS } from "../state/kv/types.ts";
import { int64FromJson, keyFromJson, kvValueFromJson } from "./cache_json.ts";
import { arrayField, type Fields, fieldsOf, integerField } from "./fields.ts";
import { invalid, kindOf } from "./json.ts";

const PUT_FIELDS = ["value", "ttl_ms", "keep_ttl", "if_version", "if_present"];

/** A unit from the fields of JSON; what names no cache means `cache`. @throws {HiqliteError} `invalid` */
export function unitFromFields(fields: Fields, cache?: string): KvUnit {
  const checks = fields.has("checks") ? arrayField(fields, "checks") : [];
  return {
    ...(fields.has("creates") ? { creates: createsFrom(fields, cache) } : {}),
    checks: checks.map((json, at) => checkFromJson(json, at, cache)),
    operations: arrayField(fields, "ops").map((json, at) =>
      operationFromJson(json, at, cache)
    ),
  };
}

function createsFrom(
  fields: Fields,
  cache: string | undefined,
): OperationOf<"create">[] {
  return arrayField(fields, "creates").map((json, at) => {
    const path = `creates[${at}]`;
    const create = fieldsOf(json, ["cache", "settings"], path);
    return {
      kind: "create",
      ...namedIn(create, path, cache),
      settings: settingsFromJson(
        create.get("settings") ?? {},
        `${path}.settings`,
      ),
    };
  });
}

/** Settings from JSON; what is left out has its default. @throws {HiqliteError} `invalid` */
export function settingsFromJson(json: unknown, path: string): CacheSettings {
  const fields = fieldsOf(
    json,
    ["max_bytes", "max_entries", "on_full", "ttl_ms"],
    path,
  );
  const number = (name: string): number | undefined =>
    integerField(fields, name, 0, Number.MAX_SAFE_INTEGER, `${path}.${name}`);
  const onFull = fields.get("on_full") ?? DEFAULT_SETTINGS.onFull;
  if (onFull !== "reject" && onFull !== "evict") {
    throw invalid(`${path}.on_full`, 'expected "reject" or "evict"');
  }
  return {
    maxBytes: number("max_bytes") ?? DEFAULT_SETTINGS.maxBytes,
    maxEntries: number("max_entries") ?? DEFAULT_SETTINGS.maxEntries,
    onFull,
    ttlMs: number("ttl_ms") ?? DEFAULT_SETTINGS.ttlMs,
  };
}

function checkFromJson(
  json: unknown,
  at: number,
  cache: string | undefined,
): KvCheck {
  const path = `checks[${at}]`;
  const fields = fieldsOf(json, ["cache", "key", "version", "value"], path);
  const keyed = { ...namedIn(fields, path, cache), ...keyIn(fields, path) };
  if (fields.has("version") === fields.has("value")) {
    throw invalid(path, "expected either version or value");
  }
  return fields.has("value")
    ? { ...keyed, value: kvValueFromJson(fields.get("value"), `${path}.value`) }
    : { ...keyed, version: versionIn(fields, "version", path)! };
}

function operationFromJson(
  json: unknown,
  at: number,
  cache: string | undefined,
): KvOperation {
  const path = `ops[${at}]`;
  const op = nameOfOperation(json, path);
  const fieldsWith = (...names: string[]): Fields =>
    fieldsOf(json, ["op", "cache", ...names], path);
  const keyedWith = (...names: string[]) => {
    const fields = fieldsWith("key", ...names);
    const named = namedIn(fields, path, cache);
    return { fields, keyed: { ...named, ...keyIn(fields, path) } };
  };
  switch (op) {
    case "put":
    case "replace": {
      const { fields, keyed } = keyedWith(...PUT_FIELDS);
      return { kind: op, ...keyed, ...putFromFields(fields, path) };
    }
    case "delete": {
      const { fields, keyed } = keyedWith("if_version");
      const ifVersion = versionIn(fields, "if_version", path);
      return {
        kind: "delete",
        ...keyed,
        ...(ifVersion === undefined ? {} : { ifVersion }),
      };
    }
    case "get_remove":
      return { kind: "getRemove", ...keyedWith().keyed };
    case "touch": {
      const { fields, keyed } = keyedWith("ttl_ms");
      const ttlMs = ttlIn(fields, "ttl_ms", `${path}.`);
      if (ttlMs === undefined) throw invalid(`${path}.ttl_ms`, "is missing");
      return { kind: "touch", ...keyed, ttlMs };
    }
    case "add": {
      const { fields, keyed } = keyedWith("delta", "initial", "ttl_ms_if_new");
      return { kind: "add", ...keyed, ...addFromFields(fields, `${path}.`) };
    }
    case "set_counter": {
      const { fields, keyed } = keyedWith("counter");
      const value = int64FromJson(fields.get("counter"), `${path}.counter`);
      return { kind: "setCounter", ...keyed, value };
    }
    case "delete_counter":
      return { kind: "deleteCounter", ...keyedWith().keyed };
    case "create": {
      const fields = fieldsWith("settings");
      const settings = settingsFromJson(
        fields.get("settings") ?? {},
        `${path}.settings`,
      );
      return { kind: "create", ...namedIn(fields, path, cache), settings };
    }
    case "clear":
    case "drop":
      return { kind: op, ...namedIn(fieldsWith(), path, cache) };
    case "clear_counters":
      return { kind: "clearCounters", ...namedIn(fieldsWith(), path, cache) };
    default:
      throw invalid(
        `${path}.op`,
        typeof op === "string"
          ? `unknown operation ${JSON.stringify(op.slice(0, 40))}`
          : `expected the name of an operation, got ${kindOf(op)}`,
      );
  }
}

function nameOfOperation(json: unknown, path: string): unknown {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) {
    return (json as { readonly op?: unknown }).op;
  }
  throw invalid(path, `expected an object, got ${kindOf(json)}`);
}

/** What an `add` says beside its key. @throws {HiqliteError} `invalid` */
export function addFromFields(
  fields: Fields,
  path: string,
): {
  readonly delta: bigint;
  readonly initial?: bigint;
  readonly ttlMsIfNew?: number | null;
} {
  const initial = fields.get("initial");
  const ttlMsIfNew = ttlIn(fields, "ttl_ms_if_new", path);
  return {
    delta: int64FromJson(fields.get("delta"), `${path}delta`),
    ...(initial === undefined
      ? {}
      : { initial: int64FromJson(initial, `${path}initial`) }),
    ...(ttlMsIfNew === undefined ? {} : { ttlMsIfNew }),
  };
}

function putFromFields(
  fields: Fields,
  path: string,
): Omit<PutFields, "cache" | "key"> {
  const flag = (name: string): boolean | undefined => {
    const value = fields.get(name);
    if (value === undefined || typeof value === "boolean") return value;
    throw invalid(`${path}.${name}`, "expected true or false");
  };
  const ttlMs = ttlIn(fields, "ttl_ms", `${path}.`);
  const keepTtl = flag("keep_ttl");
  const ifVersion = versionIn(fields, "if_version", path);
  const ifPresent = flag("if_present");
  return {
    value: kvValueFromJson(fields.get("value"), `${path}.value`),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(keepTtl === undefined ? {} : { keepTtl }),
    ...(ifVersion === undefined ? {} : { ifVersion }),
    ...(ifPresent === undefined ? {} : { ifPresent }),
  };
}

function namedIn(
  fields: Fields,
  path: string,
  cache: string | undefined,
): { readonly cache: string } {
  const name = fields.get("cache") ?? cache;
  if (typeof name === "string") return { cache: name };
  throw invalid(`${path}.cache`, "expected the name of a cache");
}

function keyIn(fields: Fields, path: string): { readonly key: string } {
  return { key: keyFromJson(fields.get("key"), `${path}.key`) };
}

/** A version, 0 for none (null); undefined if it is not there. */
function versionIn(
  fields: Fields,
  name: string,
  path: string,
): number | undefined {
  return fields.get(name) === null ? 0 : integerField(
    fields,
    name,
    1,
    Number.MAX_SAFE_INTEGER,
    `${path}.${name}`,
  );
}

/** A time to live, null for ever, which 0 means, too, as everywhere in the API; undefined if it is not there. `path` is what stands before its name. */
function ttlIn(
  fields: Fields,
  name: string,
  path: string,
): number | null | undefined {
  if (fields.get(name) === null) return null;
  const ttlMs = integerField(
    fields,
    name,
    0,
    Number.MAX_SAFE_INTEGER,
    `${path}${name}`,
  );
  return ttlMs === 0 ? null : ttlMs;
}
