import { HiqliteError } from "../../errors.ts";
import { LOCK_LIMITS, type LockAnswer } from "../../state/locks/types.ts";

/** The error of an answer that is none of what was asked for. */
export function refusedLock(answer: LockAnswer, name: string): HiqliteError {
  const lock = `The lock ${JSON.stringify(name)}`;
  switch (answer.kind) {
    case "held": {
      const { owner, waiting } = answer;
      const by = owner === "" ? "" : ` by ${JSON.stringify(owner)}`;
      return new HiqliteError(
        "lock_held",
        `${lock} is held${by}, and ${waiting} wait for it`,
      );
    }
    case "lost":
      return new HiqliteError(
        "lock_lost",
        `${lock} was not granted: the lease is over, or the grant was not claimed in time`,
      );
    case "mismatch":
      return new HiqliteError(
        "conflict",
        `${lock} is in use with another limit, ${answer.limit} (65536: as a lock for one writer or many readers). All who ask for it at a time must give the same`,
      );
    case "full":
      return new HiqliteError(
        "overloaded",
        `There is no room for more locks: the limit of ${answer.what} is ${
          LOCK_LIMITS[answer.what]
        }`,
      );
    default:
      return new HiqliteError(
        "internal",
        `${lock}: unexpected answer ${answer.kind}`,
      );
  }
}
