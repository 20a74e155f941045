import { advanceCommit, trackMembers } from "./commitment.ts";
import { votersOf } from "./configuration.ts";
import type { RequestVote, VoteReply } from "./messages.ts";
import { voteResult } from "./quorum.ts";
import { becomeFollower, enterTerm, setLeader } from "./roles.ts";
import {
  appendToLog,
  canCampaign,
  drawElectionTimeout,
  envelope,
  type RaftState,
  saveHardState,
} from "./state.ts";
import { EntryKind, type LogId } from "./types.ts";
import { NO_BYTES } from "../util/bytes.ts";

/** Starts an election. With pre-vote it asks first, unless the leader told this member to campaign. */
export function campaign(state: RaftState, transfer = false): void {
  drawElectionTimeout(state);
  setLeader(state, null);
  state.votes.clear();
  if (state.options.preVote && !transfer) {
    state.role = "precandidate";
    state.votes.set(state.id, true);
    requestVotes(state, true, false);
    countVotes(state);
  } else {
    stand(state, transfer);
  }
}

/** Becomes a candidate of a new term (§5.2). Its own vote counts once it is durable, like any other. */
function stand(state: RaftState, transfer: boolean): void {
  state.votes.clear();
  enterTerm(state, state.term + 1);
  state.role = "candidate";
  state.vote = state.id;
  saveHardState(state);
  state.ownVoteWrite = state.persistence.pendingId;
  requestVotes(state, false, transfer);
}

function requestVotes(
  state: RaftState,
  preVote: boolean,
  transfer: boolean,
): void {
  const { send, sendAfterPersist } = state.outbox;
  const requests = preVote ? send : sendAfterPersist;
  for (const voter of votersOf(state.config)) {
    if (voter === state.id) continue;
    requests.push({
      type: "requestVote",
      from: state.id,
      to: voter,
      term: preVote ? state.term + 1 : state.term,
      lastLog: state.log.last,
      preVote,
      transfer,
    });
  }
}

/** Writes became durable; this member's vote for itself may be among them. */
export function countOwnVote(state: RaftState): void {
  if (state.role !== "candidate") return;
  if (!state.persistence.isDurable(state.ownVoteWrite)) return;
  state.votes.set(state.id, true);
  countVotes(state);
}

/** Whether a vote must be refused in silence because a leader is alive (thesis §4.2.3, §9.6). */
export function isUnderLease(state: RaftState, request: RequestVote): boolean {
  const { checkQuorum, preVote } = state.options;
  if (request.transfer || !(checkQuorum || (preVote && request.preVote))) {
    return false;
  }
  return hasLiveLeader(state);
}

/** Whether a leader was heard within the shortest election timeout. */
export function hasLiveLeader(state: RaftState): boolean {
  const { electionTicks, leaseReads } = state.options;
  if (state.role === "leader") return true;
  // A restarted member has forgotten which leader's lease it supported.
  if (leaseReads && state.ticks < electionTicks) return true;
  return state.leader !== null && !state.leaseLifted &&
    state.electionElapsed < electionTicks;
}

/** Replies to a vote or pre-vote request whose term is not below this member's (§5.2, §5.4.1). */
export function receiveRequestVote(
  state: RaftState,
  request: RequestVote,
): void {
  const free = state.vote === request.from ||
    (state.vote === null && state.leader === null) ||
    (request.preVote && request.term > state.term);
  if (!free || !isUpToDate(state, request.lastLog)) {
    refuseVote(state, request);
    return;
  }
  const { send, sendAfterPersist } = state.outbox;
  if (!request.preVote) {
    state.electionElapsed = 0;
    if (state.vote === null) {
      state.vote = request.from;
      saveHardState(state);
    }
  }
  (request.preVote ? send : sendAfterPersist).push({
    type: "voteReply",
    from: state.id,
    to: request.from,
    term: request.term,
    preVote: request.preVote,
    granted: true,
  });
}

/** Refuses, with this member's term. */
export function refuseVote(state: RaftState, request: RequestVote): void {
  state.outbox.send.push({
    type: "voteReply",
    ...envelope(state, request.from),
    preVote: request.preVote,
    granted: false,
  });
}

function isUpToDate(state: RaftState, last: LogId): boolean {
  const own = state.log.last;
  return last.term > own.term ||
    (last.term === own.term && last.index >= own.index);
}

/** Counts a reply, if it belongs to the campaign under way. */
export function receiveVoteReply(state: RaftState, reply: VoteReply): void {
  const asked = reply.preVote ? "precandidate" : "candidate";
  if (state.role !== asked || state.votes.has(reply.from)) return;
  if (reply.preVote && reply.granted && reply.term !== state.term + 1) return;
  state.votes.set(reply.from, reply.granted);
  countVotes(state);
}

function countVotes(state: RaftState): void {
  const result = voteResult(state.config, state.votes);
  if (result === "lost") becomeFollower(state, state.term, null);
  if (result !== "won") return;
  if (state.role === "precandidate") stand(state, false);
  else becomeLeader(state);
}

/** The leader wants this member to lead: its log is complete, so it campaigns without a pre-vote. */
export function receiveTimeoutNow(state: RaftState): void {
  if (state.role !== "follower" && state.role !== "precandidate") return;
  if (canCampaign(state)) campaign(state, true);
}

/** Begins to lead with an empty entry, so that entries of earlier terms can be committed (§8). */
function becomeLeader(state: RaftState): void {
  state.role = "leader";
  setLeader(state, state.id);
  state.electionElapsed = 0;
  state.heartbeatElapsed = 0;
  state.round = 0;
  state.roundTicks = [];
  state.leaseUntil = 0;
  state.leaseForfeited = false;
  state.transferee = null;
  state.progress.clear();
  trackMembers(state);
  for (const progress of state.progress.values()) {
    progress.next = state.log.lastIndex + 1;
    progress.recentlyActive = false;
  }
  state.termStart = state.log.lastIndex + 1;
  appendToLog(state, {
    index: state.termStart,
    term: state.term,
    kind: EntryKind.noop,
    payload: NO_BYTES,
  });
  advanceCommit(state);
}
