import { HiqliteError } from "../../errors.ts";

/** The code of what somebody's call failed with, `internal` for a defect. */
export function codeOf(error: unknown): string {
  return error instanceof HiqliteError ? error.code : "internal";
}
