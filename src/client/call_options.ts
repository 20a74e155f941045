import type { LockFence } from "../state/locks/types.ts";

/** How to wait for an answer. */
export interface CallOptions {
  /** Gives up waiting with the signal's reason. A write that was on its way may still be applied. */
  readonly signal?: AbortSignal;
  /**
   * Longest wait for the answer, ms; all retries together. In a member's
   * process it bounds reads and writes only, and a write waits 120,000 ms by
   * default.
   * @default {15_000}
   */
  readonly timeoutMs?: number;
}

/** How to write. */
export interface WriteOptions extends CallOptions {
  /**
   * The caller's own name for this write, at most 128 bytes: repeated with the
   * same key, also by another client, it is applied once and returns the same.
   */
  readonly idempotencyKey?: string;
  /**
   * How long it may run on the leader, ms; the leader's `write_timeout_max_ms` bounds it. What runs
   * for longer is refused as `timeout` and has no effect.
   * @default the leader's `write_timeout_ms`, 10,000 unless configured; for migrations all that the leader allows
   */
  readonly maxRunMs?: number;
}

/** How to write what must not happen without a lock. */
export interface FencedWriteOptions extends WriteOptions {
  /**
   * A lock that must be held when the write is applied: without it nothing is done, and the error is `fenced`. A `Lock`, or
   * what is known of one.
   */
  readonly fence?: LockFence;
}
