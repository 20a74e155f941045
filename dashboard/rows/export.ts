import { quotedName } from "../../src/state/sqlite/statement/text.ts";
import {
  type BoundSql,
  type ExactValue,
  exactValue,
  likelyValue,
} from "../values/exact_value.ts";
import { joined } from "./bound.ts";
import { type KeyPart, keySql } from "./identity.ts";
import type { Sort } from "./page.ts";

/** Columns whose storage class one number tells: the wire carries it exactly. */
const COLUMNS_PER_MASK = 30;

/** Which rows of which table go into a file. */
export interface ExportQuestion {
  readonly table: string;
  readonly columns: readonly string[];
  readonly key: readonly KeyPart[];
  readonly sort: Sort | null;
  readonly filter: BoundSql | null;
}

/**
 * The query of all rows. Behind the columns come numbers whose bits say which of them are REAL, which the wire does not:
 * a whole REAL looks like an integer there.
 */
export function exportSql(question: ExportQuestion): BoundSql {
  const { table, columns, key, sort, filter } = question;
  const names = columns.map(quotedName);
  const order = [
    ...(sort === null ? [] : [quotedName(sort.column)]),
    ...key.map(keySql),
  ].map((term) => sort?.descending === true ? `${term} DESC` : term);
  return joined([
    `SELECT ${[...names, ...masks(names)].join(", ")} FROM ${
      quotedName(table)
    }`,
    ...(filter === null ? [] : [" WHERE ", filter]),
    ...(order.length === 0 ? [] : [` ORDER BY ${order.join(", ")}`]),
  ]);
}

function masks(names: readonly string[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < names.length; at += COLUMNS_PER_MASK) {
    const bits = names.slice(at, at + COLUMNS_PER_MASK).map((name, bit) =>
      `(typeof(${name}) = 'real') * ${2 ** bit}`
    );
    found.push(bits.join(" + "));
  }
  return found;
}

/** The values of a row of that query. */
export function exportedRow(
  row: readonly unknown[],
  columns: number,
): ExactValue[] {
  return row.slice(0, columns).map((json, at) => {
    const mask = Number(row[columns + Math.floor(at / COLUMNS_PER_MASK)]);
    const real = (mask >>> (at % COLUMNS_PER_MASK)) % 2 === 1;
    return real ? exactValue(json, "real") : likelyValue(json);
  });
}
