import { HiqliteError } from "../errors.ts";

/** Why a member refuses everything at present; null if it does not. */
export function whyRefusing(
  { failed, stopping, rebuilding }: {
    readonly failed: Error | null;
    readonly stopping: boolean;
    readonly rebuilding: boolean;
  },
): HiqliteError | null {
  if (failed !== null) {
    return new HiqliteError("storage", failed.message, { cause: failed });
  }
  if (stopping) {
    return new HiqliteError("shutting_down", "This member is stopping");
  }
  return rebuilding
    ? new HiqliteError(
      "no_leader",
      "This member is being rebuilt from the others: ask another one",
    )
    : null;
}
