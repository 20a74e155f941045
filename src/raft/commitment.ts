import { assert } from "../util/assert.ts";
import {
  encodeConfiguration,
  isJoint,
  isVoter,
  leaveJoint,
  membersOf,
} from "./configuration.ts";
import { sendHeartbeat } from "./heartbeat.ts";
import { Progress } from "./progress.ts";
import { quorumValue } from "./quorum.ts";
import { recheckReads, releaseEarlyReads } from "./read_index.ts";
import { becomeFollower } from "./roles.ts";
import { appendToLog, type RaftState } from "./state.ts";
import { bestSuccessor, tellToCampaign } from "./transfer.ts";
import { type Configuration, EntryKind, type LogIndex } from "./types.ts";

/** Raises the commit index; it never falls and never leaves the log. */
export function commitTo(state: RaftState, index: LogIndex): void {
  if (index <= state.commit) return;
  assert(
    index <= state.log.lastIndex,
    `commit ${index} beyond the log's end ${state.log.lastIndex}`,
  );
  state.commit = index;
  state.configs.foldTo(index);
}

/**
 * Leaders: commits what a quorum has on disk, if its last entry is of this
 * leader's term (§5.4.2, figure 8). Then continues the reads and the membership
 * change that waited for it.
 */
export function advanceCommit(state: RaftState): void {
  const index = quorumValue(
    state.config,
    (member) =>
      member === state.id
        ? state.persistence.durable
        : state.progress.get(member)?.match ?? 0,
  );
  if (index <= state.commit || state.log.termAt(index) !== state.term) return;
  commitTo(state, index);
  releaseEarlyReads(state);
  if (state.configs.latest.index > state.commit) return;
  if (isJoint(state.config)) {
    appendConfiguration(state, leaveJoint(state.config));
  } else if (!isVoter(state.config, state.id)) {
    stepAside(state);
  }
}

/** Leaders: appends a configuration, which takes effect at once (§6). */
export function appendConfiguration(
  state: RaftState,
  config: Configuration,
): LogIndex {
  const index = state.log.lastIndex + 1;
  appendToLog(state, {
    index,
    term: state.term,
    kind: EntryKind.config,
    payload: encodeConfiguration(config),
  });
  state.configs.push(index, config);
  trackMembers(state);
  advanceCommit(state);
  if (state.role === "leader") recheckReads(state);
  return index;
}

/** Leaders: one progress for each other member of the configuration. */
export function trackMembers(state: RaftState): void {
  const before = state.progress;
  state.progress = new Map();
  for (const member of membersOf(state.config)) {
    if (member === state.id) continue;
    const known = before.get(member);
    const progress = known ?? new Progress(state.log.lastIndex);
    // A new member has one election timeout to reply.
    if (known === undefined) progress.recentlyActive = true;
    state.progress.set(member, progress);
  }
}

/** The configuration without this leader is committed: tell everyone and hand over (§6). */
function stepAside(state: RaftState): void {
  for (const [member, progress] of state.progress) {
    sendHeartbeat(state, member, progress);
  }
  const successor = bestSuccessor(state);
  if (successor !== null) tellToCampaign(state, successor);
  becomeFollower(state, state.term, null);
}
