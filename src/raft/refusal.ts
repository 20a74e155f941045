import type { Outcome, RaftRefusal } from "./io.ts";
import type { RaftState } from "./state.ts";

/** The outcome of an input that had no effect, with the leader to ask instead. */
export function refuse(
  state: RaftState,
  reason: RaftRefusal,
  detail: string,
): Outcome {
  return { kind: "refused", reason, detail, leader: state.leader };
}
