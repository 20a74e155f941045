import type {
  Entry,
  LogId,
  LogIndex,
  MemberId,
  SnapshotMeta,
  Term,
} from "./types.ts";

/** The fields of every message. */
interface MessageHeader {
  /** The sender, with its incarnation. */
  readonly from: MemberId;
  /** The receiver, with the incarnation the sender believes in. */
  readonly to: MemberId;
  /** The sender's term; of a pre-vote, the term it would campaign in. */
  readonly term: Term;
}

/** Asks for a vote, or (pre-vote) whether one would be granted (§5.2, thesis §9.6). */
export interface RequestVote extends MessageHeader {
  readonly type: "requestVote";
  readonly lastLog: LogId;
  readonly preVote: boolean;
  /** Set in a leader transfer: the receiver ignores that it has a live leader. */
  readonly transfer: boolean;
}

/** Reply to {@linkcode RequestVote}. */
export interface VoteReply extends MessageHeader {
  readonly type: "voteReply";
  readonly preVote: boolean;
  readonly granted: boolean;
}

/**
 * Replicates entries (§5.3). The core names the range `prev.index + 1 … last`; the
 * runtime puts the entries in when it sends the message. If they were purged
 * meanwhile, it drops the message, as a network may.
 */
export interface AppendEntries extends MessageHeader {
  readonly type: "appendEntries";
  readonly prev: LogId;
  /** The last index of the range; equals `prev.index` for a probe. */
  readonly last: LogIndex;
  readonly commit: LogIndex;
  /** Empty when the core emits it, filled on the wire. */
  readonly entries: readonly Entry[];
}

/** Reply to {@linkcode AppendEntries} and to a finished snapshot. */
export interface AppendReply extends MessageHeader {
  readonly type: "appendReply";
  /** Whether `prev` matched. */
  readonly ok: boolean;
  /** If ok: the log equals the leader's up to here, durably. Else: the rejected `prev.index`. */
  readonly index: LogIndex;
  /** If rejected: where the leader should try next (§5.3, conflict hint). */
  readonly hint: LogId;
}

/** Keeps leadership and carries the commit index; never has entries, so it never waits behind them. */
export interface Heartbeat extends MessageHeader {
  readonly type: "heartbeat";
  /** Never beyond what the receiver is known to have. */
  readonly commit: LogIndex;
  /** Number of this round of heartbeats, for ReadIndex (thesis §6.4); grows within a term. */
  readonly round: number;
  /** The cluster clock, ms. Not consensus: 0 when the core emits it, put in by whoever sends it. */
  readonly clockMs: number;
}

/** Reply to {@linkcode Heartbeat}. */
export interface HeartbeatReply extends MessageHeader {
  readonly type: "heartbeatReply";
  readonly round: number;
}

/** A follower asks for the index a linearizable read must wait for. */
export interface ReadIndexRequest extends MessageHeader {
  readonly type: "readIndex";
  readonly requestId: number;
}

/** Reply to {@linkcode ReadIndexRequest}. */
export interface ReadIndexReply extends MessageHeader {
  readonly type: "readIndexReply";
  readonly requestId: number;
  /** `null`: the receiver does not lead, or not any more. */
  readonly index: LogIndex | null;
}

/** The leader asks the receiver to campaign at once (thesis §3.10). */
export interface TimeoutNow extends MessageHeader {
  readonly type: "timeoutNow";
}

/**
 * Says that a whole snapshot from `from` was received and is durable beside the
 * state, not yet installed. Made by the receiving runtime, never on the wire:
 * chunks travel outside the core, bound to (term, snapshot, offset).
 */
export interface SnapshotReceived extends MessageHeader {
  readonly type: "snapshotReceived";
  readonly snapshot: SnapshotMeta;
}

/** Everything a member can receive from another. */
export type Message =
  | RequestVote
  | VoteReply
  | AppendEntries
  | AppendReply
  | Heartbeat
  | HeartbeatReply
  | ReadIndexRequest
  | ReadIndexReply
  | TimeoutNow
  | SnapshotReceived;
