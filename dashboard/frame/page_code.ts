import type { ComponentType } from "preact";
import type { PageName } from "../pages.ts";

/** Loads the code of each page when it is opened for the first time. */
export const PAGE_CODE: Readonly<
  Record<PageName, () => Promise<ComponentType>>
> = {
  overview: async () => (await operating()).Overview,
  data: async () => (await import("../pages/data.tsx")).Page,
  sql: async () => (await import("../pages/sql.tsx")).Page,
  schema: async () => (await import("../pages/schema.tsx")).Page,
  cache: async () => (await operating()).Cache,
  events: async () => (await operating()).Events,
  backups: async () => (await operating()).Backups,
  members: async () => (await operating()).Members,
  settings: async () => (await operating()).Settings,
};

function operating() {
  return import("../pages/operating.ts");
}
