import type { RaftStatus } from "./io.ts";
import type { RaftState } from "./state.ts";

/** A copy of what outsiders may see. */
export function statusOf(state: RaftState): RaftStatus {
  const { index, config } = state.configs.latest;
  return {
    id: state.id,
    role: state.role,
    term: state.term,
    vote: state.vote,
    leader: state.leader,
    commit: state.commit,
    applied: state.applied,
    last: state.log.last,
    base: state.log.base,
    config,
    configIndex: index,
    transferee: state.transferee,
    progress: Array.from(state.progress, ([member, progress]) => ({
      member,
      match: progress.match,
      next: progress.next,
      state: progress.state,
      recentlyActive: progress.recentlyActive,
    })),
  };
}
