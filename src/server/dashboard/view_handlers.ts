import { createHash } from "node:crypto";
import { clusterToJson } from "../../api/cluster_status.ts";
import type {
  JsonAuditEntry,
  JsonAuditTrail,
} from "../../api/dashboard/audit.ts";
import type { JsonOverview } from "../../api/dashboard/overview.ts";
import type { JsonSlowStatements } from "../../api/dashboard/slow.ts";
import type { JsonSettings } from "../../api/dashboard/settings.ts";
import { MEMBER_EVENTS, SERIES } from "../../api/routes/telemetry.ts";
import { toldToJson } from "../../api/telemetry_json.ts";
import { invalid } from "../../api/json.ts";
import type { AuditEntry } from "../../node/audit_port.ts";
import { respond } from "../mount.ts";
import { queryOf } from "../routes/cache_path.ts";
import type { DashboardHandler, DashboardHandlers } from "./asking.ts";
import type { HandlerParts } from "./handler_parts.ts";
import { readSchema } from "./schema_listing.ts";

/** Of every member's series the overview shows so much, ms. */
const LAST_MS = 60_000;

/** What is looked at and changes nothing. */
export function viewHandlers(parts: HandlerParts) {
  const { member } = parts;
  return {
    overview: ({ context }) => {
      const sights = member.telemetry.reports();
      const series = member.telemetry.series({ fromMs: parts.now() - LAST_MS });
      const body: JsonOverview = {
        node_id: parts.nodeId(),
        now_ms: parts.now(),
        cluster: clusterToJson(member.cluster()),
        reports: toldToJson(sights) as readonly unknown[],
        series: (toldToJson(series) as { readonly members: readonly unknown[] })
          .members,
        newest_event: Math.max(
          0,
          ...sights.map(({ report }) => report?.newestEvent ?? 0),
        ),
      };
      return context.json(body);
    },
    series: ({ context }) => {
      const query = queryOf(context.req.raw, ["step_ms", "from_ms"]);
      const request = SERIES.request!.decode({
        step_ms: query.integer("step_ms", 1000, 60_000),
        from_ms: query.integer("from_ms", 0, Number.MAX_SAFE_INTEGER),
      });
      const { deliveries } = parts.mounting;
      const told = member.telemetry.series(request);
      return respond(context, deliveries, SERIES.reply, told);
    },
    events: async ({ context }) => {
      const query = queryOf(context.req.raw, ["after", "limit"]);
      const request = MEMBER_EVENTS.request!.decode({
        after: numbersByNodeIn(query.key("after")),
        limit: query.integer("limit", 1, 2000),
      });
      const { deliveries } = parts.mounting;
      const told = await member.telemetry.events(request);
      return respond(context, deliveries, MEMBER_EVENTS.reply, told);
    },
    schema: showSchema(parts),
    audit: ({ context }) => {
      const entries = member.audit.latest().map(auditToJson);
      return context.json({ entries } satisfies JsonAuditTrail);
    },
    slow: async ({ context }) => {
      const { members, silent } = await member.telemetry.slow();
      const body: JsonSlowStatements = {
        members: members.map(({ nodeId, limitMs, statements }) => ({
          node_id: nodeId,
          limit_ms: limitMs,
          statements: statements.map(({ atMs, ...told }) => ({
            at_ms: atMs,
            ...told,
          })),
        })),
        silent,
      };
      return context.json(body);
    },
    settings: ({ context }) => {
      const settings = parts.settings.map(({ isDefault, ...setting }) => ({
        ...setting,
        is_default: isDefault,
      }));
      return context.json({ settings } satisfies JsonSettings);
    },
  } satisfies Partial<DashboardHandlers>;
}

function showSchema(parts: HandlerParts): DashboardHandler {
  return async ({ context, session }) => {
    const listing = await readSchema(parts.member, {
      guarded: true,
      client: `dashboard ${session.id}`,
      limits: parts.limits,
      signal: context.req.raw.signal,
    });
    const text = JSON.stringify(listing);
    const hash = createHash("sha256").update(text).digest("base64url");
    const etag = `"${hash.slice(0, 22)}"`;
    context.header("etag", etag);
    // To be asked for each time.
    context.header("cache-control", "private, no-cache");
    if (context.req.header("if-none-match") === etag) {
      return context.body(null, 304);
    }
    const { deliveries } = parts.mounting;
    return deliveries.response(context, text, 200, "application/json");
  };
}

/** `1:17,2:4`: of each node the number of the last event that is known. @throws {HiqliteError} `invalid` */
function numbersByNodeIn(
  text: string | undefined,
): Readonly<Record<string, number>> | undefined {
  if (text === undefined) return undefined;
  return Object.fromEntries(
    text.split(",").map((pair) => {
      const [, node, number] = /^([1-9]\d{0,8}):(\d{1,15})$/.exec(pair) ?? [];
      if (node !== undefined) return [node, Number(number)];
      throw invalid(
        "after",
        `expected <node id>:<number of an event>, … , got "${
          pair.slice(0, 40)
        }"`,
      );
    }),
  );
}

function auditToJson(entry: AuditEntry): JsonAuditEntry {
  return {
    index: entry.index,
    at_ms: entry.atMs,
    role: entry.role,
    address: entry.address,
    node_id: entry.nodeId,
    action: entry.action,
    detail: entry.detail,
    outcome: entry.outcome,
    rows: entry.rows,
    write_index: entry.did,
    file: entry.run?.file ?? null,
    count: entry.run?.count ?? null,
  };
}
