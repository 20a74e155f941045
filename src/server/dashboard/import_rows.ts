import { createHash } from "node:crypto";
import type { JsonDashboardImported } from "../../api/dashboard/sql.ts";
import { HiqliteError } from "../../errors.ts";
import type { Member } from "../../node/port.ts";
import type { LogIndex } from "../../raft/types.ts";
import type { SqlValue } from "../../state/sql/types.ts";

/** A row. */
export interface RowToImport {
  readonly values: readonly SqlValue[];
  /** Which of them are REAL, whatever they look like: 2.0 would be bound as 2. */
  readonly reals: readonly boolean[];
}

/** A batch of rows. */
export interface RowsToImport {
  readonly table: string;
  readonly columns: readonly string[];
  /** Each with as many values as there are columns. */
  readonly rows: readonly RowToImport[];
}

/** What became of a batch. */
export interface ImportedRows {
  /** Null if no row was inserted. */
  readonly index: LogIndex | null;
  readonly bad: JsonDashboardImported["bad"];
}

/** What a single row can be refused for; anything else is wrong with them all. */
const OF_ONE_ROW: ReadonlySet<string> = new Set([
  "constraint",
  "sql",
  "too_large",
]);
/** With more bad rows than this, something is wrong with the batch. */
const BAD_MAX = 100;

/**
 * Inserts rows in one transaction. One that is refused is left out, and the others are tried again, each time under
 * a key of its own that follows from `key`: who repeats the whole repeats each step.
 *
 * @throws {HiqliteError} what is wrong with all of them; nothing is inserted then.
 */
export async function importRows(
  member: Pick<Member, "write">,
  { table, columns, rows }: RowsToImport,
  key: string,
): Promise<ImportedRows> {
  const names = columns.map(quoted).join(", ");
  const into = `INSERT INTO ${quoted(table)} (${names}) VALUES`;
  let left = rows.map(({ values, reals }, row) => ({
    row,
    sql: `${into} (${
      reals.map((real) => real ? "CAST(? AS REAL)" : "?").join(", ")
    })`,
    params: values,
  }));
  const bad: JsonDashboardImported["bad"][number][] = [];
  while (left.length > 0) {
    const { index, result } = await member.write({
      body: {
        kind: "txn",
        statements: left.map(({ sql, params }) => ({ sql, params })),
      },
      idempotencyKey: stepKey(key, bad.length),
    });
    if (result.ok) return { index, bad };
    const { code, message, statement } = result.error;
    const refused = statement === undefined ? undefined : left[statement];
    if (
      refused === undefined || !OF_ONE_ROW.has(code) ||
      isOfAll(bad, code, message)
    ) throw new HiqliteError(code, message);
    bad.push({ row: refused.row, code, message });
    left = left.filter((one) => one !== refused);
  }
  return { index: null, bad };
}

/** What the compiler refuses, it refuses of the first rows alike. */
function isOfAll(
  bad: JsonDashboardImported["bad"],
  code: string,
  message: string,
): boolean {
  const wrongText = code === "sql" && bad.length === 1 && bad[0]!.row === 0 &&
    bad[0]!.message === message;
  return wrongText || bad.length >= BAD_MAX;
}

function stepKey(key: string, step: number): string {
  return createHash("sha256").update(`${step} ${key}`).digest("hex");
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
