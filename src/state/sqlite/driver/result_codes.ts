import { foundNoRoom } from "../../../util/no_room.ts";
import { type ErrorCode, HiqliteError } from "../../../errors.ts";
import { StateDamagedError } from "../../port.ts";
import type { CommandFailure } from "../../sql/types.ts";
import { SqliteError } from "./driver.ts";
import { shortMessage } from "./short_message.ts";

const SQLITE_BUSY = 5;
const SQLITE_NOMEM = 7;
const SQLITE_READONLY = 8;
const SQLITE_INTERRUPT = 9;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CONSTRAINT = 19;
const SQLITE_AUTH = 23;
const SQLITE_NOTADB = 26;
/** The WAL's index could not grow. */
const SQLITE_IOERR_SHMSIZE = 4874;
const SQLITE_CONSTRAINT_FOREIGNKEY = 787;
const SQLITE_CORRUPT_VTAB = 267;

/** Primary result codes that tell of this machine, not of the data. */
const MACHINE_CODES: ReadonlySet<number> = new Set([
  2, // INTERNAL
  3, // PERM
  SQLITE_BUSY,
  SQLITE_NOMEM,
  SQLITE_READONLY,
  SQLITE_INTERRUPT,
  SQLITE_IOERR,
  SQLITE_CORRUPT,
  SQLITE_FULL,
  14, // CANTOPEN
  15, // PROTOCOL
  22, // NOLFS
  SQLITE_NOTADB,
]);

const MOMENTARY_CODES: ReadonlySet<number> = new Set([
  SQLITE_BUSY,
  SQLITE_NOMEM,
  SQLITE_INTERRUPT,
  SQLITE_IOERR,
  SQLITE_FULL,
]);

/** Whether the error may differ between members, so that it can never be a result. */
export function isMachineError(error: unknown): boolean {
  if (error instanceof HiqliteError) return false;
  if (!(error instanceof SqliteError)) return true;
  return MACHINE_CODES.has(error.primary) &&
    error.code !== SQLITE_CORRUPT_VTAB;
}

/** Whether SQLite says that the disk is full, or that rowids, a sequence or a full-text index are used up. */
export function looksFull(error: unknown): boolean {
  return error instanceof SqliteError && error.primary === SQLITE_FULL;
}

/** The answer of a statement that used something up. */
export const USED_UP: CommandFailure = {
  code: "sql",
  message:
    "Something is used up that the statement needs (SQLITE_FULL, and the disk has room): the rowids of a table, its AUTOINCREMENT, or the segments of a full-text index",
};

/** Whether COMMIT, or a statement, would leave a foreign key without its row. */
export function isForeignKeyError(error: unknown): boolean {
  return error instanceof SqliteError &&
    error.code === SQLITE_CONSTRAINT_FOREIGNKEY;
}

/** What SQLite says of a statement that somebody interrupted. */
export function interruptedError(): SqliteError {
  return new SqliteError("interrupted", SQLITE_INTERRUPT);
}

/**
 * Whether it tells of this machine and this moment: what failed may go well right after. Who looks whether something can
 * be compiled has not learnt that.
 */
export function isMomentary(error: unknown): boolean {
  return error instanceof SqliteError && MOMENTARY_CODES.has(error.primary);
}

/** Whether somebody interrupted the statement. */
export function isInterrupt(error: unknown): boolean {
  return error instanceof SqliteError && error.primary === SQLITE_INTERRUPT;
}

/** Whether SQLite had no memory left. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof SqliteError && error.primary === SQLITE_NOMEM;
}

/** What a machine's error means for the member: `disk_full`, also for lack of memory, passes, damage stays, the rest is as it was. */
export function stateFailure(error: unknown): unknown {
  if (error instanceof SqliteError) {
    const { code, primary, message } = error;
    if (isOutOfMemory(error)) return noRoomFor(error);
    if (primary === SQLITE_FULL || code === SQLITE_IOERR_SHMSIZE) {
      return noRoom(error);
    }
    if (isDamage(error)) {
      return new StateDamagedError(
        `The database is damaged: ${message} (SQLite ${code})`,
        { cause: error },
      );
    }
  }
  return foundNoRoom(error) ? noRoom(error) : error;
}

/** Whether SQLite found its file damaged; a virtual table's own damage is the data's. */
function isDamage({ code, primary }: SqliteError): boolean {
  return primary === SQLITE_NOTADB ||
    (primary === SQLITE_CORRUPT && code !== SQLITE_CORRUPT_VTAB);
}

/** What an error of a query means for its caller; `refusal` is the authorizer's reason, if it had one. */
export function readFailure(error: unknown, refusal: string | null): unknown {
  if (!(error instanceof SqliteError)) return error;
  if (isDamage(error)) return stateFailure(error);
  const failed = (code: ErrorCode, message: string): HiqliteError =>
    new HiqliteError(code, shortMessage(message, false), { cause: error });
  if (refusal !== null) return failed("forbidden", refusal);
  switch (error.primary) {
    case SQLITE_AUTH:
      return failed("forbidden", error.message);
    case SQLITE_READONLY:
      return failed("forbidden", "A query may not write; use execute");
    case SQLITE_NOMEM:
      return failed(
        "too_large",
        "The query needs more memory than SQLite may use; ask for less at a time",
      );
    case SQLITE_FULL:
      return failed(
        "too_large",
        "The query needs more temporary space than the disk has; ask for less at a time",
      );
    default:
      return failed(isMachineError(error) ? "storage" : "sql", error.message);
  }
}

/** Queries take of the same memory, so there will be some again, as on a disk. */
function noRoomFor(cause: SqliteError): HiqliteError {
  return new HiqliteError(
    "disk_full",
    `SQLite has no memory left for the database: ${cause.message}`,
    { cause },
  );
}

function noRoom(cause: unknown): HiqliteError {
  return new HiqliteError(
    "disk_full",
    `The database has no room: ${(cause as Error).message}`,
    { cause },
  );
}

/** The answer that an error is, in few words; the reasons come from the authorizer and from overridden functions. */
export function failureOf(
  error: HiqliteError | SqliteError,
  reasons: {
    readonly refusal: string | null;
    readonly function: string | null;
  },
): CommandFailure {
  const { code, message } = wholeFailure(error, reasons);
  return { code, message: shortMessage(message, code === "constraint") };
}

function wholeFailure(
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
  if (error.primary === SQLITE_AUTH && reasons.function === null) {
    return { code: "forbidden", message: error.message };
  }
  const code = error.primary === SQLITE_CONSTRAINT ? "constraint" : "sql";
  return { code, message: reasons.function ?? error.message };
}
