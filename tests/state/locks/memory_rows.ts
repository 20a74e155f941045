import type {
  DueLock,
  LockRows,
  LockSizes,
  LockUsage,
} from "../../../src/state/locks/rows.ts";
import type {
  LockHolder,
  LockLease,
  LockWaiter,
} from "../../../src/state/locks/types.ts";

/** Rows in memory, found by looking at all of them: slow, and hard to get wrong. */
export class MemoryLockRows implements LockRows {
  #leases: LockLease[] = [];
  #holders: LockHolder[] = [];
  #waiters: LockWaiter[] = [];
  lastToken = 0;

  get sizes(): LockSizes {
    return {
      leases: this.#leases.length,
      holders: this.#holders.length,
      waiters: this.#waiters.length,
    };
  }

  get nextDueMs(): number {
    return Math.min(
      ...this.#leases.map(({ deadlineMs }) => deadlineMs),
      ...this.#holders.map(({ claimByMs }) => claimByMs ?? Infinity),
      ...this.#waiters.map(({ untilMs }) => untilMs),
    );
  }

  /** Everything, in a canonical form. */
  dump(): unknown {
    const all = [...this.#leases, ...this.#holders, ...this.#waiters];
    return [this.lastToken, ...all.map((row) => JSON.stringify(row)).sort()];
  }

  lease(id: number): LockLease | null {
    return this.#leases.find((lease) => lease.id === id) ?? null;
  }

  addLease(lease: LockLease): void {
    this.#leases.push(lease);
    this.#leases.sort((a, b) => a.deadlineMs - b.deadlineMs || a.id - b.id);
  }

  moveLease({ id }: LockLease, deadlineMs: number): void {
    const lease = this.lease(id)!;
    this.dropLease(lease);
    this.addLease({ ...lease, deadlineMs });
  }

  dropLease({ id }: LockLease): void {
    this.#leases = this.#leases.filter((lease) => lease.id !== id);
  }

  usage(name: string): LockUsage {
    const holders = this.#holders.filter((row) => row.name === name);
    const waiters = this.#waiters.filter((row) => row.name === name);
    return {
      used: holders.reduce((sum, { permits }) => sum + permits, 0),
      waiters: waiters.length,
      limit: holders[0]?.limit ?? waiters[0]?.limit ?? null,
    };
  }

  holder(name: string, token: number): LockHolder | null {
    return this.#holders.find((row) =>
      row.name === name && row.token === token
    ) ?? null;
  }

  holderOfTicket(name: string, ticket: number): LockHolder | null {
    return this.#holders.find((row) =>
      row.name === name && row.ticket === ticket
    ) ?? null;
  }

  firstHolder(name: string): LockHolder | null {
    return this.#holders.find((row) => row.name === name) ?? null;
  }

  claimHolder(holder: LockHolder): void {
    this.dropHolder(holder);
    this.addHolder({ ...holder, claimByMs: null });
  }

  addHolder(holder: LockHolder): void {
    this.#holders.push(holder);
    this.#holders.sort((a, b) => a.token - b.token);
  }

  dropHolder({ name, token }: LockHolder): void {
    this.#holders = this.#holders.filter((row) =>
      row.name !== name || row.token !== token
    );
  }

  waiter(name: string, ticket: number): LockWaiter | null {
    return this.#waiters.find((row) =>
      row.name === name && row.ticket === ticket
    ) ?? null;
  }

  firstWaiter(name: string): LockWaiter | null {
    return this.#waiters.find((row) => row.name === name) ?? null;
  }

  addWaiter(waiter: LockWaiter): void {
    this.#waiters.push(waiter);
    this.#waiters.sort((a, b) => a.ticket - b.ticket);
  }

  dropWaiter({ name, ticket }: LockWaiter): void {
    this.#waiters = this.#waiters.filter((row) =>
      row.name !== name || row.ticket !== ticket
    );
  }

  heldBy(lease: number): LockHolder | null {
    return this.#holders.find((row) => row.lease === lease) ?? null;
  }

  waitingBy(lease: number): LockWaiter | null {
    return this.#waiters.find((row) => row.lease === lease) ?? null;
  }

  firstDue(clockMs: number): DueLock | null {
    const [lease] = this.#leases;
    if (lease !== undefined && lease.deadlineMs <= clockMs) {
      return { kind: "lease", lease };
    }
    const [holder] = this.#holders.filter(({ claimByMs }) =>
      claimByMs !== null && claimByMs <= clockMs
    ).sort((a, b) => a.claimByMs! - b.claimByMs! || a.token - b.token);
    if (holder !== undefined) return { kind: "grant", holder };
    const [waiter] = this.#waiters.filter(({ untilMs }) => untilMs <= clockMs)
      .sort((a, b) => a.untilMs - b.untilMs || a.ticket - b.ticket);
    return waiter === undefined ? null : { kind: "waiter", waiter };
  }

  deadHolders(name: string, clockMs: number): LockHolder[] {
    return this.#holders.filter((row) =>
      row.name === name &&
      ((row.claimByMs ?? Infinity) <= clockMs ||
        this.lease(row.lease)!.deadlineMs <= clockMs)
    );
  }
}
