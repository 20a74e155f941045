import type { LogIndex, MemberId } from "./types.ts";

/** Reads that wait on one member at most; more fail at once. */
export const MAX_WAITING_READS = 65_536;

/** A read that waits for this leader to prove that it still leads. */
export interface LeaderRead {
  /** Who asked: this member, or a follower. */
  readonly from: MemberId;
  readonly requestId: number;
  /** The tick at which it came. */
  readonly since: number;
  /** The commit index when it came; 0 until an entry of the own term is committed. */
  index: LogIndex;
  /** The round of heartbeats that left after it came; 0 until one did. */
  round: number;
}

/** Reads of this member that one question to the leader stands for. */
export interface ForwardedReads {
  readonly id: number;
  readonly requestIds: readonly number[];
  readonly since: number;
}

/** Reads that are not answered yet. */
export class ReadQueues {
  /** On a leader, in the order of their arrival: first those with a round, then those without. */
  leader: LeaderRead[] = [];
  /** On a follower: the question on its way. */
  forwarded: ForwardedReads | null = null;
  /** On a follower: reads that came after that question left. */
  queued: number[] = [];
  /** The next question's id. */
  nextId: number;

  constructor(firstId: number) {
    this.nextId = firstId;
  }
}
