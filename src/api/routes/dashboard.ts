import { fieldsOf } from "../fields.ts";
import { INTEGER, object, TEXT } from "../json_schema.ts";
import type { Route } from "../route.ts";

/** A link that signs in to a dashboard, once. */
export interface DashboardLink {
  /** Path and fragment: behind the address of the member that was asked. */
  readonly path: string;
  /** How long it works, ms. */
  readonly expires_in_ms: number;
}

/** `POST /api/v1/dashboard/link` */
export const DASHBOARD_LINK: Route<void, DashboardLink> = {
  method: "POST",
  path: "/api/v1/dashboard/link",
  summary:
    "Make a link that signs in to this member's dashboard, once, within a minute.",
  scope: "admin",
  repeat: "safe",
  request: {
    schema: object({}),
    encode: () => ({}),
    decode: (json) => void fieldsOf(json, []),
  },
  reply: {
    format: "json",
    statuses: { 200: "Put its path behind the member's address." },
    schema: object({ path: TEXT, expires_in_ms: INTEGER }),
    encode: (link) => link,
    decode: (body) => body as DashboardLink,
  },
};

/** The routes of the API that are about the dashboard. */
export const DASHBOARD_API_ROUTES = { DASHBOARD_LINK };
