import type { ChangesRequest, LiveRequest } from "../../node/port.ts";
import {
  arrayField,
  type Fields,
  fieldsOf,
  integerField,
  textField,
} from "../fields.ts";
import { invalid, kindOf } from "../json.ts";
import { arrayOf, INTEGER, object, TEXT } from "../json_schema.ts";
import {
  livePositionText,
  parseLivePosition,
  parsePlace,
  placeText,
} from "../log_place.ts";
import type { ResourceRoute } from "../route.ts";
import {
  STATEMENT_PROPERTIES,
  statementFromJson,
  statementToJson,
} from "../statement.ts";

const CHANGES = "/api/v1/changes";
const LIVE = "/api/v1/live";
const CHANGES_SUMMARY =
  "Server-sent events `change` with `{index, tables, schema, reset}`: which tables changed. `reset`: any may have. Of a client that reads slowly, many become one.";
const LIVE_SUMMARY =
  "Server-sent events `rows` with `{columns, rows, index}`: the rows of a query, then again whenever they are others. They have 1 MiB at most.";
const SINCE = "The id of the last event. `Last-Event-ID` goes before it.";
const HEADERS = { "Last-Event-ID": "Of a stream that goes on." };
const STREAM = {
  headers: HEADERS,
  keyed: false,
  statuses: { 200: "Events, until the client goes." },
} as const;

const CHANGES_FIELDS = {
  tables: arrayOf(TEXT),
  since: { type: ["string", "integer"], description: SINCE },
};
const LIVE_FIELDS = {
  ...STATEMENT_PROPERTIES,
  since: { ...TEXT, description: SINCE },
  min_index: INTEGER,
  min_interval_ms: INTEGER,
  timeout_ms: INTEGER,
};

/** What follows the database: by GET for browsers' `EventSource`, by POST for what no address has room for. */
export const LIVE_RESOURCES = {
  GET_CHANGES: {
    method: "GET",
    path: CHANGES,
    scope: "read",
    summary: CHANGES_SUMMARY,
    query: {
      table: "Only this table or view; up to 1000 times.",
      since: `${SINCE} An index alone is one of the present cluster.`,
    },
    ...STREAM,
  },
  POST_CHANGES: {
    method: "POST",
    path: CHANGES,
    scope: "read",
    summary: CHANGES_SUMMARY,
    query: {},
    ...STREAM,
    body: { "application/json": { schema: object(CHANGES_FIELDS) } },
  },
  GET_LIVE: {
    method: "GET",
    path: LIVE,
    scope: "read",
    summary: LIVE_SUMMARY,
    query: {
      sql: "One reading statement.",
      params: "Its parameters, as JSON.",
      since: SINCE,
      min_index: "Wait until this index is applied.",
      min_interval_ms:
        "The least time from one run to the next, 0 to 3,600,000 ms. Default 50.",
      timeout_ms: "How long one run may take, ms.",
    },
    ...STREAM,
  },
  POST_LIVE: {
    method: "POST",
    path: LIVE,
    scope: "read",
    summary: LIVE_SUMMARY,
    query: {},
    ...STREAM,
    body: { "application/json": { schema: object(LIVE_FIELDS, ["sql"]) } },
  },
} satisfies Readonly<Record<string, ResourceRoute>>;

/** The JSON of a request for changes. */
export function changesToJson({ tables, since }: ChangesRequest): object {
  return {
    tables,
    since: typeof since === "object" ? placeText(since) : since,
  };
}

/** A request for changes from JSON. @throws {HiqliteError} `invalid` */
export function changesFromJson(json: unknown): ChangesRequest {
  const fields = fieldsOf(json, Object.keys(CHANGES_FIELDS));
  const tables = fields.get("tables") === undefined
    ? undefined
    : arrayField(fields, "tables").map((name, at) => {
      if (typeof name === "string") return name;
      throw invalid(`tables[${at}]`, `expected a string, got ${kindOf(name)}`);
    });
  const since = sinceField(fields);
  return {
    ...(tables === undefined ? {} : { tables }),
    ...(since === undefined ? {} : { since: parsePlace(since, "since") }),
  };
}

/** The JSON of a request for a live query. */
export function liveToJson(request: LiveRequest): object {
  const { since, minIndex, minIntervalMs, limits } = request;
  return {
    ...statementToJson(request, ""),
    since: since === undefined ? undefined : livePositionText(since),
    min_index: minIndex,
    min_interval_ms: minIntervalMs,
    timeout_ms: limits?.timeoutMs,
  };
}

/** A request for a live query from JSON. @throws {HiqliteError} `invalid` */
export function liveFromJson(json: unknown): LiveRequest {
  const fields = fieldsOf(json, Object.keys(LIVE_FIELDS));
  const since = sinceField(fields);
  const minIndex = integerField(
    fields,
    "min_index",
    0,
    Number.MAX_SAFE_INTEGER,
  );
  const minIntervalMs = integerField(fields, "min_interval_ms", 0, 3_600_000);
  const timeoutMs = integerField(fields, "timeout_ms", 1, 2 ** 32 - 1);
  return {
    ...statementFromJson(fields, "", false),
    ...(since === undefined
      ? {}
      : { since: parseLivePosition(since, "since") }),
    ...(minIndex === undefined ? {} : { minIndex }),
    ...(minIntervalMs === undefined ? {} : { minIntervalMs }),
    limits: timeoutMs === undefined ? {} : { timeoutMs },
  };
}

function sinceField(fields: Fields): string | undefined {
  const since = fields.get("since");
  if (since === undefined) return undefined;
  return typeof since === "number" ? `${since}` : textField(fields, "since");
}
