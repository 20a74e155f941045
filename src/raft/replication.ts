import { assert } from "../util/assert.ts";
import { advanceCommit } from "./commitment.ts";
import { sendHeartbeat } from "./heartbeat.ts";
import type { AppendReply, HeartbeatReply } from "./messages.ts";
import type { Progress } from "./progress.ts";
import { isQuorum } from "./quorum.ts";
import { acknowledgeRound, beginRound } from "./read_index.ts";
import { envelope, type RaftState } from "./state.ts";
import { finishTransfer } from "./transfer.ts";
import type { Entry, LogIndex, MemberId } from "./types.ts";

const NO_ENTRIES: readonly Entry[] = [];

/** What a member is due next. */
type DueMessage = "nothing" | "append" | "commit" | "snapshot";

function due(state: RaftState, progress: Progress): DueMessage {
  const { log, options } = state;
  if (progress.state === "snapshot") return "nothing";
  if (progress.next - 1 < log.base.index) {
    const mayAsk = progress.recentlyActive && progress.snapshotPause === 0;
    return mayAsk ? "snapshot" : "nothing";
  }
  if (progress.state === "probe") return progress.paused ? "nothing" : "append";
  if (progress.checkDue) return "append";
  const { inflights } = progress;
  if (progress.next <= log.lastIndex) {
    const full = inflights.count >= options.maxInflightAppends ||
      inflights.bytes >= options.maxInflightBytes;
    return full ? "nothing" : "append";
  }
  if (state.commitsHeld) return "nothing";
  const known = Math.min(state.commit, progress.match);
  const untold = progress.sentCommit < known && inflights.count === 0;
  return untold && !progress.commitOnItsWay ? "commit" : "nothing";
}

/** Leaders: whether {@linkcode replicate} has something to send. */
export function hasReplicationDue(state: RaftState): boolean {
  for (const progress of state.progress.values()) {
    if (due(state, progress) !== "nothing") return true;
  }
  return false;
}

/** Leaders: sends each member at most one message that it is due. */
export function replicate(state: RaftState): void {
  for (const [member, progress] of state.progress) {
    switch (due(state, progress)) {
      case "nothing":
        break;
      case "append":
        sendAppend(state, member, progress);
        break;
      case "commit":
        progress.commitOnItsWay = true;
        sendHeartbeat(state, member, progress);
        break;
      case "snapshot":
        progress.awaitSnapshot(state.log.base.index);
        state.outbox.sendSnapshots.push({
          to: member,
          term: state.term,
          atLeast: state.log.base.index,
        });
    }
  }
}

/** Sends entries from `next` on as far as they fit, or none, to find out whether the member has the entry before them. */
function sendAppend(
  state: RaftState,
  to: MemberId,
  progress: Progress,
): void {
  const { log, options } = state;
  const prevIndex = progress.next - 1;
  const prevTerm = log.termAt(prevIndex);
  assert(prevTerm !== undefined, `append after ${prevIndex}, which is purged`);
  const empty = progress.checkDue || progress.next > log.lastIndex;
  const last = empty ? prevIndex : log.fit(
    progress.next,
    options.maxEntriesPerAppend,
    options.maxBytesPerAppend,
  );
  progress.sent(last, log.bytesBetween(prevIndex, last), state.commit);
  state.outbox.send.push({
    type: "appendEntries",
    ...envelope(state, to),
    prev: { term: prevTerm, index: prevIndex },
    last,
    commit: state.commit,
    entries: NO_ENTRIES,
  });
}

/** Leaders: a member replies to an append, or has installed a snapshot. */
export function receiveAppendReply(
  state: RaftState,
  reply: AppendReply,
): void {
  const progress = state.progress.get(reply.from);
  if (progress === undefined) return;
  progress.recentlyActive = true;
  if (reply.ok) acknowledge(state, progress, reply.index);
  // A hint below `match` is older than an acknowledgement, so it is late.
  else if (reply.hint.index >= progress.match) {
    const agreement = state.log.hint(reply.hint.index, reply.hint.term).index;
    progress.reject(reply.index, agreement);
  }
}

function acknowledge(
  state: RaftState,
  progress: Progress,
  index: LogIndex,
): void {
  assert(
    index <= state.log.lastIndex,
    `a member has entry ${index}, the leader of term ${state.term} ends at ${state.log.lastIndex}`,
  );
  const isNews = progress.acknowledge(index);
  const agreed = isNews || index === progress.match;
  if (
    agreed && (progress.state === "probe" ||
      (progress.state === "snapshot" &&
        progress.match >= state.log.base.index))
  ) progress.replicate();
  if (!isNews) return;
  advanceCommit(state);
  finishTransfer(state);
}

/** Leaders: heartbeats to everyone, as a new round. */
export function broadcastHeartbeat(state: RaftState): void {
  state.heartbeatElapsed = 0;
  beginRound(state);
  for (const [member, progress] of state.progress) {
    progress.noticeHeartbeat();
    sendHeartbeat(state, member, progress);
  }
}

/** Leaders: a member replied. Appends that it has not acknowledged may be lost. */
export function receiveHeartbeatReply(
  state: RaftState,
  reply: HeartbeatReply,
): void {
  const progress = state.progress.get(reply.from);
  if (progress === undefined) return;
  progress.recentlyActive = true;
  progress.commitOnItsWay = false;
  if (progress.state === "probe") progress.paused = false;
  if (progress.stalled) {
    progress.stalled = false;
    progress.checkDue = true;
  }
  acknowledgeRound(state, reply);
}

/** Leaders: whether a quorum was heard since the last time; starts the next interval. */
export function checkQuorum(state: RaftState): boolean {
  const alive = isQuorum(
    state.config,
    (member) =>
      member === state.id ||
      (state.progress.get(member)?.recentlyActive ?? false),
  );
  for (const progress of state.progress.values()) {
    progress.wasActive = progress.recentlyActive;
    progress.recentlyActive = false;
  }
  return alive;
}
