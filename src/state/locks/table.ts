import type { LogIndex } from "../../raft/types.ts";
import type { LockRows } from "./rows.ts";
import {
  LOCK_LIMITS,
  type LockAnswer,
  type LockBound,
  type LockEvent,
  type LockFence,
  type LockHolder,
  type LockLease,
  type LockOperation,
  type LockWaiter,
  type LockWish,
} from "./types.ts";

/** What one entry sweeps at most: leases, holders and waiters together. */
const SWEPT_MAX = 256;

/** How long a grant is reserved for a waiter that does not claim it, by the cluster clock, ms; its lease's time if that is less. */
export const CLAIM_MS = 5_000;

/** Where an entry stands. */
export interface LockEntry {
  readonly index: LogIndex;
  /** The cluster clock as of the entry, ms. */
  readonly clockMs: number;
}

/**
 * The rules of leases and locks. Time is that of entries alone, so every member decides the same. What has a
 * deadline at or before an entry's clock is dead for that entry, whether it was swept or not.
 */
export class LockTable {
  readonly #rows: LockRows;
  readonly #tell: (event: LockEvent) => void;
  #entry: LockEntry = { index: 0, clockMs: 0 };
  /** The last token of this entry; 0 before the first. */
  #granted = 0;

  /** Rules over `rows`; `tell` hears what happens. */
  constructor(rows: LockRows, tell: (event: LockEvent) => void) {
    this.#rows = rows;
    this.#tell = tell;
  }

  /** An entry begins: what is due by its clock goes, a bounded number of them. Every entry has to come here first. */
  begin(entry: LockEntry): void {
    this.#entry = entry;
    this.#granted = 0;
    if (this.#rows.nextDueMs <= entry.clockMs) this.#sweep();
  }

  /** Does what the entry that has begun asks. */
  run(operation: LockOperation): LockAnswer {
    switch (operation.kind) {
      case "open":
        return this.#open(operation.ttlMs, operation.owner);
      case "renew":
        return this.#renew(operation.lease);
      case "end":
        return this.#end(operation.lease);
      case "acquire":
        return this.#acquire(operation.wish);
      case "claim":
        return this.#claim(operation.name, operation.ticket);
      case "release":
        return this.#release(operation.name, operation.token);
      case "extend":
        return this.#extend(operation.name, operation.token);
      case "cancel":
        return this.#cancel(operation.name, operation.ticket);
    }
  }

  /** Whether a lock is held under this token as of the entry that has begun. */
  holds({ name, token }: LockFence): boolean {
    const holder = this.#rows.holder(name, token);
    return holder !== null && this.#lives(holder);
  }

  #open(ttlMs: number, owner: string): LockAnswer {
    if (this.#rows.sizes.leases >= LOCK_LIMITS.leases) {
      return { kind: "full", what: "leases" };
    }
    const lease = this.#newLease(ttlMs, owner, false);
    return this.#leased(lease);
  }

