import type { HealthStatus } from "../../node/port.ts";
import { BOOLEAN, object, reference, TEXT } from "../json_schema.ts";
import type { NamedSchemas } from "../json_schema.ts";
import type { MemberRoute, ReplyCodec, Route } from "../route.ts";

/** What all routes of this file have in common: anybody may ask, as often as they like. */
const OPEN = { method: "GET", scope: "open", repeat: "safe" } as const;

/** The schema of health and readiness. */
export const HEALTH_SCHEMAS: NamedSchemas = {
  Health: object({ ok: BOOLEAN, detail: TEXT }, ["ok", "detail"]),
};

const HEALTH_REPLY: ReplyCodec<HealthStatus> = {
  format: "json",
  statuses: { 200: "Well.", 503: "Not well; `detail` says why." },
  schema: reference("Health"),
  encode: (health) => health,
  decode: (body) => body as HealthStatus,
  status: ({ ok }) => ok ? 200 : 503,
  accepts: (status, body) =>
    status === 503 && typeof (body as HealthStatus).ok === "boolean",
};

/** `GET /ping` */
export const PING: Route<void, string> = {
  ...OPEN,
  path: "/ping",
  summary: "The listener answers.",
  reply: {
    format: "text",
    statuses: { 200: "pong" },
    encode: (text) => text,
    decode: (body) => body as string,
  },
};

/** `GET /health` */
export const HEALTH: MemberRoute<void, HealthStatus> = {
  ...OPEN,
  path: "/health",
  summary: "The member runs and knows a leader.",
  reply: HEALTH_REPLY,
  ask: (member) => member.health(),
};

/** `GET /ready` */
export const READY: MemberRoute<void, HealthStatus> = {
  ...OPEN,
  path: "/ready",
  summary: "The member is fit for traffic.",
  reply: HEALTH_REPLY,
  ask: (member) => member.ready(),
};

/** `GET /metrics` */
export const METRICS: MemberRoute<void, string> = {
  ...OPEN,
  path: "/metrics",
  summary: "Metrics for Prometheus.",
  reply: {
    format: "text",
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    statuses: { 200: "Text format." },
    encode: (text) => text,
    decode: (body) => body as string,
  },
  ask: (member) => member.metrics(),
};

/** `GET /openapi.json` */
export const OPENAPI: Route<void, object> = {
  ...OPEN,
  path: "/openapi.json",
  summary: "This document.",
  reply: {
    format: "json",
    statuses: { 200: "OpenAPI." },
    encode: (document) => document,
    decode: (body) => body as object,
  },
};

/** The routes that say how a member is. */
export const STATUS_ROUTES = { PING, HEALTH, READY, METRICS, OPENAPI };
