import type { LogIndex } from "../../raft/types.ts";

/** Bounds that every member applies equally, since they decide answers. */
export const LOCK_LIMITS = {
  /** Bytes of a lock's name, in UTF-8. */
  nameBytes: 256,
  /** Bytes of an owner's text, in UTF-8. */
  ownerBytes: 256,
  /** Bytes of a holder's value, in UTF-8. */
  valueBytes: 4096,
  /** The shortest lease, ms. */
  ttlMsMin: 100,
  /** The longest lease, ms: a day. */
  ttlMsMax: 86_400_000,
  /** The longest wait in a queue, ms: an hour. */
  waitMsMax: 3_600_000,
  /** Permits of a semaphore. */
  permits: 65_535,
  /** Leases of a cluster. */
  leases: 100_000,
  /** Holders of all locks together. */
  holders: 100_000,
  /** Those who wait for all locks together. */
  waiters: 100_000,
  /** Those who wait for one lock. */
  waitersOfLock: 10_000,
} as const;

/** What an exclusive lock takes of a lock that is no semaphore; a reader takes one of them. */
export const ALL_PERMITS = 65_536;

/** How long a lease is if nothing else is said, ms: as Hiqlite's locks. */
export const LOCK_TTL_MS = 10_000;

/** A promise that its owner is alive, until a time of the cluster clock; all locks of a client hang on one. */
export interface LockLease {
  /** The index of the entry that opened it. */
  readonly id: LogIndex;
  /** What each renewal adds, ms. */
  readonly ttlMs: number;
  /** When it ends, by the cluster clock, ms. */
  readonly deadlineMs: number;
  /** Who has it, for people. */
  readonly owner: string;
  /** It ends with the one lock that it was opened for. */
  readonly single: boolean;
}

/** Who has a lock, or a part of it. */
export interface LockHolder {
  readonly name: string;
  /** Grows with every grant, for ever. */
  readonly token: number;
  readonly lease: LogIndex;
  /** The index of the entry that asked for it. */
  readonly ticket: LogIndex;
  readonly permits: number;
  /** Permits of the lock in all. */
  readonly limit: number;
  /** Until when the grant must be claimed, by the cluster clock, ms; null if it was. */
  readonly claimByMs: number | null;
  /** What the holder tells everybody. */
  readonly value: string;
}

/** Who waits for a lock. */
export interface LockWaiter {
  readonly name: string;
  /** The index of the entry that asked for it; the lowest comes first. */
  readonly ticket: LogIndex;
  readonly lease: LogIndex;
  readonly permits: number;
  readonly limit: number;
  /** Until when it waits, by the cluster clock, ms. */
  readonly untilMs: number;
  readonly value: string;
}

/** Proves that a lock was held when it was granted; what carries one happens only if it is held still. */
export interface LockFence {
  /** The lock. */
  readonly name: string;
  /** What its grant said. */
  readonly token: number;
}

/** The lease of a lock: one that was opened before, or a new one for this lock alone. */
export type LeaseChoice =
  | { readonly id: LogIndex }
  | { readonly ttlMs: number; readonly owner: string };

/** A wish for a lock. */
export interface LockWish {
  /** Which lock. */
  readonly name: string;
  /** What it hangs on. */
  readonly lease: LeaseChoice;
  /** How many permits it takes, 1 … `limit`. */
  readonly permits: number;
  /** How many there are: the same for all who ask for this lock at a time. */
  readonly limit: number;
  /** How long to wait in the queue, ms; 0 for not at all. */
  readonly waitMs: number;
  /** What the holder tells everybody. */
  readonly value: string;
}

