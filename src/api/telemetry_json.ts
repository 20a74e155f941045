import {
  MEMBER_EVENT_KINDS,
  type MemberEvents,
  type MemberSight,
  type Series,
  SERIES_COLUMNS,
} from "../node/telemetry_port.ts";
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

const MAYBE_INTEGER: JsonSchema = { type: ["integer", "null"] };
const MAYBE_NUMBER: JsonSchema = { type: ["number", "null"] };
const MAYBE_TEXT: JsonSchema = { type: ["string", "null"] };
const NUMBER: JsonSchema = { type: "number" };
const DURATIONS: JsonSchema = {
  type: ["object", "null"],
  properties: {
    count: INTEGER,
    p50_ms: NUMBER,
    p99_ms: NUMBER,
    max_ms: NUMBER,
  },
};

/** The schemas of what members tell of themselves. */
export const TELEMETRY_SCHEMAS: NamedSchemas = {
  MemberReport: object({
    member: TEXT,
    node_id: INTEGER,
    version: TEXT,
    at_ms: INTEGER,
    uptime_ms: INTEGER,
    role: { enum: ["leader", "voter", "learner", "outside"] },
    leader: MAYBE_TEXT,
    term: INTEGER,
    last_index: INTEGER,
    commit_index: INTEGER,
    applied_index: INTEGER,
    contact_ms: MAYBE_NUMBER,
    peers: arrayOf(object({
      node_id: INTEGER,
      contact_ms: MAYBE_NUMBER,
      rtt_ms: MAYBE_NUMBER,
    })),
    fsync: DURATIONS,
    commit: DURATIONS,
    query: DURATIONS,
    writes: INTEGER,
    writes_failed: INTEGER,
    queries: INTEGER,
    leader_changes: INTEGER,
    db_bytes: INTEGER,
    wal_bytes: INTEGER,
    log_bytes: INTEGER,
    disk_free_bytes: MAYBE_INTEGER,
    pending: INTEGER,
    loop_lag_ms: NUMBER,
    snapshot: {
      enum: ["idle", "building", "sending", "receiving", "installing"],
    },
    checksum: {
      type: ["object", "null"],
      properties: { index: INTEGER, hash: INTEGER },
    },
    quarantine: MAYBE_TEXT,
    disk_full: BOOLEAN,
    ready: TEXT,
    newest_event: INTEGER,
  }),
  MemberSight: object({
    node_id: INTEGER,
    member: MAYBE_TEXT,
    connected: BOOLEAN,
    age_ms: MAYBE_NUMBER,
    report: { anyOf: [reference("MemberReport"), { type: "null" }] },
  }),
  Series: object({
    step_ms: INTEGER,
    members: arrayOf(object({
      node_id: INTEGER,
      at_ms: arrayOf(INTEGER),
      columns: object(
        Object.fromEntries(
          SERIES_COLUMNS.map((name) => [snake(name), arrayOf(MAYBE_NUMBER)]),
        ),
      ),
    })),
  }),
  MemberEvents: object({
    events: arrayOf(object({
      node_id: INTEGER,
      number: INTEGER,
      at_ms: INTEGER,
      kind: { enum: MEMBER_EVENT_KINDS },
      group: MAYBE_TEXT,
      term: INTEGER,
      about: MAYBE_INTEGER,
      text: TEXT,
      count: INTEGER,
    })),
    silent: arrayOf(INTEGER),
  }),
};

/** What may be told of members: plain data whose names alone differ in JSON. */
export type Told = readonly MemberSight[] | Series | MemberEvents;

/** The JSON form: names in snake case. */
export function toldToJson(told: Told): unknown {
  return renamed(told, snake);
}

/** What was told, from its JSON. */
export function toldFromJson<T extends Told>(json: unknown): T {
  return renamed(json, camel) as T;
}

function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map((
      [name, item],
    ) => [rename(name), renamed(item, rename)]),
  );
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camel(name: string): string {
  return name.replaceAll(
    /_([a-z])/g,
    (_, letter: string) => letter.toUpperCase(),
  );
}
