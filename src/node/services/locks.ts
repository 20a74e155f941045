import { HiqliteError } from "../../errors.ts";
import type { RaftGroup } from "../../group/group.ts";
import type { LogIndex } from "../../raft/types.ts";
import type { Answer } from "../../state/answer.ts";
import { decodeLockAnswer } from "../../state/locks/codec.ts";
import type { LockAnswer, LockOperation } from "../../state/locks/types.ts";
import { validateLockOperation } from "../../state/locks/validate.ts";
import { writeCommand } from "../../state/sql/command.ts";
import { untilAborted } from "../../util/abort.ts";
import type { Clock } from "../../util/clock.ts";
import { startTimer } from "../../util/timers.ts";
import { DeadlineWaiters } from "../../util/deadline_waiters.ts";
import type { Proposer } from "../groups/proposer.ts";
import type {
  LockAcquireRequest,
  LockChangeAnswer,
  LockChangeRequest,
  LockGrant,
  LockListAnswer,
  LockListRequest,
  MemberLocks,
} from "../lock_port.ts";
import type { QueryAnswer, QueryRequest } from "../port.ts";
import { listLocks } from "./lock_list.ts";
import { refusedLock } from "./lock_refusal.ts";
import {
  type LockAsk,
  LockWaits,
  type TicketFate,
  type TicketGrant,
} from "./lock_waits.ts";

/** An operation that a leader took may need this long, ms. */
const TIMEOUT_MS = 120_000;
/** The cluster clock decides when a wait is over; a member that does not hear of it gives up so much later, ms. */
const LATE_MS = 2_000;
/** How long a ticket that nobody wants is tried to be given back, ms. */
const CANCEL_MS = 10_000;
/** How long a member that stops tries to give back the places of those who cannot go on elsewhere, ms. */
const LEAVE_MS = 2_000;
/** Waits for locks at one member. */
const WAITS_MAX = 100_000;

/** What the locks need from their node. */
export interface LocksPorts {
  readonly clock: Clock;
  readonly proposer: Proposer;
  group(): RaftGroup | null;
  query(request: QueryRequest): Promise<QueryAnswer>;
}

/** How waiting for a ticket ended. */
type Ended = TicketFate | "late" | "aborted" | "closed";

/** The locks of a member: operations through the log, waits for the group's events. */
export class Locks implements MemberLocks {
  readonly #ports: LocksPorts;
  readonly #waits: LockWaits;
  readonly #deadlines = new DeadlineWaiters();
  readonly #ends = new Set<(ended: Ended) => void>();
  /** Requests under way without a key: nobody can go on with them elsewhere. */
  readonly #keyless = new Set<Promise<LockGrant>>();
  #closed = false;

  /** Waits and proposes through `ports`. */
  constructor(ports: LocksPorts) {
    this.#ports = ports;
    this.#waits = new LockWaits(() => ports.group());
  }

  /** See {@linkcode MemberLocks.change}. */
  async change(request: LockChangeRequest): Promise<LockChangeAnswer> {
    const { operation } = request;
    validateLockOperation(operation);
    const { index, answer } = await this.#propose(operation, request);
    if (answer.kind === "full") throw refusedLock(answer, "");
    return { index, answer };
  }

  /** See {@linkcode MemberLocks.acquire}. */
  async acquire(request: LockAcquireRequest): Promise<LockGrant> {
    const got = this.#acquire(request);
    if (request.idempotencyKey !== undefined) return await got;
    this.#keyless.add(got);
    try {
      return await got;
    } finally {
      this.#keyless.delete(got);
    }
  }

