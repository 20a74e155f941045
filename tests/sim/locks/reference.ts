import { CLAIM_MS } from "../../../src/state/locks/table.ts";
import type {
  LockAnswer,
  LockEvent,
  LockFence,
  LockOperation,
  LockWish,
} from "../../../src/state/locks/types.ts";
import { Violation } from "../violation.ts";

interface Lease {
  readonly ttlMs: number;
  readonly single: boolean;
  readonly owner: string;
  endsMs: number;
}

interface Holder {
  readonly ticket: number;
  readonly token: number;
  readonly lease: number;
  readonly permits: number;
  claimByMs: number;
}

interface Waiter {
  readonly ticket: number;
  readonly lease: number;
  readonly permits: number;
  readonly untilMs: number;
}

interface Lock {
  limit: number;
  holders: Holder[];
  waiters: Waiter[];
}

/** What an operation is answered, and what is told of it first. */
interface Expected {
  readonly answer: LockAnswer;
  readonly told?: LockEvent;
}

const LOST: LockAnswer = { kind: "lost" };

/**
 * Leases and locks as lists, one entry after the other. What ends by its time is not decided here but
 * followed: each event must be allowed when it comes, and none may be left out.
 */
export class LockReference {
  readonly #leases = new Map<number, Lease>();
  readonly #locks = new Map<string, Lock>();
  #index = 0;
  #clockMs = 0;
  #token = 0;
  #told: LockEvent[] = [];

  /** An entry begins, of which `events` are told. */
  begin(index: number, clockMs: number, events: readonly LockEvent[]): void {
    this.#index = index;
    this.#clockMs = clockMs;
    this.#told = [...events];
    this.#settle();
  }

