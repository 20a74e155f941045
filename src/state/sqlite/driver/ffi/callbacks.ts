import type { SqlValue } from "../../../sql/types.ts";
import {
  type Authorizer,
  FAIL,
  type FunctionResult,
  SqliteError,
} from "../driver.ts";
import { cText, type Pointer, type Sqlite, textAt } from "./library.ts";
import { giveResult, readArgument } from "./values.ts";

const SQLITE_OK = 0;
const SQLITE_DENY = 1;
const ADDRESS_BYTES = 8;

const AUTHORIZER = {
  parameters: ["pointer", "i32", "pointer", "pointer", "pointer", "pointer"],
  result: "i32",
} as const;

const FUNCTION = {
  parameters: ["pointer", "i32", "pointer"],
  result: "void",
} as const;

/** JavaScript that SQLite calls; to be closed when its connection is. */
export type Callback = Pick<Deno.UnsafeCallback, "close">;

/** An authorizer as SQLite calls it; one that throws denies. */
export function authorizerCallback(
  authorizer: Authorizer,
): Deno.UnsafeCallback<typeof AUTHORIZER> {
  return new Deno.UnsafeCallback(
    AUTHORIZER,
    (_data, action, first, second, database, trigger) => {
      try {
        const allowed = authorizer(
          action,
          textOrNull(first),
          textOrNull(second),
          textOrNull(database),
          textOrNull(trigger),
        );
        return allowed ? SQLITE_OK : SQLITE_DENY;
      } catch {
        return SQLITE_DENY;
      }
    },
  );
}

const FAILED = cText("The function failed");

/** A function as SQLite calls it; one that throws fails its statement. */
export function functionCallback(
  sqlite: Sqlite,
  call: (...args: SqlValue[]) => FunctionResult,
): Deno.UnsafeCallback<typeof FUNCTION> {
  return new Deno.UnsafeCallback(FUNCTION, (context, count, values) => {
    try {
      const result = call(...argumentsAt(sqlite, values, count));
      if (result !== FAIL) return giveResult(sqlite, context!, result);
    } catch (error) {
      // What was thrown cannot pass through SQLite, but the code of what failed within can.
      if (error instanceof SqliteError) {
        sqlite.sqlite3_result_error(context!, cText(error.message), -1);
        return sqlite.sqlite3_result_error_code(context!, error.code);
      }
    }
    sqlite.sqlite3_result_error(context!, FAILED, -1);
  });
}

function argumentsAt(
  sqlite: Sqlite,
  values: Deno.PointerValue,
  count: number,
): SqlValue[] {
  if (count === 0) return [];
  const view = new Deno.UnsafePointerView(values!);
  const args: SqlValue[] = [];
  for (let i = 0; i < count; i++) {
    const value = view.getPointer(i * ADDRESS_BYTES) as Pointer;
    args.push(readArgument(sqlite, value));
  }
  return args;
}

function textOrNull(pointer: Deno.PointerValue): string | null {
  return pointer === null ? null : textAt(pointer);
}
