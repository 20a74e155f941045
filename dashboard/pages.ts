import type { IconName } from "./icons.ts";

/** The name of a page, as it stands in the fragment. */
export type PageName =
  | "overview"
  | "data"
  | "sql"
  | "schema"
  | "cache"
  | "events"
  | "backups"
  | "members"
  | "settings";

/** What leads to a page. */
export interface PageEntry {
  readonly name: PageName;
  readonly title: string;
  readonly icon: IconName;
  /** Pressed after `g`. */
  readonly key: string;
}

/** Every page, in the order of the sidebar. */
export const PAGES: readonly PageEntry[] = [
  {
    name: "overview",
    title: "Overview",
    icon: "activity",
    key: "o",
  },
  {
    name: "data",
    title: "Data",
    icon: "table-2",
    key: "d",
  },
  {
    name: "sql",
    title: "SQL",
    icon: "square-terminal",
    key: "s",
  },
  {
    name: "schema",
    title: "Schema",
    icon: "list-tree",
    key: "c",
  },
  {
    name: "cache",
    title: "Cache",
    icon: "layers",
    key: "k",
  },
  {
    name: "events",
    title: "Locks & events",
    icon: "lock",
    key: "e",
  },
  {
    name: "backups",
    title: "Backups",
    icon: "archive",
    key: "b",
  },
  {
    name: "members",
    title: "Members",
    icon: "server",
    key: "m",
  },
  {
    name: "settings",
    title: "Settings",
    icon: "settings",
    key: ",",
  },
];

/** Whether a page has this name. */
export function isPageName(name: string): name is PageName {
  return PAGES.some((page) => page.name === name);
}

/** The page of this name. */
export function pageOf(name: PageName): PageEntry {
  return PAGES.find((page) => page.name === name)!;
}
