import { quotedName } from "../../src/state/sqlite/statement/text.ts";
import type { JsonSqlValue } from "../../src/api/json.ts";
import {
  type BoundSql,
  boundValue,
  type ExactValue,
} from "../values/exact_value.ts";
import { joined } from "./bound.ts";
import type { KeyPart } from "./identity.ts";
import { rowCondition } from "./page.ts";

/** A value that somebody saw, and what it shall become. */
export interface ColumnChange {
  readonly column: string;
  readonly seen: ExactValue;
  readonly value: ExactValue;
}

/** A value of a row as somebody saw it. */
export interface SeenValue {
  readonly column: string;
  readonly seen: ExactValue;
}

/** A change of one row, not yet written. */
export type RowChange =
  | {
    readonly kind: "update";
    readonly key: readonly ExactValue[];
    readonly changes: readonly ColumnChange[];
  }
  | {
    readonly kind: "delete";
    readonly key: readonly ExactValue[];
    /** What else must still be as it was. */
    readonly seen: readonly SeenValue[];
  }
  | {
    readonly kind: "insert";
    /** Columns that are not named get their defaults. */
    readonly values: readonly {
      readonly column: string;
      readonly value: ExactValue;
    }[];
  };

/** A table whose rows are changed. */
export interface ChangedTable {
  readonly table: string;
  readonly key: readonly KeyPart[];
}

/** A parameter of a transaction: a value, or what an earlier statement returned. */
export type GuardedStatement = {
  readonly sql: string;
  readonly params: readonly JsonSqlValue[];
};

/** The statements of changes, and which change each of them belongs to. */
export interface ChangeStatements {
  readonly statements: readonly GuardedStatement[];
  /** Statement by statement, the place of its change. */
  readonly changes: readonly number[];
}

/**
 * The statements of one transaction that makes all changes, or none of them: whoever changed a value meanwhile that a
 * change was made for is never overwritten. Each UPDATE and DELETE is followed by a statement that refers to the row it
 * returned, and without that row the transaction ends.
 */
export function changeStatements(
  table: ChangedTable,
  rows: readonly RowChange[],
): ChangeStatements {
  const statements: GuardedStatement[] = [];
  const changes: number[] = [];
  for (const [at, row] of rows.entries()) {
    statements.push(statementOf(table, row));
    changes.push(at);
    if (row.kind === "insert") continue;
    const statement = statements.length - 1;
    statements.push({
      sql: "SELECT ?",
      params: [{ $ref: { statement, column: "hit" } }],
    });
    changes.push(at);
  }
  return { statements, changes };
}

/** The statement of one change. */
export function statementOf(
  { table, key }: ChangedTable,
  row: RowChange,
): BoundSql {
  if (row.kind === "insert") return insertSql(table, row.values);
  if (row.kind === "delete") {
    return joined([
      `DELETE FROM ${quotedName(table)}\nWHERE `,
      guarded(key, row.key, row.seen),
      "\nRETURNING 1 AS hit",
    ]);
  }
  const assignments = row.changes.map(({ column, value }) =>
    joined([`${quotedName(column)} = `, boundValue(value)])
  );
  return joined([
    `UPDATE ${quotedName(table)}\nSET `,
    joined(assignments, ", "),
    "\nWHERE ",
    guarded(key, row.key, row.changes),
    "\nRETURNING 1 AS hit",
  ]);
}

function guarded(
  key: readonly KeyPart[],
  values: readonly ExactValue[],
  seen: readonly SeenValue[],
): BoundSql {
  return joined(
    [
      rowCondition(key, values),
      ...seen.map(({ column, seen }) => stillSql(column, seen)),
    ],
    "\n  AND ",
  );
}

/** Without BINARY, a column that compares without case would hide a change; without the type, 2 that became 2.0. */
function stillSql(column: string, seen: ExactValue): BoundSql {
  const name = quotedName(column);
  if (seen.type === "null") return { sql: `${name} IS NULL`, params: [] };
  return joined([
    `typeof(${name}) = '${seen.type}' AND ${name} COLLATE BINARY = `,
    boundValue(seen),
  ]);
}

function insertSql(
  table: string,
  values: readonly { readonly column: string; readonly value: ExactValue }[],
): BoundSql {
  const into = `INSERT INTO ${quotedName(table)}`;
  if (values.length === 0) return { sql: `${into} DEFAULT VALUES`, params: [] };
  const columns = values.map(({ column }) => quotedName(column)).join(", ");
  return joined([
    `${into} (${columns})\nVALUES (`,
    joined(values.map(({ value }) => boundValue(value)), ", "),
    ")",
  ]);
}

/** The change whose guard found nothing, by the place of the statement that failed; null: the failure is another one. */
export function conflictOf(
  { statements, changes }: ChangeStatements,
  failed: { readonly message: string },
): number | null {
  const found = /Statement (\d+) returned no row/.exec(failed.message);
  if (found === null) return null;
  const statement = Number(found[1]);
  return statements[statement] === undefined ? null : changes[statement]!;
}
