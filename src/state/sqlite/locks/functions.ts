import type { SqlValue } from "../../sql/types.ts";
import type { FunctionResult, SqliteConnection } from "../driver/driver.ts";
import type { Policy } from "../statement/policy.ts";
import { LOCKS_VIEW, TOKEN_FUNCTION } from "../statement/rules.ts";
import { CLOCK_FUNCTION } from "./schema.ts";

/**
 * Defines what SQL can ask of the locks: `hql_token(name)`, the token of the one holder of a lock, NULL if
 * it has none or several; and the clock of the view `hql_locks`. `clockMs` tells the clock of the
 * entry that runs; null where what is committed is read.
 */
export function defineLockFunctions(
  connection: SqliteConnection,
  policy: Policy,
  clockMs: () => number | null,
): void {
  connection.define(CLOCK_FUNCTION, false, () => {
    const clock = clockMs();
    return clock === null ? null : BigInt(clock);
  });
  const read = connection.prepare(
    `SELECT token FROM main.${LOCKS_VIEW} WHERE name = ? LIMIT 2`,
  )!;
  const tokenOf = (name: SqlValue): FunctionResult => {
    if (typeof name !== "string") return null;
    // SQLite may compile it again here, in the middle of a user's statement.
    const rows = policy.internally(() =>
      read.allBigInt({ anonymous: [name], named: null })
    );
    return rows.length === 1 ? rows[0]![0]! : null;
  };
  connection.define(TOKEN_FUNCTION, false, tokenOf, true);
}
