import { HiqliteError } from "../../../errors.ts";
import type { SqlValue } from "../../sql/types.ts";
import { sizeOf } from "../../sql/values.ts";
import type { Bindings, SqliteRow, SqliteStatement } from "../driver/driver.ts";
import type { ReadLimits } from "./query_codec.ts";

/** Rows as they come. @throws {HiqliteError} `too_large` when there are too many, or they are too large. */
export function* boundedRows(
  statement: SqliteStatement,
  bindings: Bindings,
  { maxRows, maxBytes }: ReadLimits,
): Generator<SqliteRow> {
  let rows = 0;
  let bytes = 0;
  const spend = (value: SqlValue): void => {
    bytes += sizeOf(value);
    if (bytes <= maxBytes) return;
    throw new HiqliteError(
      "too_large",
      `The answer has more than ${maxBytes} bytes`,
    );
  };
  for (const row of statement.rows(bindings, spend)) {
    if (++rows > maxRows) {
      throw new HiqliteError(
        "too_large",
        `The answer has more than ${maxRows} rows`,
      );
    }
    yield row;
  }
}
