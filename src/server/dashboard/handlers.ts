import type { DashboardHandlers } from "./asking.ts";
import { cacheHandlers } from "./cache_handlers.ts";
import { clusterHandlers } from "./cluster_handlers.ts";
import type { HandlerParts } from "./handler_parts.ts";
import { sqlHandlers } from "./sql_handlers.ts";
import { viewHandlers } from "./view_handlers.ts";

/** What is done with each request of the page. */
export function dashboardHandlers(parts: HandlerParts): DashboardHandlers {
  return {
    ...viewHandlers(parts),
    ...sqlHandlers(parts),
    ...clusterHandlers(parts),
    ...cacheHandlers(parts),
  };
}
