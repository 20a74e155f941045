import type { Message } from "../raft/messages.ts";
import type { Configuration, LogId, MemberId, Term } from "../raft/types.ts";

/** A Raft group's number, the same on every member: u32 on the wire. 0 is the durable group. */
export type GroupId = number;

/** A piece of a snapshot, bound to (term, snapshot, offset). */
export interface SnapshotChunk {
  readonly type: "snapshotChunk";
  readonly from: MemberId;
  readonly to: MemberId;
  /** The sender's term as leader. */
  readonly term: Term;
  /** The last entry the snapshot contains. */
  readonly last: LogId;
  /** The configuration as of `last`. */
  readonly config: Configuration;
  /** Size of the whole snapshot, bytes. */
  readonly size: number;
  /** SHA-256 of the whole snapshot, hex. */
  readonly sha256: string;
  /** Where `bytes` belong. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Reply to a {@linkcode SnapshotChunk}. */
export interface SnapshotAck {
  readonly type: "snapshotAck";
  readonly from: MemberId;
  readonly to: MemberId;
  /** The receiver's term. */
  readonly term: Term;
  readonly last: LogId;
  /** The next byte the receiver wants. */
  readonly offset: number;
  /** `done`: complete, verified and durable. `failed`: start again from the beginning, later. */
  readonly state: "more" | "done" | "failed";
}

/** Everything a group sends to its other members. */
export type GroupMessage = Message | SnapshotChunk | SnapshotAck;
