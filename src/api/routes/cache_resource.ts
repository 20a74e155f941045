import { UNIT_PROPERTIES } from "../cache_unit.ts";
import { INTEGER, object, reference } from "../json_schema.ts";
import type { ResourceRoute } from "../route.ts";

const FRESHNESS = {
  consistency: "`local` (default) or `linearizable`.",
  min_index: "Wait until this index is applied; needs `epoch`.",
  epoch: "The life of the caches that `min_index` belongs to.",
  timeout_ms: "How long to wait for that, 1 to 120,000 ms.",
};

const BYTES = { type: "string", format: "binary" };
const ANY_VALUE = {
  "application/octet-stream": { schema: BYTES },
  "text/plain": { schema: { type: "string" } },
  "application/json": { schema: {} },
};

const NO_BODY = { query: {}, headers: {}, keyed: true } as const;
const KEY = "/api/v1/cache/{cache}/{key}";
const CACHE = "/api/v1/cache/{cache}";
const PLACE = "`X-Epoch` and `X-Index` say where it stands in the caches' log.";

/** What stands in the braces of a path. */
export const CACHE_PATH_PARTS = {
  cache:
    'The name of a cache: 1 to 64 letters, digits, "_", "." or "-", but not "." or "..".',
  key:
    'A key, percent-encoded, 1 to 1024 bytes. Of "." and "..", encoded or not, URLs make something else: such keys are for POST /api/v1/caches/atomic and /api/v1/caches/get.',
} as const;

/** The paths of caches and their entries; keys are percent-encoded, any bytes. Of `.` and `..` URLs make something else, so such keys are for `/api/v1/caches/` alone. */
export const CACHE_RESOURCES = {
  GET_ENTRY: {
    method: "GET",
    path: KEY,
    scope: "read",
    ofCaches: true,
    summary:
      "An entry's value, as the Content-Type it was put with. ETag is its version, X-Ttl-Ms how long it still lives.",
    query: FRESHNESS,
    headers: {},
    keyed: false,
    statuses: { 200: "The value.", 404: "There is no such entry." },
  },
  PUT_ENTRY: {
    method: "PUT",
    path: KEY,
    scope: "write",
    ofCaches: true,
    summary: `Put an entry. ${PLACE}`,
    query: {
      ttl_ms:
        "How long it lives, ms, from 1; 0 for ever. Left out as the cache's settings say.",
      keep_ttl: "`true`: it lives as long as the entry it takes the place of.",
    },
    headers: {
      "If-Match":
        "The ETag that it must have now; `*`: there must be an entry.",
      "If-None-Match": "`*`: there must be no entry.",
    },
    keyed: true,
    body: ANY_VALUE,
    statuses: {
      204: "Done; ETag is the new version.",
      412:
        "The condition does not hold; ETag is the present version, if there is one.",
      507: "There is no room (`cache_full`).",
    },
  },
  DELETE_ENTRY: {
    method: "DELETE",
    path: KEY,
    scope: "write",
    ofCaches: true,
    summary: "Delete an entry.",
    ...NO_BODY,
    headers: { "If-Match": "The ETag that it must have now." },
    statuses: {
      204: "It was there and is gone.",
      404: "There was no such entry.",
      412: "The condition does not hold.",
    },
  },
  REMOVE_ENTRY: {
    method: "POST",
    path: `${KEY}/remove`,
    scope: "write",
    ofCaches: true,
    summary: "Take an entry out: of many that ask, one gets it.",
    ...NO_BODY,
    headers: { "If-Match": "The ETag that it must have now." },
    statuses: {
      200: "Its value.",
      404: "There was no such entry.",
      412: "The condition does not hold.",
    },
  },
  ADD_TO_COUNTER: {
    method: "POST",
    path: `${KEY}/add`,
    scope: "write",
    ofCaches: true,
    summary:
      "Add to a counter. Counters are kept beside the entries, and hold 64 bits: beyond, they stay at the end.",
    query: {},
    headers: {},
    keyed: true,
    body: {
      "application/json": {
        schema: object({
          delta: reference("Value"),
          initial: reference("Value"),
          ttl_ms_if_new: INTEGER,
        }, ["delta"]),
      },
    },
    statuses: { 200: "`{value, epoch, index}`" },
  },
  LIST_ENTRIES: {
    method: "GET",
    path: CACHE,
    scope: "read",
    ofCaches: true,
    summary:
      "A page of entries in the order of their keys; with `watch` or `watch_key`, server-sent events of what changes.",
    query: {
      ...FRESHNESS,
      prefix: "Only keys that begin so.",
      start: "From this key on.",
      end: "Before this key.",
      reverse: "`true`: from the last key to the first.",
      limit: "1 to 1000 entries. Default 100.",
      cursor: "`cursor` of the page before.",
      values: "`false`: keys alone.",
      watch: "Watch all keys that begin so; empty for all.",
      watch_key: "Watch this key; up to 100 times.",
      since: "The id of the last event. `Last-Event-ID` goes before it.",
    },
    headers: { "Last-Event-ID": "Of a watch that goes on." },
    keyed: false,
    statuses: { 200: "`{entries, cursor, epoch, index}`, or events." },
  },
  CHANGE_CACHE: {
    method: "POST",
    path: CACHE,
    scope: "write",
    ofCaches: true,
    summary:
      "As POST /api/v1/caches/atomic; checks and operations that name no cache mean this one.",
    query: {},
    headers: {},
    keyed: true,
    body: {
      "application/json": {
        schema: object({ ...UNIT_PROPERTIES, epoch: INTEGER }, ["ops"]),
      },
    },
    statuses: {
      200: "`{results, epoch, index}`",
      412: "A check or condition does not hold; nothing was done.",
      507: "There is no room (`cache_full`).",
    },
  },
  CREATE_CACHE: {
    method: "PUT",
    path: CACHE,
    scope: "write",
    ofCaches: true,
    summary: "Create a cache, or find it with the same settings.",
    ...NO_BODY,
    body: { "application/json": { schema: reference("CacheSettings") } },
    statuses: {
      204: "It is there.",
      409: "It is there with other settings.",
    },
  },
  DROP_CACHE: {
    method: "DELETE",
    path: CACHE,
    scope: "write",
    ofCaches: true,
    summary: "Remove a cache with its entries and counters.",
    ...NO_BODY,
    statuses: { 204: "It is gone.", 404: "There was no such cache." },
  },
} satisfies Readonly<Record<string, ResourceRoute>>;
