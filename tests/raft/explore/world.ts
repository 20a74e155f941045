/** What the explorer walks through: states of members and of the whole. */
import type { RaftCore } from "../../../src/raft/core.ts";
import type { Input, Persist } from "../../../src/raft/io.ts";
import type { Message } from "../../../src/raft/messages.ts";
import type { Entry, HardState, MemberId } from "../../../src/raft/types.ts";

/** How far to go. Loss, duplication and order of messages need no bound. */
export interface Bounds {
  readonly voters: number;
  /** Terms after the first; as many elections can begin. */
  readonly terms: number;
  readonly proposals: number;
  readonly crashes: number;
  /** Ticks of leaders, each of which sends heartbeats. */
  readonly heartbeats: number;
  /** Linearizable reads. */
  readonly reads: number;
  /** Writes become durable some time later, and a crash loses them. */
  readonly slowDisks: boolean;
}

/** Every log begins behind this entry, the first configuration. */
export const BASE = 1;

/** A state of one member; never modified. */
export interface Member {
  /** Equal for equal states. */
  readonly key: number;
  readonly core: RaftCore;
  readonly hardState: HardState;
  /** What is durable, and what the log shows. */
  readonly disk: readonly Entry[];
  readonly log: readonly Entry[];
  readonly writes: readonly { persist: Persist; after: readonly Message[] }[];
  /** What inputs lead to. */
  readonly steps: Map<string, StepResult>;
}

/** What an input does to a member. */
export interface StepResult {
  readonly member: Member;
  readonly sent: readonly Posted[];
  readonly answers: readonly { requestId: number; index: number | null }[];
}

/** A message on the wire; equal messages are the same object. */
export interface Posted {
  readonly key: number;
  readonly message: Message;
  /** Its delivery. */
  readonly action: Action;
}

/** A state of the whole; never modified. */
export interface World {
  readonly members: readonly Member[];
  /** Sorted by key. */
  readonly wire: readonly Posted[];
  readonly left: {
    readonly proposals: number;
    readonly crashes: number;
    readonly heartbeats: number;
    readonly reads: number;
  };
  /** Who led which term, ever. */
  readonly leaders: Readonly<Record<number, MemberId>>;
  /** Everything ever committed. */
  readonly committed: readonly Entry[];
  /** Reads under way: the commit index that they must not miss. */
  readonly reads: Readonly<Record<number, number>>;
}

/** What a member does next. */
export interface Action {
  readonly who: number;
  readonly input: Input | "fsync" | "crash";
  /** Names the input. */
  readonly name: string;
}
