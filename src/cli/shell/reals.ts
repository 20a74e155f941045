import type { RawRows } from "../../client/remote.ts";
import type { ErrorCode } from "../../errors.ts";
import type { SqlValue } from "../../state/sql/types.ts";

/** A REAL without a fraction, which is a number as an integer is one. */
export class Real {
  /** Of this value. */
  constructor(readonly value: number) {}

  /** As SQL has it: 1.0. */
  toString(): string {
    const text = Object.is(this.value, -0) ? "-0" : String(this.value);
    return /^-?\d+$/.test(text) ? `${text}.0` : text;
  }
}

/** A value of a row that a person sees. */
export type ShownValue = SqlValue | Real;

/** Rows that tell a REAL without a fraction from an integer. */
export interface ShownRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly ShownValue[])[];
}

/** Said of the query itself, these errors name what is wrong with it; after others, such as a time that is over, nothing is asked again. */
const SAID_AGAIN: readonly unknown[] = [
  "sql",
  "invalid",
  "forbidden",
  "too_large",
] satisfies ErrorCode[];

/** What SQLite adds to a name that a column before has, in a query within another one. */
const ADDED = /:\d+$/;

/**
 * Reads a query's rows with what is a REAL in them. Members answer both kinds of numbers alike, so SQLite is asked for
 * the type beside each value, in one query around the given one, which runs once; and before for the columns alone.
 * @returns null for what is no query, and for one that cannot be within another one: it is to be read as it is.
 */
export async function readReals(
  sql: string,
  keyword: string,
  read: (sql: string) => Promise<RawRows>,
): Promise<ShownRows | null> {
  if (!["SELECT", "VALUES", "WITH"].includes(keyword)) return null;
  const inner = `(\n${sql.replace(/;\s*$/, "")}\n)`;
  try {
    const { columns } = await read(`SELECT * FROM ${inner} LIMIT 0`);
    if (columns.some((name) => ADDED.test(name))) return null;
    const names = columns.map((_, at) => `c${at}`);
    const types = names.map((name) => `typeof(${name}) = 'real'`);
    const { rows } = await read(
      `WITH q(${names.join(", ")}) AS ${inner} SELECT ${
        [...names, ...types].join(", ")
      } FROM q`,
    );
    return { columns, rows: rows.map((row) => typed(row, columns.length)) };
  } catch (error) {
    if (!SAID_AGAIN.includes((error as { code?: unknown }).code)) throw error;
    return null;
  }
}

/** The values of a row, which the answers whether they are REAL follow. */
function typed(row: readonly SqlValue[], columns: number): ShownValue[] {
  return row.slice(0, columns).map((value, at) =>
    row[columns + at] === 1 && Number.isInteger(value)
      ? new Real(value as number)
      : value
  );
}
