import { HiqliteError } from "../../../errors.ts";

/** Why a file is not imported. */
export function refusal(source: string, reason: string): HiqliteError {
  return new HiqliteError(
    "invalid",
    `${source} cannot be imported: ${reason}`,
  );
}
