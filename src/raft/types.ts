/** The number an operator gives a member: 1, 2, 3 … */
export type NodeId = number;

/**
 * A member for ever: `"<node id>.<incarnation>"`, the incarnation 16 hex digits
 * drawn when its volume was new. A member that lost its volume comes back under
 * another id, so it can never contradict a promise it has forgotten.
 */
export type MemberId = string;

/** A Raft term (§5.1 of the paper); 0 before the first election. */
export type Term = number;

/** A position in the log; the first entry has index 1. */
export type LogIndex = number;

/** An entry's identity: two entries with the same id are the same entry. */
export interface LogId {
  /** The term of the leader that created the entry. */
  readonly term: Term;
  /** Its position. */
  readonly index: LogIndex;
}

/** The id before any entry. */
export const ZERO_LOG_ID: LogId = { term: 0, index: 0 };

/** What an entry is for. */
export const EntryKind = {
  /** Written by a new leader so that it can commit its predecessors' entries (§8). */
  noop: 0,
  /** A command for the state machine. */
  command: 1,
  /** A {@linkcode Configuration}. */
  config: 2,
} as const;

/** One of {@linkcode EntryKind}. */
export type EntryKind = typeof EntryKind[keyof typeof EntryKind];

/** A log entry. */
export interface Entry {
  /** Its position. */
  readonly index: LogIndex;
  /** The term of the leader that created it. */
  readonly term: Term;
  /** What it is for. */
  readonly kind: EntryKind;
  /** A command, an encoded configuration, or empty. Never modified. */
  readonly payload: Uint8Array;
}

/**
 * Who votes and who receives the log. While `votersOutgoing` is not empty the configuration is joint:
 * every decision needs a majority of both lists (§6 of the paper). Lists are
 * sorted and have no duplicates; a member is a voter or a learner, and
 * `learnersNext` are outgoing voters that become learners when the joint
 * configuration is left.
 */
export interface Configuration {
  /** The voters, the incoming ones while joint. */
  readonly voters: readonly MemberId[];
  /** The voters being left; empty unless joint. */
  readonly votersOutgoing: readonly MemberId[];
  /** Members that receive the log and do not vote. */
  readonly learners: readonly MemberId[];
  /** Outgoing voters that will be learners. */
  readonly learnersNext: readonly MemberId[];
}

/** The configuration of a member that has not heard of any. */
export const NO_CONFIGURATION: Configuration = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
};

/** What must be durable before a vote or a message of a term leaves (§5.1). */
export interface HardState {
  /** The highest term seen. */
  readonly term: Term;
  /** The member that got this member's vote in that term. */
  readonly vote: MemberId | null;
}

/** What a snapshot covers. */
export interface SnapshotMeta {
  /** The last entry it contains. */
  readonly last: LogId;
  /** The configuration as of that entry. */
  readonly config: Configuration;
}

/** What a member is at the moment. */
export type Role = "follower" | "precandidate" | "candidate" | "leader";

/** The node id of a member id. */
export function nodeIdOf(member: MemberId): NodeId {
  return Number(member.slice(0, member.indexOf(".")));
}