/** What an entry can ask of the locks. */
export type LockOperation =
  /** Opens a lease. */
  | { readonly kind: "open"; readonly ttlMs: number; readonly owner: string }
  /** Lets a lease begin anew. */
  | { readonly kind: "renew"; readonly lease: LogIndex }
  /** Ends a lease with all its locks. */
  | { readonly kind: "end"; readonly lease: LogIndex }
  /** Asks for a lock. Renews the lease. */
  | { readonly kind: "acquire"; readonly wish: LockWish }
  /** Takes what a ticket was granted. */
  | {
    readonly kind: "claim";
    readonly name: string;
    readonly ticket: LogIndex;
  }
  /** Gives a lock back. */
  | { readonly kind: "release"; readonly name: string; readonly token: number }
  /** Renews the lease that a lock hangs on. */
  | { readonly kind: "extend"; readonly name: string; readonly token: number }
  /** Nobody wants what this ticket stands for any more. */
  | {
    readonly kind: "cancel";
    readonly name: string;
    readonly ticket: LogIndex;
  };

/** What an entry did to the locks; never an error. */
export type LockAnswer =
  /** The lease lives, so much longer from this entry on. */
  | {
    readonly kind: "leased";
    readonly lease: LogIndex;
    readonly ttlMs: number;
    /** The cluster clock as of this entry, ms: what it stamps later is later by no more than the time that passed. */
    readonly clockMs: number;
  }
  | {
    readonly kind: "granted";
    readonly token: number;
    readonly lease: LogIndex;
    readonly ttlMs: number;
  }
  | { readonly kind: "waiting"; readonly ticket: LogIndex }
  /** Others have it, or wait for it, and this one does not want to wait. */
  | { readonly kind: "held"; readonly owner: string; readonly waiting: number }
  /** The lease is over, or the lock is not held, or nobody waits under this ticket. */
  | { readonly kind: "lost" }
  /** Whether something was given back. */
  | { readonly kind: "released"; readonly found: boolean }
  /** The lock is in use with so many permits in all. */
  | { readonly kind: "mismatch"; readonly limit: number }
  /** There is no room for more of them. */
  | { readonly kind: "full"; readonly what: LockBound };

/** Which bound of {@linkcode LOCK_LIMITS} is reached. */
export type LockBound = "leases" | "holders" | "waiters" | "waitersOfLock";

/** What happened to a lock. */
export type LockEventKind =
  /** A ticket got a token. */
  | "granted"
  /** A ticket's grant was claimed: its holder knows of it. */
  | "claimed"
  /** A holder gave it back. */
  | "released"
  /** A holder lost it: its lease ended, or it did not claim the grant. */
  | "expired"
  /** Somebody does not wait any more. */
  | "gone";

/** One thing that happened to a lock. */
export interface LockEvent {
  readonly kind: LockEventKind;
  readonly name: string;
  readonly ticket: LogIndex;
  /** 0 of who waited. */
  readonly token: number;
  /** Of a grant to somebody who waited: it has to be claimed. */
  readonly claim?: LockClaim;
}

/** What a grant is that was not claimed yet. */
export interface LockClaim {
  /** Until when it must be, by the cluster clock, ms: an entry of that time or later may grant the lock to somebody else. */
  readonly byMs: number;
  /** How long its lease is, ms. */
  readonly ttlMs: number;
}

/** What there is, and what has happened since the member started. */
export interface LockCounts {
  readonly leases: number;
  readonly held: number;
  readonly waiting: number;
  readonly granted: number;
  readonly expired: number;
  /** Writes that were refused by their fence. */
  readonly fenced: number;
}

/** Before anything happened. */
export const NO_LOCKS: LockCounts = Object.freeze({
  leases: 0,
  held: 0,
  waiting: 0,
  granted: 0,
  expired: 0,
  fenced: 0,
});

/** What leases and locks there are as of an entry. */
export interface LockReport {
  readonly counts: LockCounts;
  /** The earliest time at which something of them is due, by the cluster clock, ms; Infinity if nothing ever is. */
  readonly nextDueMs: number;
}

/** Before the first lease. */
export const NOTHING_LOCKED: LockReport = Object.freeze({
  counts: NO_LOCKS,
  nextDueMs: Infinity,
});
