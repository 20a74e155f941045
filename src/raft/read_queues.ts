import type { LogIndex, MemberId } from "./types.ts";

/** At most this many reads wait on one member; further ones fail at once. */
export const MAX_WAITING_READS = 65_536;

/** A read that waits for this leader to prove that it still leads. */
export interface LeaderRead {
  /** The member that asked: this one, or a follower. */
  readonly from: MemberId;
  readonly requestId: number;
  /** The tick at which the read arrived. */
  readonly since: number;
  /** The commit index when the read arrived; 0 until an entry of this leader's term is committed. */
  index: LogIndex;
  /** The round of heartbeats that left after the read arrived; 0 until one did. */
  round: number;
}

/** Reads of this member that share one ReadIndex request to the leader. */
export interface ForwardedReads {
  readonly id: number;
  readonly requestIds: readonly number[];
  readonly since: number;
}

/** Reads that are neither confirmed nor failed yet. */
export class ReadQueues {
  /** On a leader, in the order of their arrival: first those with a round, then those without. */
  leader: LeaderRead[] = [];
  /** On a follower: the ReadIndex request in flight. */
  forwarded: ForwardedReads | null = null;
  /** On a follower: reads that arrived after that request left. */
  queued: number[] = [];
  /** The next request's id. */
  nextId: number;

  constructor(firstId: number) {
    this.nextId = firstId;
  }
}
