import type {
  AppendEntries,
  AppendReply,
  Heartbeat,
  HeartbeatReply,
  Message,
  ReadIndexReply,
  ReadIndexRequest,
  RequestVote,
  SnapshotReceived,
  TimeoutNow,
  VoteReply,
} from "../../src/raft/messages.ts";
import {
  type Configuration,
  type Entry,
  EntryKind,
  type LogId,
  type LogIndex,
  type MemberId,
  ZERO_LOG_ID,
} from "../../src/raft/types.ts";
import { encodeConfiguration } from "../../src/raft/configuration.ts";
import { bytes } from "./harness/payloads.ts";

/** Messages to member 1, from member 2 unless said otherwise. */
const ENVELOPE = { from: "2", to: "1" };

/** The id of an entry. */
export const id = (term: number, index: number): LogId => ({ term, index });

/** Command entries of these terms after `after`. */
export function entries(after: number, terms: readonly number[]): Entry[] {
  return terms.map((term, i) => ({
    index: after + i + 1,
    term,
    kind: EntryKind.command,
    payload: bytes(`${term}`),
  }));
}

/** A configuration entry. */
export function configEntry(at: LogId, config: Configuration): Entry {
  return {
    ...at,
    kind: EntryKind.config,
    payload: encodeConfiguration(config),
  };
}

/** Entries of these terms after `prev`. */
export function append(
  term: number,
  prev: LogId,
  terms: readonly number[],
  commit = 0,
  rest: Partial<AppendEntries> = {},
): AppendEntries {
  return {
    ...ENVELOPE,
    type: "appendEntries",
    term,
    prev,
    last: prev.index + terms.length,
    commit,
    entries: entries(prev.index, terms),
    ...rest,
  };
}

/** An acknowledgement up to `index`. */
export function accepted(
  term: number,
  index: number,
  rest: Partial<AppendReply> = {},
): AppendReply {
  return {
    ...ENVELOPE,
    type: "appendReply",
    term,
    ok: true,
    index,
    hint: ZERO_LOG_ID,
    ...rest,
  };
}

/** A refusal of an append after `index`. */
export function rejected(
  term: number,
  index: number,
  hint: LogId,
  rest: Partial<AppendReply> = {},
): AppendReply {
  return { ...accepted(term, index), ok: false, hint, ...rest };
}

/** A heartbeat. */
export function heartbeat(
  term: number,
  rest: Partial<Heartbeat> = {},
): Heartbeat {
  return {
    ...ENVELOPE,
    type: "heartbeat",
    term,
    commit: 0,
    round: 1,
    clockMs: 0,
    ...rest,
  };
}

/** Its answer. */
export function heartbeatReply(
  term: number,
  round: number,
  rest: Partial<HeartbeatReply> = {},
): HeartbeatReply {
  return { ...ENVELOPE, type: "heartbeatReply", term, round, ...rest };
}

/** A request for a vote. */
export function requestVote(
  term: number,
  lastLog: LogId = ZERO_LOG_ID,
  rest: Partial<RequestVote> = {},
): RequestVote {
  return {
    ...ENVELOPE,
    type: "requestVote",
    term,
    lastLog,
    preVote: false,
    transfer: false,
    ...rest,
  };
}

/** A vote. */
export function vote(
  term: number,
  granted = true,
  rest: Partial<VoteReply> = {},
): VoteReply {
  return {
    ...ENVELOPE,
    type: "voteReply",
    term,
    preVote: false,
    granted,
    ...rest,
  };
}

/** A follower's question for the index to read at. */
export function readIndex(
  term: number,
  requestId: number,
  rest: Partial<ReadIndexRequest> = {},
): ReadIndexRequest {
  return { ...ENVELOPE, type: "readIndex", term, requestId, ...rest };
}

/** Its answer. */
export function readIndexReply(
  term: number,
  requestId: number,
  index: LogIndex | null,
): ReadIndexReply {
  return { ...ENVELOPE, type: "readIndexReply", term, requestId, index };
}

/** The request to campaign at once. */
export function timeoutNow(
  term: number,
  rest: Partial<TimeoutNow> = {},
): TimeoutNow {
  return { ...ENVELOPE, type: "timeoutNow", term, ...rest };
}

/** A snapshot that arrived. */
export function snapshot(
  term: number,
  last: LogId,
  config: Configuration,
): SnapshotReceived {
  return {
    ...ENVELOPE,
    type: "snapshotReceived",
    term,
    snapshot: { last, config },
  };
}

/** Those of one type. */
export function ofType<T extends Message["type"]>(
  messages: readonly Message[],
  type: T,
): Extract<Message, { type: T }>[] {
  return messages.filter((message): message is Extract<Message, { type: T }> =>
    message.type === type
  );
}

/** Appends to one member. */
export function appendsTo(
  messages: readonly Message[],
  member: MemberId = "2",
): AppendEntries[] {
  return ofType(messages, "appendEntries").filter(({ to }) => to === member);
}
