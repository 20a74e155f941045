import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import {
  type Filter,
  type FilterColumn,
  filterText,
  readFilter,
  typedValue,
  valueText,
} from "../rows/filter.ts";
import { identityOf } from "../rows/identity.ts";
import type { Sort } from "../rows/page.ts";
import { href, type Route } from "../route.ts";
import { go } from "../router.ts";
import { affinityOf } from "../values/affinity.ts";
import type { ExactValue } from "../values/exact_value.ts";

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

/** The parts of a table's key as columns; none of what has no key. */
export function keyColumns(object: JsonSchemaObject): FilterColumn[] {
  const identity = identityOf(object);
  if (identity.kind === "none") return [];
  const columns = filterColumns(object);
  return identity.parts.map(({ name }) =>
    columns.find((column) => column.name === name) ??
      { name, affinity: "INTEGER" }
  );
}

/** The key of the row that a link leads to; null if it leads to none of this table. */
export function keyOf(
  route: Route,
  object: JsonSchemaObject,
): readonly ExactValue[] | null {
  const texts = textsOf(route.query.get("k"));
  const columns = keyColumns(object);
  return texts.length === 0 || texts.length !== columns.length
    ? null
    : texts.map((text, at) => typedValue(text, columns[at]!.affinity));
}

function queryOfRow(
  look: LinkedLook,
  key: readonly ExactValue[],
): Record<string, string> {
  return { ...queryOf(look), k: JSON.stringify(key.map(valueText)) };
}

/** The link to a row, among the others that are looked at. */
export function hrefToRow(
  table: string,
  look: LinkedLook,
  key: readonly ExactValue[],
): string {
  return href("data", [table], queryOfRow(look, key));
}

/** Looks at the rows of a table from one on. */
export function goToRow(
  table: string,
  look: LinkedLook,
  key: readonly ExactValue[],
): void {
  go("data", [table], queryOfRow(look, key));
}
