import type {
  CacheCounterAnswer,
  CacheCounterRequest,
  CacheGetAnswer,
  CacheGetRequest,
  CacheListAnswer,
  CacheListRequest,
  CachePosition,
  CacheReadRequest,
  CacheReport,
} from "../../node/port.ts";
import {
  CACHE_VALUE_SCHEMAS,
  entryFromJson,
  entrySchema,
  entryToJson,
  int64FromJson,
  type JsonKvEntry,
  type JsonKvValue,
  keyFromJson,
  keyToJson,
  minimumOf,
  POSITION_PROPERTIES,
} from "../cache_json.ts";
import { CACHE_UNIT_SCHEMAS, settingsToJson } from "../cache_unit.ts";
import { settingsFromJson } from "../cache_operation.ts";
import {
  arrayField,
  consistencyField,
  type Fields,
  fieldsOf,
  integerField,
  textField,
  timeoutField,
} from "../fields.ts";
import {
  arrayOf,
  BOOLEAN,
  INTEGER,
  type NamedSchemas,
  object,
  reference,
  TEXT,
} from "../json_schema.ts";
import { invalid, valueToJson } from "../json.ts";
import type { MemberRoute, RequestCodec } from "../route.ts";
import { CACHE_ATOMIC } from "./cache_write.ts";

/** Schemas of caches. */
export const CACHE_SCHEMAS: NamedSchemas = {
  ...CACHE_VALUE_SCHEMAS,
  ...CACHE_UNIT_SCHEMAS,
};

/** What every read says beside what it reads. */
const READ_FIELDS = ["consistency", "min_index", "epoch", "timeout_ms"];
const READ_PROPERTIES: NamedSchemas = {
  consistency: { enum: ["local", "linearizable"], default: "local" },
  min_index: INTEGER,
  epoch: INTEGER,
  timeout_ms: INTEGER,
};

const READ_REPLY = {
  format: "json",
  statuses: { 200: "Done." },
} as const;

/** `POST /api/v1/caches/get` */
export const CACHE_GET: MemberRoute<CacheGetRequest, CacheGetAnswer> = {
  ...readRoute("get", "Read entries by their keys."),
  request: readCodec({
    properties: { keys: arrayOf(reference("CacheKey")) },
    encode: ({ keys }) => ({ keys: keys.map(keyToJson) }),
    decode: (fields) => ({
      keys: arrayField(fields, "keys").map((key, at) =>
        keyFromJson(key, `keys[${at}]`)
      ),
    }),
  }),
  reply: {
    ...READ_REPLY,
    schema: object({
      entries: arrayOf({ oneOf: [entrySchema(), { type: "null" }] }),
      ...POSITION_PROPERTIES,
    }),
    encode: ({ entries, ...position }) => ({
      entries: entries.map((entry) => entry && entryToJson(entry)),
      ...position,
    }),
    decode: (body) => {
      const { entries, ...position } = body as CachePosition & {
        readonly entries: readonly (JsonKvEntry | null)[];
      };
      return {
        entries: entries.map((entry) => entry && entryFromJson(entry)),
        ...position,
      };
    },
  },
  ask: (member, request) => member.caches.get(request),
};

/** `POST /api/v1/caches/counter` */
export const CACHE_COUNTER: MemberRoute<
  CacheCounterRequest,
  CacheCounterAnswer
> = {
  ...readRoute("counter", "Read a counter."),
  request: readCodec({
    properties: { key: reference("CacheKey") },
    encode: ({ key }) => ({ key: keyToJson(key) }),
    decode: (fields) => ({ key: keyFromJson(fields.get("key"), "key") }),
  }),
  reply: {
    ...READ_REPLY,
    schema: object({
      counter: { oneOf: [reference("Value"), { type: "null" }] },
      ...POSITION_PROPERTIES,
    }),
    encode: ({ counter, ...position }) => ({
      counter: counter === null ? null : valueToJson(counter, "counter"),
      ...position,
    }),
    decode: (body) => {
      const { counter, ...position } = body as CachePosition & {
        readonly counter: unknown;
      };
      return {
        counter: counter === null ? null : int64FromJson(counter, "counter"),
        ...position,
      };
    },
  },
  ask: (member, request) => member.caches.counter(request),
};

