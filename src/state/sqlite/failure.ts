import { HiqliteError } from "../../errors.ts";
import type { CommandFailure } from "../types.ts";
import { SqliteError } from "./driver.ts";

const SQLITE_CONSTRAINT = 19;
const SQLITE_AUTH = 23;
const SQLITE_CORRUPT_VTAB = 267;

/** Primary result codes that tell of this machine, not of the data: INTERNAL PERM BUSY NOMEM READONLY INTERRUPT IOERR CORRUPT FULL CANTOPEN PROTOCOL NOLFS NOTADB. */
const MACHINE_CODES: ReadonlySet<number> = new Set([
  2,
  3,
  5,
  7,
  8,
  9,
  10,
  11,
  13,
  14,
  15,
  22,
  26,
]);

/** Whether the error may differ between members, so that it can never be a result. */
export function isMachineError(error: unknown): boolean {
  if (error instanceof HiqliteError) return false;
  if (!(error instanceof SqliteError)) return true;
  return MACHINE_CODES.has(error.primary) &&
    error.code !== SQLITE_CORRUPT_VTAB;
}

/** The answer that an error is; the reasons come from the authorizer and from overridden functions. */
export function failureOf(
  error: HiqliteError | SqliteError,
  reasons: {
    readonly refusal: string | null;
    readonly function: string | null;
  },
): CommandFailure {
  if (error instanceof HiqliteError) {
    return {
      code: error.code as CommandFailure["code"],
      message: error.message,
    };
  }
  if (reasons.refusal !== null) {
    return { code: "forbidden", message: reasons.refusal };
  }
  if (reasons.function !== null) {
    return { code: "sql", message: reasons.function };
  }
  if (error.primary === SQLITE_AUTH) {
    return { code: "forbidden", message: error.message };
  }
  const code = error.primary === SQLITE_CONSTRAINT ? "constraint" : "sql";
  return { code, message: error.message };
}
