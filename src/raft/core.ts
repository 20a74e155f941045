import { assert, unreachable } from "../util/assert.ts";
import type { Random } from "../util/random.ts";
import { advanceCommit } from "./commitment.ts";
import { isVoter, votersOf } from "./configuration.ts";
import {
  campaign,
  countOwnVote,
  hasLiveLeader,
  isUnderLease,
  receiveRequestVote,
  receiveTimeoutNow,
  receiveVoteReply,
  refuseVote,
} from "./election.ts";
import {
  answerStaleHeartbeat,
  receiveAppend,
  receiveHeartbeat,
  rejectStaleAppend,
} from "./following.ts";
import type { Input, Outcome, RaftInit, RaftStatus, Ready } from "./io.ts";
import type { RaftOptions } from "./options.ts";
import { changeMembership } from "./membership.ts";
import type { Message } from "./messages.ts";
import { assertOptions } from "./options.ts";
import {
  endLease,
  expireReads,
  needsReadRound,
  receiveReadIndexReply,
  receiveReadIndexRequest,
  requestRead,
  startReadRound,
} from "./read_index.ts";
import { refuse } from "./refusal.ts";
import {
  broadcastHeartbeat,
  checkQuorum,
  hasReplicationDue,
  receiveAppendReply,
  receiveHeartbeatReply,
  replicate,
} from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import {
  receiveSnapshot,
  snapshotInstalled,
  snapshotSent,
} from "./snapshots.ts";
import { appendToLog, canCampaign, RaftState } from "./state.ts";
import { statusOf } from "./status.ts";
import { tickTransfer, transferLeadership } from "./transfer.ts";
import {
  type Configuration,
  EntryKind,
  type LogIndex,
  type MemberId,
  type Role,
  type Term,
} from "./types.ts";

const DONE: Outcome = Object.freeze({ kind: "done" });

/**
 * One member's part in Raft (Ongaro & Ousterhout 2014, and Ongaro's thesis), as
 * a function of its inputs: no I/O, no clock, no timers, nothing asynchronous.
 * Call `step` with an input, then `takeReady` for the work it leads to. The core
 * calls nothing by itself.
 */
export class RaftCore {
  // Not #private: the state explorer of the tests copies cores.
  private readonly state: RaftState;

  /** Starts as a follower from what was durable. */
  constructor(init: RaftInit, options: RaftOptions, random: Random) {
    assertOptions(options);
    this.state = new RaftState(init, options, random);
  }

  /** What this member is at the moment. */
  get role(): Role {
    return this.state.role;
  }
  /** The highest term seen. */
  get term(): Term {
    return this.state.term;
  }
  /** The leader of this term, as far as this member knows. */
  get leader(): MemberId | null {
    return this.state.leader;
  }
  /** Everything up to here is committed. */
  get commit(): LogIndex {
    return this.state.commit;
  }
  /** Whether a received snapshot is about to take the place of the log. */
  get installing(): boolean {
    return this.state.installing !== null;
  }
  /** Whether another member is to take over: nothing is appended meanwhile. */
  get transferring(): boolean {
    return this.state.transferee !== null;
  }
  /** The last entry's position. */
  get lastIndex(): LogIndex {
    return this.state.log.lastIndex;
  }
  /** Every configuration that is, or may again come, into effect, oldest first. */
  get configs(): readonly Configuration[] {
    return this.state.configs.all;
  }

  /** The configuration in effect: the latest in the log, committed or not. */
  get config(): Configuration {
    return this.state.config;
  }

  /**
   * Takes one input in.
   * @throws {AssertionError} if an invariant is broken; the core must not be used any more.
   * @throws {ContradictionError} if the leader has another entry where this member's is committed; likewise.
   */
  step(input: Input): Outcome {
    const { state } = this;
    switch (input.kind) {
      case "tick":
        tick(state);
        break;
      case "stalled":
        endLease(state);
        break;
      case "message":
        receive(state, input.message);
        break;
      case "propose":
        return propose(state, input.payloads);
      case "changeMembership":
        return changeMembership(state, input.change);
      case "transferLeadership":
        return transferLeadership(state, input.target);
      case "readIndex":
        requestRead(state, input.requestId);
        break;
      case "holdCommits":
        state.commitsHeld = input.held;
        break;
      case "campaign":
        return campaignNow(state);
      case "leaderUnreachable":
        hurryElection(state);
        break;
      case "persisted":
        state.persistence.complete(input.id);
        countOwnVote(state);
        if (state.role === "leader") advanceCommit(state);
        break;
      case "applied":
        assert(
          input.index <= state.commit,
          `applied ${input.index} beyond the commit index ${state.commit}`,
        );
        state.applied = Math.max(state.applied, input.index);
        break;
      case "purged":
        assert(
          input.index <= state.applied,
          `purged ${input.index} beyond the applied index ${state.applied}`,
        );
        state.log.purge(input.index);
        break;
      case "unreachable": {
        const progress = state.progress.get(input.member);
        if (progress?.state === "replicate") {
          progress.probeFrom(progress.match + 1);
        }
        break;
      }
      case "linkBroke":
        state.progress.get(input.member)?.forget();
        break;
      case "snapshotSent":
        snapshotSent(state, input);
        break;
      case "snapshotInstalled":
        snapshotInstalled(state, input.snapshot);
        break;
      default:
        unreachable(input);
    }
    return DONE;
  }

  /** Whether {@linkcode takeReady} has something to do. */
  hasReady(): boolean {
    const { state } = this;
    return state.persistence.pending ||
      state.outbox.pending(applicable(state)) ||
      needsReadRound(state) || hasReplicationDue(state);
  }