  async #acquire(request: LockAcquireRequest): Promise<LockGrant> {
    const { wish, signal } = request;
    const operation = { kind: "acquire", wish } as const;
    validateLockOperation(operation);
    signal?.throwIfAborted();
    if (this.#waits.size >= WAITS_MAX) {
      throw new HiqliteError(
        "overloaded",
        `There are ${WAITS_MAX} waits for locks at this member, the most it takes: ask another one`,
      );
    }
    const ask = this.#waits.asks();
    const proposed = this.#propose(operation, request);
    try {
      const { index, answer } = await untilAborted(signal, () => proposed);
      if (answer.kind === "waiting") {
        return await this.#await(request, answer.ticket, ask);
      }
      return granted(answer, index, wish.name);
    } catch (error) {
      if (signal?.aborted) this.#giveBack(wish.name, proposed);
      throw error;
    } finally {
      this.#waits.knows(ask);
    }
  }

  /** See {@linkcode MemberLocks.list}. */
  async list(request: LockListRequest): Promise<LockListAnswer> {
    return await listLocks(request, {
      clock: this.#ports.clock,
      query: (request) => this.#ports.query(request),
      changed: (name, wake) => this.#waits.name(name, wake),
      closed: () => this.#closed,
    });
  }

  /** Ends waits whose time is over. Call it a few times a second. */
  tick(): void {
    this.#deadlines.tick(this.#ports.clock.monotonic());
    this.#waits.tick();
  }

  /**
   * Ends all waits. Who gave a key keeps its place, and goes on at another member with it; the places of the others
   * are given back, or those behind them would wait for the claim of nobody. Resolves when that is done or cannot be.
   */
  async close(): Promise<void> {
    this.#closed = true;
    for (const end of [...this.#ends]) end("closed");
    this.#waits.wakeAll();
    const late = Promise.withResolvers<void>();
    const timer = startTimer(late.resolve, LEAVE_MS);
    await Promise.race([Promise.allSettled(this.#keyless), late.promise]);
    clearTimeout(timer);
  }

  /** Until a ticket's fate is known, and what it was granted is claimed. */
  async #await(
    request: LockAcquireRequest,
    ticket: LogIndex,
    asked: LockAsk,
  ): Promise<LockGrant> {
    const { wish: { name, waitMs }, signal, timeoutMs } = request;
    const { clock } = this.#ports;
    const deadline = clock.monotonic() + waitMs + LATE_MS;
    let ask = asked;
    try {
      // A repeated request: what became of its ticket may be long ago.
      let look = ticket <= ask.since;
      for (;;) {
        const ended = look
          ? "look"
          : await this.#ended(ticket, ask, deadline, signal);
        look = false;
        if (ended !== "look" && typeof ended === "string") {
          return await this.#refuse(ended, ticket, request);
        }
        if (ended !== "look" && request.claimLater) {
          return unclaimed(request, ticket, ended);
        }
        this.#waits.knows(ask);
        ask = this.#waits.asks();
        const { index, answer } = await this.#propose(
          { kind: "claim", name, ticket },
          timeoutMs === undefined ? {} : { timeoutMs },
        );
        signal?.throwIfAborted();
        if (answer.kind !== "waiting") return granted(answer, index, name);
      }
    } finally {
      this.#waits.knows(ask);
    }
  }

  /** @throws {HiqliteError} why a wait ended without a grant. */
  async #refuse(
    ended: Exclude<Ended, TicketGrant | "look">,
    ticket: LogIndex,
    { wish: { name }, signal, idempotencyKey }: LockAcquireRequest,
  ): Promise<never> {
    switch (ended) {
      case "late":
        // Nobody may be able to say, and then that is the answer.
        await this.#cancel(name, ticket);
        throw waitIsOver(name);
      case "gone":
        throw waitIsOver(name);
      case "aborted":
        throw signal!.reason;
      case "closed":
        if (idempotencyKey === undefined) {
          // If it cannot be, its time ends it.
          await this.#cancel(name, ticket).catch(() => {});
        }
        throw new HiqliteError(
          "shutting_down",
          "This member is stopping: wait at another one, with the same key",
        );
    }
  }

  #ended(
    ticket: LogIndex,
    ask: LockAsk,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<Ended> {
    return new Promise((resolve) => {
      const end = (ended: Ended): void => {
        this.#deadlines.delete(waiter);
        this.#ends.delete(end);
        signal?.removeEventListener("abort", abort);
        unwatch();
        resolve(ended);
      };
      const waiter = { deadline, late: () => end("late") };
      const abort = (): void => end("aborted");
      let unwatch = (): void => {};
      if (this.#closed || signal?.aborted) {
        this.#waits.knows(ask);
        return end(this.#closed ? "closed" : "aborted");
      }
      this.#deadlines.add(waiter);
      this.#ends.add(end);
      signal?.addEventListener("abort", abort);
      unwatch = this.#waits.ticket(ticket, ask, end);
      this.#waits.knows(ask);
    });
  }

  /** Nobody wants what was asked for any more, whatever it comes to. */
  #giveBack(name: string, proposed: Promise<{ index: LogIndex }>): void {
    proposed.then(({ index }) => this.#cancel(name, index))
      // Its lease ends by itself.
      .catch(() => {});
  }

  #cancel(name: string, ticket: LogIndex): Promise<unknown> {
    return this.#propose({ kind: "cancel", name, ticket }, {
      timeoutMs: CANCEL_MS,
    });
  }

  async #propose(
    operation: LockOperation,
    { timeoutMs = TIMEOUT_MS, idempotencyKey = "" }: {
      readonly timeoutMs?: number;
      readonly idempotencyKey?: string;
    },
  ): Promise<{ index: LogIndex; answer: LockAnswer }> {
    const answer: Answer = await this.#ports.proposer.propose({
      body: (writer) => writeCommand(writer, { kind: "lock", operation }),
      idempotencyKey,
      timeoutMs,
    });
    const { index, refusal, body } = answer;
    if (refusal !== null) throw new HiqliteError(refusal.code, refusal.message);
    return { index, answer: decodeLockAnswer(body) };
  }
}

function granted(answer: LockAnswer, index: LogIndex, name: string): LockGrant {
  if (answer.kind !== "granted") throw refusedLock(answer, name);
  const { token, lease, ttlMs } = answer;
  return { token, lease, ttlMs, index };
}

/** What whoever waited is told of a grant that it claims by itself. */
function unclaimed(
  { wish: { lease }, signal }: LockAcquireRequest,
  ticket: LogIndex,
  { token, index, claim: { byMs, ttlMs } }: TicketGrant,
): LockGrant {
  signal?.throwIfAborted();
  return {
    token,
    // One that was opened for this lock alone has the index of the entry that asked.
    lease: "id" in lease ? lease.id : ticket,
    ttlMs,
    index,
    unclaimed: { ticket, claimByMs: byMs },
  };
}

function waitIsOver(name: string): HiqliteError {
  return new HiqliteError(
    "lock_held",
    `The lock ${
      JSON.stringify(name)
    } was not granted: the wait is over, or the lease that waited`,
  );
}
