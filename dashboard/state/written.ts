import { type ReadonlySignal, signal } from "@preact/signals";
import { ApiError } from "../api.ts";

/** The status when a body did not arrive in time. */
export const BODY_LATE = 408;

const index = signal(0);

/** The log index of the newest write from this tab: what is read afterwards contains it. */
export const newestWrite: ReadonlySignal<number> = index;

/** A write from this tab was applied there. */
export function wrote(at: number): void {
  index.value = Math.max(index.value, at);
}

/**
 * What is told of a write that failed: of one without an answer nobody knows whether it was applied. If it was asked for
 * once more since nobody knew, an answer that does not say it leaves that as it was, or the next attempt would be a second write.
 */
export function writeError(error: unknown, isAgain: boolean): unknown {
  if (!(error instanceof ApiError)) return error;
  if (error.code === "unreachable") {
    return new ApiError("outcome_unknown", error.message, error.status);
  }
  if (!isAgain || mayHaveWritten(error) || isDecided(error)) return error;
  return new ApiError(
    "outcome_unknown",
    `${error.message}. Whether the attempt before was applied is still not known`,
    error.status,
  );
}

/** Whether a write may have been applied all the same: the leader was lost, or the answer. The same attempt can be asked for again. */
export function mayHaveWritten(error: unknown): boolean {
  return error instanceof ApiError && error.code === "outcome_unknown";
}

/** Answers that come before anybody looks whether a write was applied under its key already. */
const TOO_EARLY: ReadonlySet<string> = new Set([
  "unauthorized",
  "forbidden",
  "no_leader",
  "overloaded",
  "disk_full",
  "shutting_down",
  "session_expired",
  "storage",
  "internal",
]);

/** Whether an answer to a write that is asked for once more says what became of it. */
function isDecided(error: ApiError): boolean {
  return refusedOne(error) !== null ||
    !TOO_EARLY.has(error.code) && error.status !== BODY_LATE;
}

/** Which statement of a write was refused, from 0; null if it is not said. */
export function refusedOne(error: unknown): number | null {
  if (!(error instanceof ApiError)) return null;
  const { error: told } = (error.body ?? {}) as {
    readonly error?: { readonly statement?: unknown };
  };
  return typeof told?.statement === "number" ? told.statement : null;
}