  /** Hands out what is to be done now. Replication is decided here, so that proposals share messages. */
  takeReady(): Ready {
    const { state } = this;
    if (needsReadRound(state)) startReadRound(state);
    replicate(state);
    return state.outbox.take(
      state.persistence.take(state.log.lastIndex),
      applicable(state),
    );
  }

  /** A view for status pages, tests and invariant checks; builds new objects. */
  status(): RaftStatus {
    return statusOf(this.state);
  }
}

/** The highest index that may be applied. Beyond the durable log, a crash could leave a state machine that is ahead of its own log. */
function applicable(state: RaftState): LogIndex {
  return Math.min(state.commit, state.persistence.durable);
}

function tick(state: RaftState): void {
  state.ticks++;
  state.electionElapsed++;
  expireReads(state);
  if (state.role === "leader") {
    tickLeader(state);
  } else if (
    state.electionElapsed >= state.electionTimeout && canCampaign(state)
  ) {
    campaign(state);
  }
}

function tickLeader(state: RaftState): void {
  const { options } = state;
  tickTransfer(state);
  if (state.electionElapsed >= options.electionTicks) {
    state.electionElapsed = 0;
    if (!checkQuorum(state) && options.checkQuorum) {
      becomeFollower(state, state.term, null);
      return;
    }
  }
  if (++state.heartbeatElapsed >= options.heartbeatTicks) {
    broadcastHeartbeat(state);
  }
}

function receive(state: RaftState, message: Message): void {
  if (message.to !== state.id || message.from === state.id) return;
  if (message.type === "requestVote" && message.term > state.term) {
    if (isUnderLease(state, message)) return;
  }
  if (message.term < state.term) {
    answerStale(state, message);
    return;
  }
  if (message.term > state.term && !isHypothetical(message)) {
    becomeFollower(state, message.term, null);
  }
  dispatch(state, message);
}

/** A pre-vote request and its granted reply name a term that no member has entered. */
function isHypothetical(message: Message): boolean {
  return message.type === "requestVote" && message.preVote ||
    message.type === "voteReply" && message.preVote && message.granted;
}

/** A sender with an older term learns the present one, and so steps down. */
function answerStale(state: RaftState, message: Message): void {
  switch (message.type) {
    case "requestVote":
      refuseVote(state, message);
      break;
    case "appendEntries":
      rejectStaleAppend(state, message);
      break;
    case "heartbeat":
      answerStaleHeartbeat(state, message);
      break;
    case "readIndex":
      receiveReadIndexRequest(state, message);
  }
}

function dispatch(state: RaftState, message: Message): void {
  switch (message.type) {
    case "requestVote":
      receiveRequestVote(state, message);
      break;
    case "voteReply":
      receiveVoteReply(state, message);
      break;
    case "appendEntries":
      receiveAppend(state, message);
      break;
    case "appendReply":
      receiveAppendReply(state, message);
      break;
    case "heartbeat":
      receiveHeartbeat(state, message);
      break;
    case "heartbeatReply":
      receiveHeartbeatReply(state, message);
      break;
    case "readIndex":
      receiveReadIndexRequest(state, message);
      break;
    case "readIndexReply":
      receiveReadIndexReply(state, message);
      break;
    case "timeoutNow":
      receiveTimeoutNow(state);
      break;
    case "snapshotReceived":
      receiveSnapshot(state, message);
      break;
    default:
      unreachable(message);
  }
}

function propose(state: RaftState, payloads: readonly Uint8Array[]): Outcome {
  if (state.role !== "leader") {
    return refuse(state, "not_leader", "only a leader takes proposals");
  }
  if (payloads.length === 0) {
    return refuse(state, "invalid", "nothing was proposed");
  }
  if (state.transferee !== null) {
    return refuse(
      state,
      "transferring",
      `leadership goes to ${state.transferee}`,
    );
  }
  if (!isVoter(state.config, state.id)) {
    return refuse(
      state,
      "transferring",
      "this leader leaves the configuration",
    );
  }
  const { log, term, options } = state;
  const uncommitted = log.bytesBetween(state.commit, log.lastIndex);
  let bytes = uncommitted;
  for (const payload of payloads) bytes += payload.length;
  if (uncommitted > 0 && bytes > options.maxUncommittedBytes) {
    return refuse(
      state,
      "overloaded",
      `${bytes} bytes would be uncommitted, the limit is ${options.maxUncommittedBytes}`,
    );
  }
  const first = log.lastIndex + 1;
  for (const payload of payloads) {
    const index = log.lastIndex + 1;
    appendToLog(state, { index, term, kind: EntryKind.command, payload });
  }
  return { kind: "appended", first: { term, index: first } };
}

function campaignNow(state: RaftState): Outcome {
  if (state.role === "leader") return DONE;
  const problem = !canCampaign(state)
    ? "this member is no voter, or a snapshot is being installed"
    : state.options.leaseReads && hasLiveLeader(state)
    ? "the leader's lease runs"
    : null;
  if (problem !== null) {
    return refuse(state, "invalid", problem);
  }
  campaign(state);
  return DONE;
}

/**
 * The connection to the leader broke: grant other members' pre-votes, and start
 * one soon. A lease is a promise not to vote, so with lease reads nothing changes.
 */
function hurryElection(state: RaftState): void {
  const { preVote, leaseReads, heartbeatTicks } = state.options;
  if (state.role !== "follower" || state.leader === null) return;
  if (!preVote || leaseReads) return;
  state.leaseLifted = true;
  // Staggered: all members notice at the same moment, and would split the vote.
  const others = votersOf(state.config).filter((id) => id !== state.leader);
  const wait = 1 + Math.max(0, others.indexOf(state.id)) * heartbeatTicks;
  state.electionElapsed = Math.max(
    state.electionElapsed,
    state.electionTimeout - wait,
  );
}
