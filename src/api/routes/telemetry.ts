import type {
  MemberEvents,
  MemberEventsRequest,
  MemberSight,
  Series,
  SeriesRequest,
} from "../../node/telemetry_port.ts";
import { fieldsOf, integerField } from "../fields.ts";
import { invalid, kindOf } from "../json.ts";
import { arrayOf, INTEGER, object, reference } from "../json_schema.ts";
import type { MemberRoute } from "../route.ts";
import { toldFromJson, toldToJson } from "../telemetry_json.ts";

/** Most events that one request may ask for. */
const EVENTS_MAX = 2_000;
/** Most members that `after` may name. */
const AFTER_MAX = 64;

/** What all routes of this file have in common. */
const TELLS = { scope: "read", repeat: "safe" } as const;

/** `GET /api/v1/cluster/reports` */
export const REPORTS: MemberRoute<void, readonly MemberSight[]> = {
  ...TELLS,
  method: "GET",
  path: "/api/v1/cluster/reports",
  summary: "What every member says of itself, as this one heard it.",
  reply: {
    format: "json",
    statuses: { 200: "By node id." },
    schema: object({ members: arrayOf(reference("MemberSight")) }),
    encode: (sights) => ({ members: toldToJson(sights) }),
    decode: (body) =>
      toldFromJson<readonly MemberSight[]>(
        (body as { readonly members: unknown }).members,
      ),
  },
  ask: (member) => member.telemetry.reports(),
};

/** `POST /api/v1/cluster/series` */
export const SERIES: MemberRoute<SeriesRequest, Series> = {
  ...TELLS,
  method: "POST",
  path: "/api/v1/cluster/series",
  summary:
    "How every member was over time: each second of 15 minutes, or each minute of a day.",
  request: {
    schema: object({ step_ms: { enum: [1_000, 60_000] }, from_ms: INTEGER }),
    encode: ({ stepMs, fromMs }) => ({ step_ms: stepMs, from_ms: fromMs }),
    decode: seriesRequest,
  },
  reply: {
    format: "json",
    statuses: { 200: "Columns of equal length for each member." },
    schema: reference("Series"),
    encode: toldToJson,
    decode: (body) => toldFromJson<Series>(body),
  },
  ask: (member, request) => member.telemetry.series(request),
};

/** `POST /api/v1/cluster/events` */
export const MEMBER_EVENTS: MemberRoute<MemberEventsRequest, MemberEvents> = {
  ...TELLS,
  method: "POST",
  path: "/api/v1/cluster/events",
  summary:
    "What happened to the members: elections, lost contact, snapshots, refused writes.",
  request: {
    schema: object({
      after: {
        type: "object",
        additionalProperties: INTEGER,
        description: "By node id, the number of the last event that is known.",
      },
      limit: { type: "integer", minimum: 1, maximum: EVENTS_MAX },
    }),
    encode: ({ after, limit }) => ({ after, limit }),
    decode: eventsRequest,
  },
  reply: {
    format: "json",
    statuses: { 200: "By time." },
    schema: reference("MemberEvents"),
    encode: toldToJson,
    decode: (body) => toldFromJson<MemberEvents>(body),
  },
  ask: (member, request) => member.telemetry.events(request),
};

/** The routes that tell how members are and were. */
export const TELEMETRY_ROUTES = { REPORTS, SERIES, MEMBER_EVENTS };

function seriesRequest(json: unknown): SeriesRequest {
  const fields = fieldsOf(json, ["step_ms", "from_ms"]);
  const stepMs = fields.get("step_ms");
  if (stepMs !== undefined && stepMs !== 1_000 && stepMs !== 60_000) {
    throw invalid("step_ms", "expected 1000 or 60000");
  }
  const fromMs = integerField(fields, "from_ms", 0, Number.MAX_SAFE_INTEGER);
  return {
    ...(stepMs === undefined ? {} : { stepMs }),
    ...(fromMs === undefined ? {} : { fromMs }),
  };
}

function eventsRequest(json: unknown): MemberEventsRequest {
  const fields = fieldsOf(json, ["after", "limit"]);
  const limit = integerField(fields, "limit", 1, EVENTS_MAX);
  const after = fields.get("after");
  return {
    ...(limit === undefined ? {} : { limit }),
    ...(after === undefined ? {} : { after: numbersByNode(after) }),
  };
}

function numbersByNode(json: unknown): Record<number, number> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw invalid("after", `expected an object, got ${kindOf(json)}`);
  }
  const entries = Object.entries(json);
  if (entries.length > AFTER_MAX) {
    throw invalid(
      "after",
      `names ${entries.length} members, ${AFTER_MAX} at most`,
    );
  }
  for (const [node, number] of entries) {
    if (/^[1-9]\d{0,8}$/.test(node) && Number.isSafeInteger(number)) continue;
    throw invalid("after", "expected numbers of events by node id");
  }
  return json as Record<number, number>;
}
