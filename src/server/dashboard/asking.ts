import type { Context } from "@hono/hono";
import type { AuditRun } from "../../node/audit_port.ts";
import type { DashboardRouteName } from "../../api/dashboard/routes.ts";
import type { DashboardSession } from "./sessions.ts";

/** A request of the page, once it is known who asks. */
export interface DashboardAsking {
  readonly context: Context;
  readonly session: DashboardSession;
  /** What the audit trail will say of it. */
  readonly deed: Deed;
}

/** What was done: filled in as it becomes known. */
export interface Deed {
  /** What was asked, without parameters. */
  detail: string;
  /** `done`, or the code of an error that is no exception. */
  outcome: string;
  rows: number | null;
  /** The place in the log of what it did. */
  did: number | null;
  /** The file that this is a part of; null: it is of none. */
  run: AuditRun | null;
}

/** What is done with a request of the page. */
export type DashboardHandler = (
  asking: DashboardAsking,
) => Response | Promise<Response>;

/** The handlers of all routes for which somebody must have signed in. */
export type DashboardHandlers = Readonly<
  Record<Exclude<DashboardRouteName, SessionRouteName>, DashboardHandler>
>;

/** The routes that everybody may ask. */
export type SessionRouteName = "session" | "login" | "logout";
