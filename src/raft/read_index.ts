import { isVoter } from "./configuration.ts";
import { sendHeartbeat } from "./heartbeat.ts";
import type {
  HeartbeatReply,
  ReadIndexReply,
  ReadIndexRequest,
} from "./messages.ts";
import { isQuorum, quorumValue } from "./quorum.ts";
import { type LeaderRead, MAX_WAITING_READS } from "./read_queues.ts";
import { committedInTerm, envelope, type RaftState } from "./state.ts";
import type { MemberId } from "./types.ts";

/** A linearizable read was asked for on this member (thesis §6.4). */
export function requestRead(state: RaftState, requestId: number): void {
  if (state.role === "leader") {
    readOnLeader(state, state.id, requestId);
    return;
  }
  const { reads } = state;
  if (state.leader === null || reads.queued.length >= MAX_WAITING_READS) {
    state.outbox.reads.push({ requestId, index: null });
    return;
  }
  reads.queued.push(requestId);
  if (reads.forwarded === null) forwardQueued(state);
}

/** A follower asks for the index that its reads must wait for. */
export function receiveReadIndexRequest(
  state: RaftState,
  message: ReadIndexRequest,
): void {
  const { from, requestId } = message;
  if (state.role !== "leader") answer(state, from, requestId, null);
  else if (isConfirmedBy(state, message)) {
    answer(state, from, requestId, state.commit);
  } else readOnLeader(state, from, requestId);
}

/**
 * Whether the question answers itself: whoever asks in this leader's term had voted for no
 * later one when it asked, which was after its reads came. If it and the leader are a
 * quorum, no later leader had committed anything by then, and a round would tell no more.
 */
function isConfirmedBy(
  state: RaftState,
  { from, term }: ReadIndexRequest,
): boolean {
  return term === state.term && committedInTerm(state) &&
    isQuorum(state.config, (voter) => voter === state.id || voter === from);
}

/** The leader's reply for the reads of this member. */
export function receiveReadIndexReply(
  state: RaftState,
  message: ReadIndexReply,
): void {
  const { reads, outbox } = state;
  if (reads.forwarded?.id !== message.requestId) return;
  for (const requestId of reads.forwarded.requestIds) {
    outbox.reads.push({ requestId, index: message.index });
  }
  reads.forwarded = null;
  forwardQueued(state);
}

function forwardQueued(state: RaftState): void {
  const { reads } = state;
  if (state.leader === null || reads.queued.length === 0) return;
  const id = reads.nextId++;
  reads.forwarded = { id, requestIds: reads.queued, since: state.ticks };
  reads.queued = [];
  askLeader(state, state.leader, id);
}

function askLeader(state: RaftState, leader: MemberId, id: number): void {
  state.outbox.send.push({
    type: "readIndex",
    ...envelope(state, leader),
    requestId: id,
  });
}

function readOnLeader(
  state: RaftState,
  from: MemberId,
  requestId: number,
): void {
  const { leader: waiting } = state.reads;
  const isRepeated = from !== state.id &&
    waiting.some((read) => read.from === from && read.requestId === requestId);
  if (isRepeated) return;
  const committed = committedInTerm(state);
  if (committed && provesItself(state)) {
    answer(state, from, requestId, state.commit);
  } else if (waiting.length >= MAX_WAITING_READS) {
    answer(state, from, requestId, null);
  } else {
    const index = committed ? state.commit : 0;
    waiting.push({ from, requestId, since: state.ticks, index, round: 0 });
  }
}

/** Whether no other leader can exist: this member alone decides, or its lease runs. */
function provesItself(state: RaftState): boolean {
  if (confirmedRound(state) === Infinity) return true;
  return state.options.leaseReads && !state.leaseForfeited &&
    state.ticks < state.leaseUntil;
}

/** An entry of this leader's term was committed: the reads that waited for it continue. */
export function releaseEarlyReads(state: RaftState): void {
  for (const read of state.reads.leader) {
    if (read.index === 0) read.index = state.commit;
  }
  if (provesItself(state)) confirm(state, Infinity);
}

/**
 * Whether reads wait for a round and no earlier read waits for one in flight.
 * Reads that arrive during a round share the next one.
 */
export function needsReadRound(state: RaftState): boolean {
  const { leader: waiting } = state.reads;
  if (waiting.length === 0 || state.role !== "leader") return false;
  return waiting[0]!.round === 0 && waiting[0]!.index > 0;
}

