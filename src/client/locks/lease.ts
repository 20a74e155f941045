import { LOCK_CHANGE } from "../../api/routes/lock.ts";
import type { LogIndex } from "../../raft/types.ts";
import { HiqliteError } from "../../errors.ts";
import { pause } from "../../util/abort.ts";
import { startTimer } from "../../util/timers.ts";
import type { Transport } from "../transport.ts";

/** Of the time that a lease has, so much is left out: clocks of machines do not run equally fast. */
const MARGIN = 0.1;
/** A renewal that failed is tried again after so much of the lease's time. */
const RETRY_PART = 1 / 12;

/** What could not be given back is tried again after so long, ms. */
const OWED_MS = 1_000;

/** How long a client that is shut down waits for the cluster to end its lease, ms; else its time does. */
const CLOSE_MS = 2_000;

/** When something was sent, by this process's clock, and the cluster clock of the entry that it became. */
export interface ClockAnchor {
  /** By `performance.now()`, ms. */
  readonly sentMs: number;
  /** Ms. */
  readonly clockMs: number;
}

/**
 * Until when, by this process's clock, certainly no entry has come to `dueMs` of the cluster clock: entries stamp time that passed, the
 * one of the anchor was stamped after it was sent, and a tenth of what lies between is left out for clocks that run unequally fast.
 */
export function certainUntil(
  { sentMs, clockMs }: ClockAnchor,
  dueMs: number,
): number {
  return sentMs + (1 - MARGIN) * (dueMs - clockMs);
}

/** Hears that a lease is lost. */
type LeaseLost = (error: HiqliteError) => void;

/**
 * The lease that a client's locks of one time to live hang on, as the client sees it. It is over, for the client, when
 * that time after the last successful renewal was sent, less a tenth, is over: earlier than for the cluster, which began to count
 * when it received it. Everything it says of that is by the monotonic clock at that moment, so a
 * process that was stopped knows it as soon as it asks.
 */
export class ClientLease {
  readonly id: LogIndex;
  readonly #transport: Transport;
  readonly #ttlMs: number;
  readonly #users = new Set<LeaseLost>();
  readonly #over = new AbortController();
  #deadlineMs: number;
  #renewedMs: number;
  #anchor: ClockAnchor;
  #failure: HiqliteError | null = null;
  #renewing = false;
  #timer: ReturnType<typeof startTimer> | undefined;

  private constructor(
    transport: Transport,
    ttlMs: number,
    id: LogIndex,
    anchor: ClockAnchor,
  ) {
    const { sentMs } = anchor;
    this.#anchor = anchor;
    this.#transport = transport;
    this.#ttlMs = ttlMs;
    this.id = id;
    this.#renewedMs = sentMs;
    this.#deadlineMs = sentMs + (1 - MARGIN) * ttlMs;
  }

  /** Opens a lease of `ttlMs`. */
  static async open(
    transport: Transport,
    ttlMs: number,
    owner: string,
  ): Promise<ClientLease> {
    const sentMs = performance.now();
    const { answer } = await transport.call(LOCK_CHANGE, {
      operation: { kind: "open", ttlMs, owner },
    }, {});
    if (answer.kind !== "leased") throw lostLease("it was not opened");
    const { lease, clockMs } = answer;
    return new ClientLease(transport, ttlMs, lease, { sentMs, clockMs });
  }

  /** Whether it is certainly held now. */
  get lives(): boolean {
    if (this.#failure !== null) return false;
    if (performance.now() < this.#deadlineMs) return true;
    this.#end(lostLease(`it was not renewed for ${this.#ttlMs} ms`));
    return false;
  }

  /** Until when what ends at `dueMs` of the cluster clock certainly has not ended, by this process's clock. */
  certainUntil(dueMs: number): number {
    return certainUntil(this.#anchor, dueMs);
  }

  /** Why it is over; null if it is not. */
  get failure(): HiqliteError | null {
    return this.lives ? null : this.#failure;
  }

  /** Renews it as long as somebody uses it; `lost` hears that it is over, at once if it is. Answers what ends the use. */
  use(lost: LeaseLost): () => void {
    this.#users.add(lost);
    if (this.failure !== null) {
      queueMicrotask(() => {
        if (this.#users.delete(lost)) lost(this.#failure!);
      });
    }
    this.#schedule();
    return () => {
      this.#users.delete(lost);
      this.#schedule();
    };
  }

  /** Something that was sent at `sentMs` has renewed it. */
  renewed(sentMs: number): void {
    if (!this.lives || sentMs <= this.#renewedMs) return;
    this.#renewedMs = sentMs;
    this.#deadlineMs = sentMs + (1 - MARGIN) * this.#ttlMs;
    this.#schedule();
  }

  /** Asks the cluster whether it lives, and renews it by that. @throws {HiqliteError} */
  async ask(): Promise<void> {
    if (!this.lives) return;
    const sentMs = performance.now();
    const timeoutMs = Math.max(1, Math.ceil(this.#deadlineMs - sentMs));
    const { answer } = await this.#transport.call(LOCK_CHANGE, {
      operation: { kind: "renew", lease: this.id },
      timeoutMs,
    }, { timeoutMs });
    if (answer.kind === "leased") {
      this.renewed(sentMs);
      // Of several on their way, each is true.
      this.#anchor = { sentMs, clockMs: answer.clockMs };
    } else this.#end(lostLease("its time was over"));
  }

  /**
   * Does `giveBack` until it succeeds or the lease is over. What hangs on the lease and nobody wants any more would be
   * held for ever, since other locks of this client renew it.
   */
  async owe(giveBack: () => Promise<unknown>): Promise<void> {
    while (this.lives) {
      try {
        await giveBack();
        return;
      } catch {
        await pause(OWED_MS, this.#over.signal);
      }
    }
  }

  /** Ends it for everybody, in the cluster too. */
  async close(): Promise<void> {
    if (!this.lives) return;
    this.#end(lostLease("the client was shut down"));
    await this.#transport.call(LOCK_CHANGE, {
      operation: { kind: "end", lease: this.id },
    }, { timeoutMs: CLOSE_MS });
  }

  #schedule(afterMs?: number): void {
    clearTimeout(this.#timer);
    if (this.#users.size === 0 || this.#failure !== null) return;
    const now = performance.now();
    const renewMs = afterMs ?? this.#renewedMs + this.#ttlMs / 3 - now;
    const next = this.#renewing
      ? this.#deadlineMs - now
      : Math.min(renewMs, this.#deadlineMs - now);
    this.#timer = startTimer(() => {
      if (!this.lives || this.#renewing) return;
      void this.#renew();
    }, Math.max(0, Math.ceil(next)));
  }

  async #renew(): Promise<void> {
    this.#renewing = true;
    this.#schedule();
    let retryMs: number | undefined;
    try {
      await this.ask();
    } catch {
      // It may be renewed until its time is over.
      retryMs = this.#ttlMs * RETRY_PART;
    }
    this.#renewing = false;
    this.#schedule(retryMs);
  }

  #end(error: HiqliteError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#over.abort();
    clearTimeout(this.#timer);
    for (const lost of [...this.#users]) lost(error);
    this.#users.clear();
  }
}

function lostLease(why: string): HiqliteError {
  return new HiqliteError("lock_lost", `The lease of the lock is over: ${why}`);
}
