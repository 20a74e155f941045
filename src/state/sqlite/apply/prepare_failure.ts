import {
  PrepareFailedError,
  type PrepareRefusal,
  StateDamagedError,
} from "../../port.ts";
import { SqliteError } from "../driver/driver.ts";
import {
  isInterrupt,
  isOutOfMemory,
  looksFull,
  stateFailure,
} from "../driver/result_codes.ts";

/**
 * Why an entry that failed while it was prepared must be kept out of the log; null if the
 * error tells of this machine. What only goes wrong inside the program, such as a string that
 * is too long for JavaScript, would go wrong on every member. `hasRoom` asks the file system: SQLite
 * says that it is full also when a bound is reached.
 */
function refusalOf(
  error: unknown,
  hasRoom: () => boolean,
): PrepareRefusal | null {
  if (error instanceof SqliteError) {
    if (looksFull(error)) return hasRoom() ? "too_large" : null;
    if (isOutOfMemory(error)) return "too_large";
    return isInterrupt(error) ? "timeout" : null;
  }
  if (error instanceof StateDamagedError) return null;
  if (stateFailure(error) !== error) return null;
  return error instanceof RangeError ? "too_large" : "internal";
}

/** What it means that the entry at place `at` of a preparation failed; null if the error tells of this machine. */
export function prepareFailure(
  error: unknown,
  at: number,
  { hasRoom, growthBytesMax }: {
    readonly hasRoom: () => boolean;
    readonly growthBytesMax: number;
  },
): PrepareFailedError | null {
  const refusal = refusalOf(error, hasRoom);
  if (refusal === null) return null;
  const { message } = error as Error;
  if (refusal !== "too_large") {
    return new PrepareFailedError(refusal, message, at);
  }
  // All entries before it may have had their part in it.
  return new PrepareFailedError(
    refusal,
    `${message}: one write may make the database grow by ${growthBytesMax} bytes (write_bytes_max), and use up neither memory nor an index`,
    at === 0 ? 0 : null,
  );
}
