import type { LogIndex } from "../raft/types.ts";
import type {
  LockAnswer,
  LockOperation,
  LockWish,
} from "../state/locks/types.ts";

/** A change of leases and locks, as clients hand it to a member; for what waits there is {@linkcode LockAcquireRequest}. */
export interface LockChangeRequest {
  /** What to do. */
  readonly operation: Exclude<LockOperation, { readonly kind: "acquire" }>;
  /** How long to wait for the answer, ms; a leader is looked for at most 10 s of it. @default {120_000} */
  readonly timeoutMs?: number;
}

/** What a change of leases and locks did. */
export interface LockChangeAnswer {
  /** Its place in the log. */
  readonly index: LogIndex;
  /** `lost` and `released` say whether there was something to change. */
  readonly answer: LockAnswer;
}

/** A wish for a lock, as clients hand it to a member. */
export interface LockAcquireRequest {
  /** Which, and for how long. */
  readonly wish: LockWish;
  /** Asked again with the same key, also of another member, it is the same place in the queue; at most 128 bytes of UTF-8. */
  readonly idempotencyKey?: string;
  /**
   * Whoever waited gets the grant as soon as it exists, and claims it by itself: what {@linkcode LockGrant.unclaimed} says.
   * @default {false}: it is claimed first
   */
  readonly claimLater?: boolean;
  /** How long a leader may need for each step, ms; waiting in the queue is not counted. @default {120_000} */
  readonly timeoutMs?: number;
  /** Nobody wants the lock any more once it aborts: the place in the queue, or what was granted meanwhile, is given back. */
  readonly signal?: AbortSignal;
}

/** A lock that was granted, and claimed unless it says otherwise. */
export interface LockGrant {
  /** Grows with every grant of the cluster, for ever. */
  readonly token: number;
  /** What it hangs on. */
  readonly lease: LogIndex;
  /** How long that is, ms. */
  readonly ttlMs: number;
  /** The place in the log of the entry that said so. */
  readonly index: LogIndex;
  /** It has to be claimed still, or it is passed on. Until then it can be believed in only by who can tell how much of that time is left. */
  readonly unclaimed?: {
    /** What claims it. */
    readonly ticket: LogIndex;
    /** Until when, by the cluster clock, ms; see `LockClaim`. */
    readonly claimByMs: number;
  };
}

/** Which holders to list. */
export interface LockListRequest {
  /** Of this lock. @default all */
  readonly name?: string;
  /** How fresh the answer must be. @default {"local"} */
  readonly consistency?: "local" | "linearizable";
  /** Wait until this index is applied here. */
  readonly minIndex?: LogIndex;
  /** With a name: wait until its first holder has another token than this; 0: until there is one. */
  readonly unlike?: number;
  /** How long to wait for that, ms, 60,000 at most. @default {0} */
  readonly waitMs?: number;
  /** How long reading may take each time, with the wait for `minIndex`, ms; waiting for a change is not counted. @default {30_000} */
  readonly timeoutMs?: number;
  /** Nobody waits any more once it aborts. */
  readonly signal?: AbortSignal;
}

/** A holder of a lock. */
export interface LockState {
  /** The lock. */
  readonly name: string;
  /** What its grant said. */
  readonly token: number;
  /** Who has it, for people. */
  readonly owner: string;
  /** What the holder tells everybody. */
  readonly value: string;
  /** How many permits it has. */
  readonly permits: number;
  /** Of how many; 65,536 of a lock that is no semaphore. */
  readonly limit: number;
  /** Whether its client knows of it. */
  readonly claimed: boolean;
  /** How long it is held if nobody renews it, by the cluster clock, ms. */
  readonly remainingMs: number;
  /** How many wait for the lock. */
  readonly waiting: number;
  /** The lease. */
  readonly lease: LogIndex;
}

/** Holders of locks, 1,000 at most, by name and token. */
export interface LockListAnswer {
  /** Those that were asked for; of a wait only who knows of it. */
  readonly locks: readonly LockState[];
  /** The state that was read contains at least this index. */
  readonly index: LogIndex;
}

/** The leases and locks of a member. */
export interface MemberLocks {
  /**
   * Opens, renews or ends a lease; claims, extends, cancels, or gives back a lock.
   * @throws {HiqliteError} `invalid`, `too_large`, `overloaded`, `no_leader`: not done; `outcome_unknown`: perhaps done. Each may be repeated.
   */
  change(request: LockChangeRequest): Promise<LockChangeAnswer>;
  /**
   * Asks for a lock, waits for it, and claims it.
   * @throws {HiqliteError} `lock_held` if others have it and the wait is over; `lock_lost` if the lease is over; `conflict` if it is in use with another limit; and as {@linkcode change}.
   */
  acquire(request: LockAcquireRequest): Promise<LockGrant>;
  /** Who holds locks. @throws {HiqliteError} as a query. */
  list(request: LockListRequest): Promise<LockListAnswer>;
}
