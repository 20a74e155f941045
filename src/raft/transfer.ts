import type { Outcome } from "./io.ts";
import { refuse } from "./refusal.ts";
import { envelope, type RaftState } from "./state.ts";
import type { LogIndex, MemberId } from "./types.ts";

const DONE: Outcome = { kind: "done" };

/** Leaders: begins to hand over leadership (thesis §3.10). */
export function transferLeadership(
  state: RaftState,
  wanted: MemberId | null,
): Outcome {
  if (state.role !== "leader") {
    return refuse(state, "not_leader", "only a leader can hand over");
  }
  const target = wanted ?? bestSuccessor(state);
  if (target === null) {
    return refuse(state, "invalid", "there is no other voter");
  }
  if (target === state.id || target === state.transferee) return DONE;
  if (!state.config.voters.includes(target)) {
    return refuse(
      state,
      "invalid",
      `${target} is not a voter: promote it first`,
    );
  }
  state.transferee = target;
  state.transferElapsed = 0;
  finishTransfer(state);
  return DONE;
}

/** The other voter that has most of the log; voters that respond come first. */
export function bestSuccessor(state: RaftState): MemberId | null {
  let best: MemberId | null = null;
  let bestMatch: LogIndex = -1;
  let bestActive = false;
  for (const member of state.config.voters) {
    const progress = state.progress.get(member);
    if (progress === undefined) continue;
    const { match, recentlyActive } = progress;
    const better = recentlyActive === bestActive
      ? match > bestMatch
      : recentlyActive;
    if (best !== null && !better) continue;
    best = member;
    bestMatch = match;
    bestActive = recentlyActive;
  }
  return best;
}

/** Leaders: once the target has the whole log, it may campaign. */
export function finishTransfer(state: RaftState): void {
  if (state.transferee === null) return;
  const progress = state.progress.get(state.transferee);
  if (progress?.match !== state.log.lastIndex) return;
  tellToCampaign(state, state.transferee);
}

/** Leaders: lets a member campaign although this leader is alive. */
export function tellToCampaign(state: RaftState, member: MemberId): void {
  state.leaseForfeited = true;
  state.outbox.send.push({ type: "timeoutNow", ...envelope(state, member) });
}

/** Leaders: gives up a transfer that takes longer than an election timeout. */
export function tickTransfer(state: RaftState): void {
  if (state.transferee === null) return;
  if (++state.transferElapsed >= state.options.electionTicks) {
    state.transferee = null;
  }
}