  #newLease(ttlMs: number, owner: string, single: boolean): LockLease {
    const { index: id, clockMs } = this.#entry;
    const lease = { id, ttlMs, deadlineMs: clockMs + ttlMs, owner, single };
    this.#rows.addLease(lease);
    return lease;
  }

  #renew(id: LogIndex): LockAnswer {
    const lease = this.#livingLease(id);
    if (lease === null) return { kind: "lost" };
    this.#prolong(lease);
    return this.#leased(lease);
  }

  #leased({ id: lease, ttlMs }: LockLease): LockAnswer {
    return { kind: "leased", lease, ttlMs, clockMs: this.#entry.clockMs };
  }

  /** It never ends earlier by this: a lease for one waiter lasts for its wait, too. */
  #prolong(lease: LockLease): void {
    const deadlineMs = this.#entry.clockMs + lease.ttlMs;
    if (deadlineMs <= lease.deadlineMs) return;
    this.#rows.moveLease(lease, deadlineMs);
  }

  /** It is dead from this entry on; what hangs on it goes with this sweep and the next ones. */
  #end(id: LogIndex): LockAnswer {
    const lease = this.#livingLease(id);
    if (lease === null) return { kind: "released", found: false };
    this.#rows.moveLease(lease, this.#entry.clockMs);
    this.#sweep();
    return { kind: "released", found: true };
  }

  #acquire(wish: LockWish): LockAnswer {
    const { name, limit, permits, value, waitMs } = wish;
    this.#clear(name);
    const chosen = wish.lease;
    const known = "id" in chosen ? this.#livingLease(chosen.id) : null;
    if ("id" in chosen && known === null) return { kind: "lost" };
    const usage = this.#rows.usage(name);
    if (usage.limit !== null && usage.limit !== limit) {
      return { kind: "mismatch", limit: usage.limit };
    }
    const fits = usage.waiters === 0 && usage.used + permits <= limit;
    if (!fits && waitMs === 0) return this.#held(name, usage.waiters);
    const full = this.#whatIsFull(known === null, fits, usage.waiters);
    if (full !== null) return { kind: "full", what: full };
    const { index: ticket, clockMs } = this.#entry;
    const lease = "id" in chosen
      ? known!
      : this.#newLease(chosen.ttlMs, chosen.owner, true);
    if (known !== null) this.#prolong(known);
    if (fits) {
      const token = this.#grant(
        { name, ticket, lease: lease.id, permits, limit, value },
        null,
        lease.ttlMs,
      );
      return { kind: "granted", token, lease: lease.id, ttlMs: lease.ttlMs };
    }
    const untilMs = clockMs + waitMs;
    this.#rows.addWaiter(
      { name, ticket, lease: lease.id, permits, limit, untilMs, value },
    );
    if (lease.single) {
      // Nobody renews it while its only owner waits for an answer.
      this.#rows.moveLease(lease, untilMs + lease.ttlMs);
    }
    return { kind: "waiting", ticket };
  }

  #held(name: string, waiting: number): LockAnswer {
    const first = this.#rows.firstHolder(name);
    const lease = first === null ? null : this.#rows.lease(first.lease);
    return { kind: "held", owner: lease?.owner ?? "", waiting };
  }

  #whatIsFull(
    opens: boolean,
    fits: boolean,
    waiting: number,
  ): LockBound | null {
    const { leases, holders, waiters } = this.#rows.sizes;
    if (opens && leases >= LOCK_LIMITS.leases) return "leases";
    if (fits) return holders >= LOCK_LIMITS.holders ? "holders" : null;
    if (waiters >= LOCK_LIMITS.waiters) return "waiters";
    return waiting >= LOCK_LIMITS.waitersOfLock ? "waitersOfLock" : null;
  }

  /** A grant that is over was passed on, or would be: it is not taken. */
  #claim(name: string, ticket: LogIndex): LockAnswer {
    this.#clear(name);
    const holder = this.#rows.holderOfTicket(name, ticket);
    if (holder === null) {
      return this.#rows.waiter(name, ticket) === null
        ? { kind: "lost" }
        : { kind: "waiting", ticket };
    }
    const lease = this.#rows.lease(holder.lease)!;
    const { token } = holder;
    if (holder.claimByMs !== null) {
      this.#rows.claimHolder(holder);
      this.#tell({ kind: "claimed", name, ticket, token });
    }
    this.#prolong(lease);
    return { kind: "granted", token, lease: lease.id, ttlMs: lease.ttlMs };
  }

  #release(name: string, token: number): LockAnswer {
    this.#clear(name);
    const holder = this.#rows.holder(name, token);
    if (holder !== null) this.#takeFrom(holder, "released");
    return { kind: "released", found: holder !== null };
  }

  #extend(name: string, token: number): LockAnswer {
    this.#clear(name);
    const holder = this.#rows.holder(name, token);
    return holder === null ? { kind: "lost" } : this.#renew(holder.lease);
  }

  /** Also what was granted meanwhile is given back: whoever cancels does not want it. */
  #cancel(name: string, ticket: LogIndex): LockAnswer {
    this.#clear(name);
    const holder = this.#rows.holderOfTicket(name, ticket);
    if (holder !== null) this.#takeFrom(holder, "released");
    const waiter = this.#rows.waiter(name, ticket);
    if (waiter !== null) this.#forget(waiter);
    return { kind: "released", found: holder !== null || waiter !== null };
  }

  #livingLease(id: LogIndex): LockLease | null {
    const lease = this.#rows.lease(id);
    return lease !== null && lease.deadlineMs > this.#entry.clockMs
      ? lease
      : null;
  }

  #lives({ lease, claimByMs }: LockHolder): boolean {
    return this.#livingLease(lease) !== null &&
      (claimByMs === null || claimByMs > this.#entry.clockMs);
  }

  /** What is dead of this lock goes, though other things may have to wait for the next sweep. */
  #clear(name: string): void {
    const { clockMs } = this.#entry;
    if (this.#rows.nextDueMs > clockMs) return;
    // One look for all of them, and at those who wait: each alone would take as long as there are holders.
    for (const dead of this.#rows.deadHolders(name, clockMs)) {
      this.#drop(dead, "expired");
    }
    this.#serve(name);
  }

  #sweep(): void {
    const { clockMs } = this.#entry;
    for (let left = SWEPT_MAX; left > 0; left--) {
      const due = this.#rows.firstDue(clockMs);
      if (due === null) return;
      switch (due.kind) {
        case "lease":
          this.#sweepLease(due.lease);
          break;
        case "grant":
          this.#takeFrom(due.holder, "expired");
          break;
        case "waiter":
          this.#forget(due.waiter);
      }
    }
  }

  /** One thing that hangs on a dead lease, or at last the lease itself. */
  #sweepLease(lease: LockLease): void {
    const holder = this.#rows.heldBy(lease.id);
    if (holder !== null) return this.#takeFrom(holder, "expired");
    const waiter = this.#rows.waitingBy(lease.id);
    if (waiter !== null) return this.#forget(waiter);
    this.#rows.dropLease(lease);
  }

  #takeFrom(holder: LockHolder, kind: "released" | "expired"): void {
    this.#drop(holder, kind);
    this.#serve(holder.name);
  }

  #drop(holder: LockHolder, kind: "released" | "expired"): void {
    const { name, token, ticket } = holder;
    this.#rows.dropHolder(holder);
    this.#endSingle(holder.lease);
    this.#tell({ kind, name, ticket, token });
  }

  #forget(waiter: LockWaiter): void {
    this.#leave(waiter);
    this.#serve(waiter.name);
  }

  #leave(waiter: LockWaiter): void {
    const { name, ticket } = waiter;
    this.#rows.dropWaiter(waiter);
    this.#endSingle(waiter.lease);
    this.#tell({ kind: "gone", name, ticket, token: 0 });
  }

  #endSingle(id: LogIndex): void {
    const lease = this.#rows.lease(id);
    if (lease?.single) this.#rows.dropLease(lease);
  }

  /** Grants to those who have waited longest, as long as the first of them fits. */
  #serve(name: string): void {
    for (;;) {
      const next = this.#rows.firstWaiter(name);
      if (next === null) return;
      const lease = this.#livingLease(next.lease);
      if (lease === null || next.untilMs <= this.#entry.clockMs) {
        this.#leave(next);
        continue;
      }
      if (this.#rows.usage(name).used + next.permits > next.limit) return;
      if (this.#rows.sizes.holders >= LOCK_LIMITS.holders) return;
      this.#rows.dropWaiter(next);
      this.#reserve(next, lease);
    }
  }

  #reserve(waiter: LockWaiter, lease: LockLease): void {
    const { name, ticket, permits, limit, value } = waiter;
    const { clockMs } = this.#entry;
    if (lease.single) {
      this.#rows.moveLease(lease, clockMs + lease.ttlMs);
    }
    this.#grant(
      { name, ticket, lease: lease.id, permits, limit, value },
      clockMs + Math.min(lease.ttlMs, CLAIM_MS),
      lease.ttlMs,
    );
  }

  #grant(
    holder: Omit<LockHolder, "token" | "claimByMs">,
    claimByMs: number | null,
    ttlMs: number,
  ): number {
    const token = this.#nextToken();
    this.#rows.addHolder({ ...holder, token, claimByMs });
    const { name, ticket } = holder;
    const claim = claimByMs === null
      ? {}
      : { claim: { byMs: claimByMs, ttlMs } };
    this.#tell({ kind: "granted", name, ticket, token, ...claim });
    return token;
  }

  /** The index of this entry; the second and later grants of one entry get the numbers after it. */
  #nextToken(): number {
    const { index } = this.#entry;
    const token = Math.max(index, this.#granted + 1, this.#rows.lastToken + 1);
    this.#granted = token;
    if (token > index) this.#rows.lastToken = token;
    return token;
  }
}
