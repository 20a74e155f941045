import type { QueryRequest } from "../../node/port.ts";
import type { DashboardAsking } from "./asking.ts";
import type { HandlerParts } from "./handler_parts.ts";

/** How whatever a person reads is read: where it can be ended, and so that it ends with the request. */
export function readOf(
  { limits }: HandlerParts,
  { context, session }: DashboardAsking,
): Omit<QueryRequest, "sql" | "params"> {
  return {
    guarded: true,
    client: `dashboard ${session.id}`,
    limits,
    signal: context.req.raw.signal,
  };
}
