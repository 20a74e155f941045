import { HiqliteError } from "../../errors.ts";
import type { Answer } from "../../state/answer.ts";

/** Some member could not read the proposal. */
export function tooNew(needed: number, level: number): HiqliteError {
  return new HiqliteError(
    "conflict",
    `This needs feature level ${needed}, and the cluster is at ${level}: some member runs an older release. Upgrade every member first`,
  );
}

/** A later life of the group knows neither the session nor what it was asked. */
export function begunAnew(): HiqliteError {
  return new HiqliteError(
    "no_leader",
    "The write was not applied: its group began anew. Try again",
  );
}

/** Whether the session was unknown: the command was not applied. */
export function isExpired({ refusal }: Answer): boolean {
  return refusal?.code === "session_expired";
}

/** Ends a proposal with a refusal that another attempt would only repeat. @throws {HiqliteError} `overloaded`, `disk_full` */
export function throwIfFinal(reason: string, detail: string): void {
  if (reason === "overloaded") {
    throw new HiqliteError(
      "overloaded",
      `The write was not applied: ${detail}. Try again later`,
    );
  }
  if (reason === "disk_full") {
    throw new HiqliteError("disk_full", `The write was not applied: ${detail}`);
  }
}
