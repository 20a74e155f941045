import { quotedName } from "../../src/state/sqlite/statement/text.ts";
import {
  type BoundSql,
  boundValue,
  type ExactValue,
} from "../values/exact_value.ts";
import { joined } from "./bound.ts";
import { type KeyPart, keySql } from "./identity.ts";

/** Characters of a text, and bytes of a blob, that a cell of the grid carries. */
export const PREVIEW_LENGTH = 256;

/** By which column rows are shown. */
export interface Sort {
  /** Its name. */
  readonly column: string;
  /** Largest first. */
  readonly descending: boolean;
}

/** The place of a row among the others: what it is sorted by, and its key. */
export interface RowPlace {
  /** Its value of the column that rows are sorted by; null if they are sorted by key. */
  readonly sorted: ExactValue | null;
  /** Its key, part by part. */
  readonly key: readonly ExactValue[];
}

/** Which rows of which table. */
export interface PageQuestion {
  readonly table: string;
  /** The columns that are shown. */
  readonly columns: readonly string[];
  /** The parts of the key; none of what has no key: then there is only a first page. */
  readonly key: readonly KeyPart[];
  readonly sort: Sort | null;
  /** The condition that rows meet; null: none. */
  readonly filter: BoundSql | null;
  /** Rows behind this one, in the direction that is read; null: from the end that is read from. */
  readonly from: RowPlace | null;
  /** Read towards the beginning: the rows come in reverse. */
  readonly backward: boolean;
  /** At most so many rows. */
  readonly limit: number;
}

/**
 * The query of a page. Of each column come its value (of long ones the beginning), its storage class and its length; then, whole,
 * with their classes, what the rows are sorted by and the parts of the key.
 */
export function pageSql(question: PageQuestion): BoundSql {
  const { table, key, sort, filter, from, limit } = question;
  const whole = [
    ...(sort === null ? [] : [quotedName(sort.column)]),
    ...key.map((part) => quotedName(part.name)),
  ];
  const columns = [
    ...question.columns.flatMap((name) => cellSql(quotedName(name))),
    ...whole.flatMap((name) => [name, `typeof(${name})`]),
  ];
  const conditions = [
    ...(filter === null ? [] : [joined(["(", filter, ")"])]),
    ...(from === null ? [] : [behind(question, from)]),
  ];
  return joined([
    `SELECT ${columns.join(", ")}\nFROM ${quotedName(table)}`,
    ...(conditions.length === 0
      ? []
      : ["\nWHERE ", joined(conditions, "\n  AND ")]),
    orderSql(question),
    `\nLIMIT ${limit}`,
  ]);
}

/** Three columns of an answer for one of a table. */
export const CELL_COLUMNS = 3;

/** The substr() of an empty blob would be NULL. */
function cellSql(name: string): string[] {
  return [
    `CASE WHEN typeof(${name}) IN ('text', 'blob') AND octet_length(${name}) > ${PREVIEW_LENGTH} THEN substr(${name}, 1, ${PREVIEW_LENGTH}) ELSE ${name} END`,
    `typeof(${name})`,
    `octet_length(${name})`,
  ];
}

/** The order of the key follows the sort's, so that one index read in one direction has both. */
function orderSql({ key, sort, backward }: PageQuestion): string {
  const falling = (sort?.descending ?? false) !== backward;
  const terms = [
    ...(sort === null ? [] : [quotedName(sort.column)]),
    ...key.map(keySql),
  ].map((term) => falling ? `${term} DESC` : term);
  return terms.length === 0 ? "" : `\nORDER BY ${terms.join(", ")}`;
}

/** NULLs come first where values rise, and last where they fall. */
function behind(
  { key, sort, backward }: PageQuestion,
  from: RowPlace,
): BoundSql {
  const falling = (sort?.descending ?? false) !== backward;
  const keys = compared(key, falling ? "<" : ">", from.key);
  if (sort === null || from.sorted === null) return keys;
  const column = quotedName(sort.column);
  if (from.sorted.type === "null") {
    return falling
      ? joined([`(${column} IS NULL AND `, keys, ")"])
      : joined([`(${column} IS NOT NULL OR `, keys, ")"]);
  }
  const value = boundValue(from.sorted);
  const further = falling
    ? joined([`${column} < `, value, ` OR ${column} IS NULL`])
    : joined([`${column} > `, value]);
  return joined([
    "(",
    further,
    ` OR (${column} = `,
    value,
    " AND ",
    keys,
    "))",
  ]);
}

/** With a COLLATE in it, the first part alone still finds its way in the index. */
function compared(
  key: readonly KeyPart[],
  operator: "<" | ">",
  values: readonly ExactValue[],
): BoundSql {
  const bound = values.map(boundValue);
  const first = keySql(key[0]!);
  if (key.length === 1) return joined([`${first} ${operator} `, bound[0]!]);
  const all = joined([
    `(${key.map(keySql).join(", ")}) ${operator} (`,
    joined(bound, ", "),
    ")",
  ]);
  if (key.every((part) => part.collation === null)) return all;
  return joined([`(${first} ${operator}= `, bound[0]!, " AND ", all, ")"]);
}

/** The condition that finds one row by its key. */
export function rowCondition(
  key: readonly KeyPart[],
  values: readonly ExactValue[],
): BoundSql {
  return joined(
    key.map((part, at) =>
      joined([`${keySql(part)} IS `, boundValue(values[at]!)])
    ),
    " AND ",
  );
}

/** The query of all values of one row, each whole with its storage class and length. */
export function rowSql(
  { table, columns, key }: Pick<PageQuestion, "table" | "columns" | "key">,
  values: readonly ExactValue[],
): BoundSql {
  const cells = columns.map(quotedName).flatMap((name) => [
    name,
    `typeof(${name})`,
    `octet_length(${name})`,
  ]);
  return joined([
    `SELECT ${cells.join(", ")}\nFROM ${quotedName(table)}\nWHERE `,
    rowCondition(key, values),
  ]);
}
