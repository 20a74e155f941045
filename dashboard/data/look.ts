import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import {
  type Filter,
  type FilterColumn,
  filterText,
  readFilter,
} from "../rows/filter.ts";
import type { Sort } from "../rows/page.ts";
import { href, type Route } from "../route.ts";
import { go } from "../router.ts";
import { affinityOf } from "../values/affinity.ts";

/** What is looked at of a table, as its link says. */
export interface LinkedLook {
  readonly filters: readonly Filter[];
  readonly sort: Sort | null;
}

/** The columns of a table that can be filtered by. */
export function filterColumns(object: JsonSchemaObject): FilterColumn[] {
  return object.columns.map(({ name, type }) => ({
    name,
    affinity: affinityOf(type),
  }));
}

/** What a link says; filters and columns that the table does not have are left out. */
export function lookOf(route: Route, object: JsonSchemaObject): LinkedLook {
  const columns = filterColumns(object);
  const texts = textsOf(route.query.get("f"));
  const filters = texts.flatMap((text) => {
    const reading = readFilter(text, columns);
    return "filter" in reading ? [reading.filter] : [];
  });
  const column = route.query.get("s");
  const known = object.columns.some(({ name }) => name === column);
  return {
    filters,
    sort: column === null || !known
      ? null
      : { column, descending: route.query.get("d") === "1" },
  };
}

function textsOf(json: string | null): string[] {
  try {
    const texts: unknown = JSON.parse(json ?? "[]");
    return Array.isArray(texts)
      ? texts.filter((text) => typeof text === "string")
      : [];
  } catch {
    return [];
  }
}

function queryOf({ filters, sort }: LinkedLook): Record<string, string> {
  return {
    ...(filters.length === 0
      ? {}
      : { f: JSON.stringify(filters.map(filterText)) }),
    ...(sort === null ? {} : { s: sort.column }),
    ...(sort?.descending === true ? { d: "1" } : {}),
  };
}

/** The link to rows of a table. */
export function hrefToRows(table: string, look: LinkedLook): string {
  return href("data", [table], queryOf(look));
}

/** Looks at other rows of a table. */
export function goToRows(table: string, look: LinkedLook): void {
  go("data", [table], queryOf(look));
}