/** Starts a round of heartbeats for the reads that came so far. */
export function startReadRound(state: RaftState): void {
  beginRound(state);
  for (const [member, progress] of state.progress) {
    if (isVoter(state.config, member)) sendHeartbeat(state, member, progress);
  }
}

/** A new round begins; the caller sends the heartbeats. */
export function beginRound(state: RaftState): void {
  state.round++;
  if (state.options.leaseReads) {
    state.roundTicks.push({ round: state.round, tick: state.ticks });
  }
  const { leader: waiting } = state.reads;
  for (let i = waiting.length - 1; i >= 0 && waiting[i]!.round === 0; i--) {
    if (waiting[i]!.index > 0) waiting[i]!.round = state.round;
  }
}

/** A member confirms that this leader led after the round began. */
export function acknowledgeRound(
  state: RaftState,
  message: HeartbeatReply,
): void {
  const progress = state.progress.get(message.from);
  if (progress === undefined || message.round <= progress.ackedRound) return;
  progress.ackedRound = message.round;
  const round = confirmedRound(state);
  extendLease(state, round);
  confirm(state, round);
}

function confirmedRound(state: RaftState): number {
  return quorumValue(
    state.config,
    (member) =>
      member === state.id
        ? Infinity
        : state.progress.get(member)?.ackedRound ?? 0,
  );
}

/**
 * The lease counts from the sending of the heartbeat and lasts less than half
 * an election timeout, so clocks may differ by a factor of two.
 */
function extendLease(state: RaftState, round: number): void {
  const { roundTicks } = state;
  const leaseTicks = Math.floor((state.options.electionTicks - 1) / 2);
  while (roundTicks.length > 0 && roundTicks[0]!.round <= round) {
    state.leaseUntil = roundTicks.shift()!.tick + leaseTicks;
  }
}

/** Nobody knows how much of the lease is left, nor how long a lease started by an in-flight round would last. */
export function endLease(state: RaftState): void {
  state.leaseUntil = 0;
  state.roundTicks.length = 0;
}

function confirm(state: RaftState, round: number): void {
  const { reads } = state;
  let done = 0;
  while (done < reads.leader.length) {
    const read = reads.leader[done]!;
    if (read.index === 0 || (read.round === 0 && round !== Infinity)) break;
    if (read.round > round) break;
    answer(state, read.from, read.requestId, read.index);
    done++;
  }
  if (done > 0) reads.leader.splice(0, done);
}

/** The configuration changed: a smaller quorum may have confirmed a round already. */
export function recheckReads(state: RaftState): void {
  confirm(state, confirmedRound(state));
}

/** Reads that waited an election timeout fail, so that their callers can ask again. */
export function expireReads(state: RaftState): void {
  const { reads, options } = state;
  const oldest = state.ticks - options.electionTicks;
  let expired = 0;
  while (
    expired < reads.leader.length && reads.leader[expired]!.since <= oldest
  ) fail(state, reads.leader[expired++]!);
  if (expired > 0) reads.leader.splice(0, expired);

  const { forwarded } = reads;
  if (forwarded === null || state.leader === null) return;
  const waited = state.ticks - forwarded.since;
  if (waited >= options.electionTicks) {
    for (const requestId of forwarded.requestIds) {
      state.outbox.reads.push({ requestId, index: null });
    }
    reads.forwarded = null;
    forwardQueued(state);
  } else if (waited % options.heartbeatTicks === 0) {
    askLeader(state, state.leader, forwarded.id);
  }
}

/** The leader changed: waiting reads get no reply and fail. */
export function failReads(state: RaftState): void {
  const { reads } = state;
  for (const read of reads.leader) fail(state, read);
  for (const requestId of reads.forwarded?.requestIds ?? []) {
    state.outbox.reads.push({ requestId, index: null });
  }
  for (const requestId of reads.queued) {
    state.outbox.reads.push({ requestId, index: null });
  }
  reads.leader = [];
  reads.forwarded = null;
  reads.queued = [];
}

function fail(state: RaftState, read: LeaderRead): void {
  answer(state, read.from, read.requestId, null);
}

function answer(
  state: RaftState,
  to: MemberId,
  requestId: number,
  index: number | null,
): void {
  if (to === state.id) state.outbox.reads.push({ requestId, index });
  else {
    // It waits until it knows that the index is committed.
    state.commitsHeld = false;
    state.outbox.send.push({
      type: "readIndexReply",
      ...envelope(state, to),
      requestId,
      index,
    });
  }
}
