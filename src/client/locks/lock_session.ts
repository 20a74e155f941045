import { LOCK_ACQUIRE, LOCK_LIST } from "../../api/routes/lock.ts";
import { type ErrorCode, HiqliteError } from "../../errors.ts";
import type {
  LockGrant,
  LockListAnswer,
  LockListRequest,
} from "../../node/lock_port.ts";
import {
  ALL_PERMITS,
  LOCK_LIMITS,
  LOCK_TTL_MS,
  type LockWish,
} from "../../state/locks/types.ts";
import type { CallOptions } from "../call_options.ts";
import type { Transport } from "../transport.ts";
import { ClientLease } from "./lease.ts";
import { giveBack, Lock } from "./lock.ts";
import { claimFirst } from "./unclaimed_grant.ts";
import type { LockOptions } from "./types.ts";

/** What an answer may need beside the wait for the lock, ms. */
const ANSWER_MS = 15_000;
/** A lock is asked for so often if the lease, or the place in the queue, was lost meanwhile. */
const LEASES_TRIED = 3;

/** How long it is asked at a time what became of a request that was given up, ms. */
const AGAIN_MS = 2_000;
/** What says that nothing was granted, nor will be by this request. */
const CLEAR: ReadonlySet<ErrorCode> = new Set([
  "lock_held",
  "lock_lost",
  "conflict",
  "invalid",
  "too_large",
  "overloaded",
  "unauthorized",
  "session_expired",
]);

/** What all locks of a client share: one lease for each time to live. */
export class LockSession {
  readonly #transport: Transport;
  readonly #owner: string;
  readonly #leases = new Map<number, Promise<ClientLease>>();

  /** Of one client; nothing is sent before the first lock. */
  constructor(transport: Transport, owner: string) {
    this.#transport = transport;
    this.#owner = owner;
  }

  /** Gets a lock. @throws {HiqliteError} */
  async lock(name: string, options: LockOptions): Promise<Lock> {
    const { waitMs = LOCK_LIMITS.waitMsMax, signal } = options;
    const begun = performance.now();
    for (let tried = 1;; tried++) {
      signal?.throwIfAborted();
      const lease = await this.#lease(options.ttlMs ?? LOCK_TTL_MS);
      const waited = Math.floor(performance.now() - begun);
      const left = waitMs === 0 ? 0 : Math.max(1, waitMs - waited);
      try {
        return await this.#ask(
          lease,
          wishOf(name, lease, options, left),
          options,
        );
      } catch (error) {
        if (!(error instanceof HiqliteError)) throw error;
        // A request that broke off gives its place back, which is also that of its repetition at another member.
        const early = error.code === "lock_held" &&
          performance.now() - begun < waitMs;
        if (error.code !== "lock_lost" && !early) throw error;
        // It may have been the place in the queue alone; all other locks hang on the lease.
        await lease.ask();
        if (tried === LEASES_TRIED) throw error;
      }
    }
  }

  /** Who holds locks. */
  list(
    request: LockListRequest,
    { signal, timeoutMs }: CallOptions,
  ): Promise<LockListAnswer> {
    const wait = request.waitMs ?? 0;
    return this.#transport.call(
      LOCK_LIST,
      {
        ...request,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(signal === undefined ? {} : { signal }),
      },
      {
        timeoutMs: (timeoutMs ?? ANSWER_MS) + wait,
        ...(signal === undefined ? {} : { signal }),
      },
    );
  }

  /** Ends all leases, and with them all locks; a cluster that cannot be asked ends them by their time. */
  async close(): Promise<void> {
    const leases = [...this.#leases.values()];
    this.#leases.clear();
    await Promise.allSettled(
      leases.map(async (lease) => await (await lease).close()),
    );
  }

  async #ask(
    lease: ClientLease,
    wish: LockWish,
    { signal }: LockOptions,
  ): Promise<Lock> {
    // It is renewed while it waits, too.
    const lost = new AbortController();
    const unuse = lease.use((error) => lost.abort(error));
    const sentMs = performance.now();
    const given = signal === undefined
      ? lost.signal
      : AbortSignal.any([signal, lost.signal]);
    const acquire = this.#acquiring(wish);
    try {
      const { token, unclaimed } = await acquire(
        wish.waitMs + ANSWER_MS,
        given,
      );
      lease.renewed(sentMs);
      const fence = { name: wish.name, token };
      if (unclaimed === undefined) {
        return new Lock(this.#transport, lease, fence);
      }
      const grant = { ...fence, ...unclaimed };
      const early = performance.now() < lease.certainUntil(grant.claimByMs);
      if (!early) await claimFirst(this.#transport, lease, grant);
      return new Lock(this.#transport, lease, early ? grant : fence);
    } catch (error) {
      if (given.aborted || isUnclear(error)) {
        void lease.owe(() => this.#undo(wish, acquire));
      }
      throw error;
    } finally {
      unuse();
    }
  }

  /** A request for a lock, which can be sent again: it is the same one by its key. */
  #acquiring(wish: LockWish): Acquire {
    const idempotencyKey = crypto.randomUUID();
    return async (timeoutMs, signal) => {
      return await this.#transport.call(
        LOCK_ACQUIRE,
        { wish, signal, idempotencyKey, claimLater: true },
        { timeoutMs, signal, idempotencyKey },
      );
    };
  }

  /** Asks what became of a request, and gives back what it was granted; while it waits, its place, by asking no longer. */
  async #undo({ name }: LockWish, acquire: Acquire): Promise<void> {
    try {
      const { token } = await acquire(AGAIN_MS, AbortSignal.timeout(AGAIN_MS));
      await giveBack(this.#transport, { name, token });
    } catch (error) {
      if (isUnclear(error)) throw error;
    }
  }

  /** The lease of this time to live, if it is good for another lock; else a new one. */
  async #lease(ttlMs: number): Promise<ClientLease> {
    for (;;) {
      const opening = this.#leases.get(ttlMs) ?? this.#open(ttlMs);
      const lease = await opening;
      if (lease.lives) return lease;
      if (this.#leases.get(ttlMs) === opening) this.#leases.delete(ttlMs);
    }
  }

  #open(ttlMs: number): Promise<ClientLease> {
    const opening = ClientLease.open(this.#transport, ttlMs, this.#owner);
    this.#leases.set(ttlMs, opening);
    opening.catch(() => {
      if (this.#leases.get(ttlMs) === opening) this.#leases.delete(ttlMs);
    });
    return opening;
  }
}

/** Asks for a lock, for so long at most. */
type Acquire = (timeoutMs: number, signal: AbortSignal) => Promise<LockGrant>;

/** Whether something may have been granted of which this client does not know. */
function isUnclear(error: unknown): boolean {
  return !(error instanceof HiqliteError) || !CLEAR.has(error.code);
}

function wishOf(
  name: string,
  lease: ClientLease,
  { permits, limit, shared = false, value = "" }: LockOptions,
  waitMs: number,
): LockWish {
  if (limit === undefined && permits !== undefined) {
    throw new HiqliteError("invalid", "permits: mean nothing without a limit");
  }
  if (limit !== undefined && shared) {
    throw new HiqliteError("invalid", "shared: means nothing beside a limit");
  }
  return {
    name,
    lease: { id: lease.id },
    permits: limit === undefined ? (shared ? 1 : ALL_PERMITS) : permits ?? 1,
    limit: limit ?? ALL_PERMITS,
    waitMs,
    value,
  };
}