/** `POST /api/v1/caches/list` */
export const CACHE_LIST: MemberRoute<CacheListRequest, CacheListAnswer> = {
  ...readRoute("list", "Read a page of entries in the order of their keys."),
  request: readCodec({
    properties: {
      start: reference("CacheKey"),
      end: { oneOf: [reference("CacheKey"), { type: "null" }] },
      reverse: BOOLEAN,
      limit: INTEGER,
    },
    encode: ({ range }) => ({
      start: keyToJson(range.start),
      end: range.end === null ? null : keyToJson(range.end),
      reverse: range.reverse,
      limit: range.limit,
    }),
    decode: (fields) => ({ range: rangeFromFields(fields) }),
  }),
  reply: {
    ...READ_REPLY,
    schema: object({
      entries: arrayOf(entrySchema({ key: reference("CacheKey") })),
      more: BOOLEAN,
      ...POSITION_PROPERTIES,
    }),
    encode: ({ entries, ...rest }) => ({
      entries: entries.map((entry) => ({
        key: keyToJson(entry.key),
        ...entryToJson(entry),
      })),
      ...rest,
    }),
    decode: (body) => {
      const { entries, ...rest } = body as Omit<CacheListAnswer, "entries"> & {
        readonly entries: readonly (JsonKvEntry & {
          readonly key: JsonKvValue;
        })[];
      };
      return {
        entries: entries.map((entry) => ({
          key: keyFromJson(entry.key, "key"),
          ...entryFromJson(entry),
        })),
        ...rest,
      };
    },
  },
  ask: (member, request) => member.caches.list(request),
};

/** `GET /api/v1/caches` */
export const CACHE_STATS: MemberRoute<void, readonly CacheReport[]> = {
  method: "GET",
  path: "/api/v1/caches",
  summary: "The caches as this member has them.",
  scope: "read",
  // Who is limited to some caches is shown those.
  caches: () => [],
  repeat: "safe",
  reply: {
    format: "json",
    statuses: { 200: "Done." },
    schema: object({
      caches: arrayOf(object({
        name: TEXT,
        settings: reference("CacheSettings"),
        entries: INTEGER,
        counters: INTEGER,
        bytes: INTEGER,
        expired: INTEGER,
        evicted: INTEGER,
        hits: INTEGER,
        misses: INTEGER,
      })),
    }),
    encode: (caches) => ({
      caches: caches.map(({ settings, ...cache }) => ({
        ...cache,
        settings: settingsToJson(settings),
      })),
    }),
    decode: (body) =>
      (body as {
        readonly caches: readonly (Omit<CacheReport, "settings"> & {
          readonly settings: unknown;
        })[];
      }).caches.map((cache) => ({
        ...cache,
        settings: settingsFromJson(cache.settings, "settings"),
      })),
  },
  ask: (member) => member.caches.stats(),
};

/** The routes of caches that speak JSON. */
export const CACHE_ROUTES = {
  CACHE_ATOMIC,
  CACHE_GET,
  CACHE_COUNTER,
  CACHE_LIST,
  CACHE_STATS,
};

function readRoute(name: string, summary: string) {
  return {
    method: "POST",
    path: `/api/v1/caches/${name}`,
    summary,
    scope: "read",
    caches: ({ cache }: CacheReadRequest) => [cache],
    repeat: "safe",
  } as const;
}

/** How the things that a read asks for are written beside what every read says. */
interface ReadBody<Request> {
  readonly properties: NamedSchemas;
  encode(request: Request): object;
  decode(fields: Fields): Omit<Request, keyof CacheReadRequest>;
}

function readCodec<Request extends CacheReadRequest>(
  body: ReadBody<Request>,
): RequestCodec<Request> {
  const names = Object.keys(body.properties);
  return {
    schema: object(
      { cache: TEXT, ...body.properties, ...READ_PROPERTIES },
      ["cache"],
    ),
    encode: (request, timeoutMs) => ({
      cache: request.cache,
      ...body.encode(request),
      consistency: request.consistency,
      min_index: request.minimum?.index,
      epoch: request.minimum?.epoch,
      timeout_ms: timeoutMs,
    }),
    decode: (json) => {
      const fields = fieldsOf(json, ["cache", ...names, ...READ_FIELDS]);
      return {
        cache: textField(fields, "cache"),
        ...body.decode(fields),
        ...freshnessFromFields(fields),
        ...timeoutField(fields),
      } as Request;
    },
  };
}

function freshnessFromFields(
  fields: Fields,
): Pick<CacheReadRequest, "consistency" | "minimum"> {
  const consistency = consistencyField(fields);
  const max = Number.MAX_SAFE_INTEGER;
  const index = integerField(fields, "min_index", 0, max);
  const epoch = integerField(fields, "epoch", 0, max);
  return { consistency, ...minimumOf(index, epoch) };
}

function rangeFromFields(fields: Fields): CacheListRequest["range"] {
  const reverse = fields.get("reverse") ?? false;
  if (typeof reverse !== "boolean") {
    throw invalid("reverse", "expected true or false");
  }
  const end = fields.get("end") ?? null;
  return {
    start: keyFromJson(fields.get("start") ?? "", "start"),
    end: end === null ? null : keyFromJson(end, "end"),
    reverse,
    limit: integerField(fields, "limit", 1, 1000) ?? 100,
  };
}
