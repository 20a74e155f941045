import type { LogIndex } from "../../raft/types.ts";
import type { LockHolder, LockLease, LockWaiter } from "./types.ts";

/** Something whose time is over. */
export type DueLock =
  | { readonly kind: "lease"; readonly lease: LockLease }
  | { readonly kind: "grant"; readonly holder: LockHolder }
  | { readonly kind: "waiter"; readonly waiter: LockWaiter };

/** How much of a lock is taken. */
export interface LockUsage {
  /** Permits. */
  readonly used: number;
  readonly waiters: number;
  /** Permits in all, as those who hold it or wait for it say; null if nobody does. */
  readonly limit: number | null;
}

/** How many rows there are. */
export interface LockSizes {
  readonly leases: number;
  readonly holders: number;
  readonly waiters: number;
}

/** Where leases, holders and waiters are kept; it knows no rules. Every list has one order, the same everywhere. */
export interface LockRows {
  readonly sizes: LockSizes;
  /** The earliest time at which something is due, by the cluster clock, ms; Infinity if nothing ever is. */
  readonly nextDueMs: number;
  /** The largest token that was given beyond its entry's index; 0 for none. */
  lastToken: number;
  lease(id: LogIndex): LockLease | null;
  addLease(lease: LockLease): void;
  /** A lease gets another deadline, ms. */
  moveLease(lease: LockLease, deadlineMs: number): void;
  dropLease(lease: LockLease): void;
  usage(name: string): LockUsage;
  holder(name: string, token: number): LockHolder | null;
  holderOfTicket(name: string, ticket: LogIndex): LockHolder | null;
  /** The holder with the lowest token. */
  firstHolder(name: string): LockHolder | null;
  addHolder(holder: LockHolder): void;
  /** A holder's grant is claimed. */
  claimHolder(holder: LockHolder): void;
  dropHolder(holder: LockHolder): void;
  waiter(name: string, ticket: LogIndex): LockWaiter | null;
  /** The waiter with the lowest ticket. */
  firstWaiter(name: string): LockWaiter | null;
  addWaiter(waiter: LockWaiter): void;
  dropWaiter(waiter: LockWaiter): void;
  /** A holder of the lease, by name and token; null if there is none. */
  heldBy(lease: LogIndex): LockHolder | null;
  /** A waiter of the lease, by ticket. */
  waitingBy(lease: LogIndex): LockWaiter | null;
  /** The first lease that is due at `clockMs`; if none is, the first grant, and then the first waiter. */
  firstDue(clockMs: number): DueLock | null;
  /** The holders of this lock whose lease, or whose grant, is over at `clockMs`, by token. */
  deadHolders(name: string, clockMs: number): LockHolder[];
}
