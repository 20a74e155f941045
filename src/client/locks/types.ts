import type { CallOptions } from "../call_options.ts";

/** How to hold a lock. */
export interface TryLockOptions {
  /**
   * How long the lock outlives its client, ms, 100 to 86,400,000: it is renewed every third of that. All
   * locks of a client with the same time share one lease.
   * @default {10_000}
   */
  readonly ttlMs?: number;
  /** Take so many of `limit` permits: the lock is a semaphore. @default {1} */
  readonly permits?: number;
  /** How many permits there are, 1 to 65,535; all who ask for the lock at a time must say the same. @default an exclusive lock */
  readonly limit?: number;
  /** Share the lock with others who do; whoever does not has it alone. Not with `limit`. @default {false} */
  readonly shared?: boolean;
  /** What everybody can read of the holder, at most 4,096 bytes of UTF-8. @default {""} */
  readonly value?: string;
  /** Gives up asking, and gives back what was granted meanwhile. Without effect on a lock that was got. */
  readonly signal?: AbortSignal;
}

/** How to get a lock. */
export interface LockOptions extends TryLockOptions {
  /** The longest wait for those who have it, ms, 0 to 3,600,000. @default {3_600_000} */
  readonly waitMs?: number;
}

/** How to list holders. */
export interface LockListOptions extends CallOptions {
  /** `local`: as the asked member has applied; `linearizable`: everything acknowledged anywhere. @default {"local"} */
  readonly consistency?: "local" | "linearizable";
}

/** How to stand for an election. */
export interface ElectionOptions {
  /** What everybody can read of the leader, at most 4,096 bytes of UTF-8. @default {""} */
  readonly value?: string;
  /** How long after a leader's death another one leads, about, ms. @default {10_000} */
  readonly ttlMs?: number;
}

/** Who leads an election. */
export interface ElectedLeader {
  /** Grows with every leader. */
  readonly token: number;
  /** What it said of itself. */
  readonly value: string;
  /** Which client it is, for people. */
  readonly owner: string;
}
