import { assert } from "../util/assert.ts";
import { commitTo } from "./commitment.ts";
import { ContradictionError } from "./contradiction.ts";
import { decodeConfiguration } from "./configuration.ts";
import type { AppendEntries, Heartbeat } from "./messages.ts";
import { hearLeader } from "./roles.ts";
import { appendToLog, envelope, type RaftState } from "./state.ts";
import {
  type Configuration,
  type Entry,
  EntryKind,
  type LogId,
  type LogIndex,
  type MemberId,
  ZERO_LOG_ID,
} from "./types.ts";

/** Followers: entries from the leader (§5.3). */
export function receiveAppend(state: RaftState, message: AppendEntries): void {
  hearLeader(state, message.from);
  // The reply is sent once the snapshot that replaces this log is installed.
  if (state.installing !== null) return;
  const { prev, entries } = message;
  if (!isWellFormed(message)) return;
  const last = prev.index + entries.length;
  if (prev.index >= state.log.base.index && !state.log.has(prev)) {
    if (prev.index <= state.commit) {
      throw new ContradictionError(message.term, prev.index);
    }
    rejectAppend(state, message);
    return;
  }
  compareCommitted(state, message);
  if (last <= state.commit) {
    acceptAppend(state, message, state.commit);
    return;
  }
  appendNew(state, entries);
  commitTo(state, Math.min(message.commit, last));
  acceptAppend(state, message, last);
}

/**
 * What is committed is not appended again, so it has to be the same. Of what is purged, only the last term is known,
 * and those before it had none above it.
 * @throws {ContradictionError} if it is another one.
 */
function compareCommitted(
  { log, commit }: RaftState,
  { entries, term }: AppendEntries,
): void {
  for (const entry of entries) {
    if (entry.index > commit) return;
    const differs = entry.index < log.base.index
      ? entry.term > log.base.term
      : !log.has(entry);
    if (differs) throw new ContradictionError(term, entry.index);
  }
}

/** Whether the entries follow `prev` and one another, and none is newer than its leader. */
function isWellFormed({ prev, entries, term }: AppendEntries): boolean {
  let index = prev.index;
  let entryTerm = prev.term;
  for (const entry of entries) {
    if (entry.index !== ++index || entry.term < entryTerm) return false;
    entryTerm = entry.term;
  }
  return entryTerm <= term;
}

/**
 * Appends what is missing. Only a real conflict cuts the log: a late, short
 * append leaves the tail alone.
 */
function appendNew(state: RaftState, entries: readonly Entry[]): void {
  const { log } = state;
  const fresh = entries.findIndex((entry) =>
    entry.index > state.commit && !log.has(entry)
  );
  if (fresh < 0) return;
  const configs = new Map<LogIndex, Configuration>();
  for (let i = fresh; i < entries.length; i++) {
    const { kind, index, payload } = entries[i]!;
    if (kind === EntryKind.config) {
      configs.set(index, decodeConfiguration(payload));
    }
  }
  const first = entries[fresh]!.index;
  if (first <= log.lastIndex) truncateAfter(state, first - 1);
  for (let i = fresh; i < entries.length; i++) {
    const entry = entries[i]!;
    appendToLog(state, entry);
    const config = configs.get(entry.index);
    if (config !== undefined) state.configs.push(entry.index, config);
  }
}

function truncateAfter(state: RaftState, index: LogIndex): void {
  assert(
    index >= state.commit,
    `truncation after ${index} below the commit index ${state.commit}`,
  );
  state.log.truncateAfter(index);
  state.configs.truncateAfter(index);
  state.persistence.truncateAfter(index);
}

function rejectAppend(state: RaftState, message: AppendEntries): void {
  const { prev } = message;
  state.outbox.send.push({
    type: "appendReply",
    ...envelope(state, message.from),
    ok: false,
    index: prev.index,
    hint: state.log.hint(prev.index, prev.term),
  });
}

/**
 * Refuses a leader of an older term, so that it learns the present one. It may lead
 * again when the refusal arrives. The refusal says nothing about its log then, so it
 * carries no index.
 */
export function rejectStaleAppend(
  state: RaftState,
  message: AppendEntries,
): void {
  state.outbox.send.push({
    type: "appendReply",
    ...envelope(state, message.from),
    ok: false,
    index: 0,
    hint: ZERO_LOG_ID,
  });
}

/** Promises, once it is durable, that the log equals the leader's up to `index`. */
export function acceptAppend(
  state: RaftState,
  { from }: { readonly from: string },
  index: LogIndex,
): void {
  const hint: LogId = ZERO_LOG_ID;
  state.outbox.sendAfterPersist.push({
    type: "appendReply",
    ...envelope(state, from),
    ok: true,
    index,
    hint,
  });
}

/** Followers: a heartbeat arrived. The leader knows that this log equals its own up to the commit index in it. */
export function receiveHeartbeat(state: RaftState, message: Heartbeat): void {
  hearLeader(state, message.from);
  if (state.installing === null) {
    commitTo(state, Math.min(message.commit, state.log.lastIndex));
  }
  answerHeartbeat(state, message.from, message.round);
}

/**
 * Replies to a leader of an older term, so that it learns the present one. It may lead
 * again when the reply arrives, and rounds are numbered anew in each term: the reply
 * confirms no round.
 */
export function answerStaleHeartbeat(
  state: RaftState,
  message: Heartbeat,
): void {
  answerHeartbeat(state, message.from, 0);
}

function answerHeartbeat(
  state: RaftState,
  to: MemberId,
  round: number,
): void {
  state.outbox.send.push({
    type: "heartbeatReply",
    ...envelope(state, to),
    round,
  });
}
