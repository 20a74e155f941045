import type {
  JsonForeignKey,
  JsonSchemaObject,
} from "../../src/api/dashboard/schema.ts";
import { foldName, quotedName } from "../../src/state/sqlite/statement/text.ts";
import type { BoundSql, ExactValue } from "../values/exact_value.ts";
import { type Filter, filtersSql } from "./filter.ts";
import { joined } from "./bound.ts";

/** Rows of another table that belong to a row. */
export interface Related {
  readonly table: string;
  /** The columns of the other table that the foreign key has there. */
  readonly columns: readonly string[];
  /** Which rows these are. */
  readonly filters: readonly Filter[];
  /** What becomes of them when the row is deleted: `CASCADE`, `SET NULL` and so on. */
  readonly onDelete: string;
}

/** Children that are counted: there may be a million. */
export const CHILDREN_COUNTED_MAX = 1_000;

/** The value of a column of a row; undefined: it is not known whole. */
export type ValueOf = (column: string) => ExactValue | undefined;

/** The parent of a row by a foreign key; null where a part is NULL or not known, or the parent has no such columns. */
export function parentOf(
  key: JsonForeignKey,
  objects: readonly JsonSchemaObject[],
  valueOf: ValueOf,
): Related | null {
  const columns = parentColumns(key, objects);
  if (columns === null) return null;
  return related(key, key.table, columns, key.from.map(valueOf));
}

/** The rows that refer to a row, foreign key by foreign key. */
export function childrenOf(
  table: string,
  objects: readonly JsonSchemaObject[],
  valueOf: ValueOf,
): Related[] {
  const found: Related[] = [];
  for (const object of objects) {
    for (const key of object.foreign_keys) {
      if (foldName(key.table) !== foldName(table)) continue;
      const columns = parentColumns(key, objects);
      const children = columns &&
        related(key, object.name, key.from, columns.map(valueOf));
      if (children) found.push(children);
    }
  }
  return found;
}

/** A foreign key that names no columns means the parent's primary key. */
function parentColumns(
  key: JsonForeignKey,
  objects: readonly JsonSchemaObject[],
): readonly string[] | null {
  const named = key.to.filter((name) => name !== null);
  if (named.length === key.from.length) return named;
  const parent = objects.find(({ name }) =>
    foldName(name) === foldName(key.table)
  );
  const keys = (parent?.columns ?? []).filter((column) => column.key > 0)
    .sort((a, b) => a.key - b.key).map((column) => column.name);
  return keys.length === key.from.length ? keys : null;
}

function related(
  key: JsonForeignKey,
  table: string,
  columns: readonly string[],
  values: readonly (ExactValue | undefined)[],
): Related | null {
  const filters: Filter[] = [];
  for (const [at, value] of values.entries()) {
    // A foreign key with a NULL in it refers to nothing.
    if (value === undefined || value.type === "null") return null;
    filters.push({
      kind: "compare",
      column: columns[at]!,
      operator: "=",
      value,
    });
  }
  return { table, columns, filters, onDelete: key.on_delete };
}

/** Counts related rows, up to {@linkcode CHILDREN_COUNTED_MAX} and one. */
export function countSql({ table, filters }: Related): BoundSql {
  return joined([
    `SELECT count(*) FROM (SELECT 1 FROM ${quotedName(table)} WHERE `,
    filtersSql(filters)!,
    ` LIMIT ${CHILDREN_COUNTED_MAX + 1})`,
  ]);
}
