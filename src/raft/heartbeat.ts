import type { Progress } from "./progress.ts";
import { envelope, type RaftState } from "./state.ts";
import type { MemberId } from "./types.ts";

/** Sends a heartbeat of the present round; it tells the commit index as far as the member is known to have the log. */
export function sendHeartbeat(
  state: RaftState,
  to: MemberId,
  progress: Progress,
): void {
  const commit = Math.min(state.commit, progress.match);
  progress.sentCommit = Math.max(progress.sentCommit, commit);
  state.outbox.send.push({
    type: "heartbeat",
    ...envelope(state, to),
    commit,
    round: state.round,
    clockMs: 0,
  });
}
