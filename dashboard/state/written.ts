import { type ReadonlySignal, signal } from "@preact/signals";
import { ApiError } from "../api.ts";

const index = signal(0);

/** The log index of the newest write from this tab: what is read afterwards contains it. */
export const newestWrite: ReadonlySignal<number> = index;

/** A write from this tab was applied there. */
export function wrote(at: number): void {
  index.value = Math.max(index.value, at);
}

/** What is told of a write that failed: of one without an answer nobody knows whether it was applied. */
export function writeError(error: unknown): unknown {
  return error instanceof ApiError && error.code === "unreachable"
    ? new ApiError("outcome_unknown", error.message, error.status)
    : error;
}

/** Whether a write may have been applied all the same: the leader was lost, or the answer. The same attempt can be asked for again. */
export function mayHaveWritten(error: unknown): boolean {
  return error instanceof ApiError && error.code === "outcome_unknown";
}