  /** How an operation of the entry must be answered. */
  run(operation: LockOperation): LockAnswer {
    const { answer, told } = this.#run(operation);
    if (told !== undefined) {
      const next = this.#told.shift();
      if (JSON.stringify(next) !== JSON.stringify(told)) {
        this.#wrong(
          `told of ${JSON.stringify(next)}, not ${JSON.stringify(told)}`,
        );
      }
      this.#follow(told);
    }
    this.#settle();
    return answer;
  }

  /** The entry is over: nothing else may be told of it. */
  end(): void {
    if (this.#told.length === 0) return;
    this.#wrong(`told of ${JSON.stringify(this.#told[0])} without a cause`);
  }

  /** Whether a write with this fence happens. */
  holds({ name, token }: LockFence): boolean {
    return this.#holder(name, (holder) => holder.token === token) !== undefined;
  }

  /** What SQL sees of a lock's token. */
  tokenOf(name: string): number | null {
    const holders = this.#locks.get(name)?.holders ?? [];
    return holders.length === 1 ? holders[0]!.token : null;
  }

  #run(operation: LockOperation): Expected {
    switch (operation.kind) {
      case "open": {
        const { ttlMs, owner } = operation;
        this.#open(ttlMs, owner, false);
        return {
          answer: {
            kind: "leased",
            lease: this.#index,
            ttlMs,
            clockMs: this.#clockMs,
          },
        };
      }
      case "renew":
        return { answer: this.#renew(operation.lease) };
      case "end": {
        const lease = this.#living(operation.lease);
        if (lease !== undefined) lease.endsMs = this.#clockMs;
        return {
          answer: { kind: "released", found: lease !== undefined },
        };
      }
      case "acquire":
        return this.#acquire(operation.wish);
      case "claim":
        return this.#claim(operation.name, operation.ticket);
      case "release": {
        const { name, token } = operation;
        return this.#giveBack(
          name,
          this.#holder(name, (holder) => holder.token === token),
        );
      }
      case "extend": {
        const { name, token } = operation;
        const holder = this.#holder(name, (one) => one.token === token);
        return {
          answer: holder === undefined ? LOST : this.#renew(holder.lease),
        };
      }
      case "cancel":
        return this.#cancel(operation.name, operation.ticket);
    }
  }

  #acquire(wish: LockWish): Expected {
    const { name, limit, permits, waitMs } = wish;
    const known = "id" in wish.lease ? this.#living(wish.lease.id) : undefined;
    if ("id" in wish.lease && known === undefined) return { answer: LOST };
    const lock = this.#locks.get(name);
    const inUse = lock !== undefined &&
      lock.holders.length + lock.waiters.length > 0;
    if (inUse && lock.limit !== limit) {
      return { answer: { kind: "mismatch", limit: lock.limit } };
    }
    const waiting = lock?.waiters.length ?? 0;
    const fits = waiting === 0 && usedOf(lock) + permits <= limit;
    if (!fits && waitMs === 0) {
      const first = lock?.holders[0];
      const owner = first === undefined
        ? ""
        : this.#leases.get(first.lease)!.owner;
      return { answer: { kind: "held", owner, waiting } };
    }
    const id = "id" in wish.lease ? wish.lease.id : this.#index;
    if (!("id" in wish.lease)) {
      this.#open(wish.lease.ttlMs, wish.lease.owner, true);
    }
    const lease = this.#leases.get(id)!;
    this.#prolong(lease);
    const ticket = this.#index;
    const waiter = {
      ticket,
      lease: id,
      permits,
      untilMs: this.#clockMs + waitMs,
    };
    const queued = lock ?? { limit, holders: [], waiters: [] };
    queued.limit = limit;
    this.#locks.set(name, queued);
    queued.waiters.push(waiter);
    if (!fits) {
      if (lease.single) lease.endsMs = waiter.untilMs + lease.ttlMs;
      return { answer: { kind: "waiting", ticket } };
    }
    const token = this.#nextToken();
    return {
      answer: { kind: "granted", token, lease: id, ttlMs: lease.ttlMs },
      told: { kind: "granted", name, ticket, token },
    };
  }

  #claim(name: string, ticket: number): Expected {
    const holder = this.#holder(name, (one) => one.ticket === ticket);
    if (holder === undefined) {
      const waits = this.#waiter(name, ticket) !== undefined;
      return { answer: waits ? { kind: "waiting", ticket } : LOST };
    }
    const { token, lease: id } = holder;
    const lease = this.#leases.get(id)!;
    this.#prolong(lease);
    const answer: LockAnswer = {
      kind: "granted",
      token,
      lease: id,
      ttlMs: lease.ttlMs,
    };
    return holder.claimByMs === Infinity
      ? { answer }
      : { answer, told: { kind: "claimed", name, ticket, token } };
  }

  #cancel(name: string, ticket: number): Expected {
    const holder = this.#holder(name, (one) => one.ticket === ticket);
    if (holder !== undefined || this.#waiter(name, ticket) === undefined) {
      return this.#giveBack(name, holder);
    }
    return {
      answer: { kind: "released", found: true },
      told: { kind: "gone", name, ticket, token: 0 },
    };
  }

  #giveBack(name: string, holder: Holder | undefined): Expected {
    if (holder === undefined) {
      return { answer: { kind: "released", found: false } };
    }
    const { ticket, token } = holder;
    return {
      answer: { kind: "released", found: true },
      told: { kind: "released", name, ticket, token },
    };
  }

  #open(ttlMs: number, owner: string, single: boolean): void {
    const endsMs = this.#clockMs + ttlMs;
    this.#leases.set(this.#index, { ttlMs, owner, single, endsMs });
  }

  #renew(id: number): LockAnswer {
    const lease = this.#living(id);
    if (lease === undefined) return LOST;
    this.#prolong(lease);
    const { ttlMs } = lease;
    return { kind: "leased", lease: id, ttlMs, clockMs: this.#clockMs };
  }

  #prolong(lease: Lease): void {
    lease.endsMs = Math.max(lease.endsMs, this.#clockMs + lease.ttlMs);
  }

  #living(id: number): Lease | undefined {
    const lease = this.#leases.get(id);
    return lease !== undefined && lease.endsMs > this.#clockMs
      ? lease
      : undefined;
  }

  #holder(
    name: string,
    wanted: (holder: Holder) => boolean,
  ): Holder | undefined {
    return this.#locks.get(name)?.holders.find(wanted);
  }

  #waiter(name: string, ticket: number): Waiter | undefined {
    return this.#locks.get(name)?.waiters.find((one) => one.ticket === ticket);
  }

  /** Follows what is told until nothing is due and nobody waits who could be served. */
  #settle(): void {
    for (;;) {
      const owed = this.#owed();
      if (owed === null) return;
      const next = this.#told.shift();
      if (next === undefined) this.#wrong(`nothing is told of ${owed}`);
      this.#allow(next!);
      this.#follow(next!);
    }
  }

  /** Something that must happen before the entry is over. */
  #owed(): string | null {
    for (const [name, lock] of this.#locks) {
      for (const holder of lock.holders) {
        if (this.#isDead(holder)) return `the end of ${holder.token}, ${name}`;
      }
      for (const waiter of lock.waiters) {
        if (this.#isOver(waiter)) return `the end of ${waiter.ticket}, ${name}`;
      }
      const [first] = lock.waiters;
      if (first !== undefined && usedOf(lock) + first.permits <= lock.limit) {
        return `a grant to ${first.ticket}, ${name}`;
      }
    }
    return null;
  }

  #isDead({ lease, claimByMs }: Holder): boolean {
    return claimByMs <= this.#clockMs || this.#living(lease) === undefined;
  }

  #isOver({ lease, untilMs }: Waiter): boolean {
    return untilMs <= this.#clockMs || this.#living(lease) === undefined;
  }

  /** What happens by time, or because something else has happened, must be due. */
  #allow(event: LockEvent): void {
    const { kind, name, ticket, token } = event;
    const told = JSON.stringify(event);
    const holder = this.#holder(name, (one) => one.ticket === ticket);
    const waiter = this.#waiter(name, ticket);
    switch (kind) {
      case "expired":
        if (holder?.token === token && this.#isDead(holder)) return;
        return this.#wrong(`${told} before its time`);
      case "gone":
        if (waiter !== undefined && this.#isOver(waiter)) return;
        return this.#wrong(`${told} before its time`);
      case "granted": {
        const lock = this.#locks.get(name);
        if (waiter === undefined || lock?.waiters[0] !== waiter) {
          return this.#wrong(`${told} out of turn`);
        }
        if (this.#isOver(waiter)) return this.#wrong(`${told} to the dead`);
        if (usedOf(lock) + waiter.permits > lock.limit) {
          return this.#wrong(`${told} beyond the limit`);
        }
        if (token !== this.#nextToken()) {
          return this.#wrong(`${told}, not token ${this.#nextToken()}`);
        }
        const { ttlMs } = this.#leases.get(waiter.lease)!;
        const byMs = this.#clockMs + Math.min(ttlMs, CLAIM_MS);
        if (event.claim?.byMs === byMs && event.claim.ttlMs === ttlMs) return;
        return this.#wrong(`${told}, not to be claimed by ${byMs}`);
      }
      default:
        this.#wrong(`${told} without a cause`);
    }
  }

  #follow({ kind, name, ticket, token }: LockEvent): void {
    const lock = this.#locks.get(name)!;
    const holder = lock.holders.find((one) => one.ticket === ticket);
    const waiter = lock.waiters.find((one) => one.ticket === ticket);
    if (kind === "claimed") {
      holder!.claimByMs = Infinity;
      return;
    }
    lock.waiters = lock.waiters.filter((one) => one !== waiter);
    lock.holders = lock.holders.filter((one) => one !== holder);
    if (kind === "granted") return this.#grant(lock, waiter!, token);
    const { lease } = (holder ?? waiter)!;
    if (this.#leases.get(lease)?.single) this.#leases.delete(lease);
  }

  /** At once if the entry that asked grants; else it must be claimed. */
  #grant(lock: Lock, waiter: Waiter, token: number): void {
    this.#token = token;
    const { ticket, lease: id, permits } = waiter;
    const lease = this.#leases.get(id)!;
    let claimByMs = Infinity;
    if (ticket !== this.#index) {
      claimByMs = this.#clockMs + Math.min(lease.ttlMs, CLAIM_MS);
      if (lease.single) lease.endsMs = this.#clockMs + lease.ttlMs;
    }
    lock.holders.push({ ticket, token, lease: id, permits, claimByMs });
  }

  #nextToken(): number {
    return Math.max(this.#index, this.#token + 1);
  }

  #wrong(what: string): void {
    throw new Violation("locks", `entry ${this.#index}: ${what}`);
  }
}

function usedOf(lock: Lock | undefined): number {
  return lock?.holders.reduce((sum, { permits }) => sum + permits, 0) ?? 0;
}
