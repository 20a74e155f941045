import { HiqliteError, OutcomeUnknownError } from "../errors.ts";
import { exchange, type ExchangeRequest, type Reach } from "./exchange.ts";
import { pause } from "../util/abort.ts";
import { startTimer } from "../util/timers.ts";

/** How the members are reached. */
export interface FailoverOptions extends Reach {
  /** Base URLs without a final slash. */
  readonly urls: readonly string[];
}

/** First and longest pause after every member was tried, ms. */
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 1000;

/** When nobody listens anywhere for so long, a request that was certainly not done is given up, ms: time for a member to start. */
const CLOSED_MS_MAX = 3000;

/** Sends requests to one member while it answers, then to the next. */
export class Failover {
  readonly #options: FailoverOptions;
  readonly #closing = new AbortController();
  #current = 0;
  /** Members that answered over a connection that may be open still: `fetch` may have sent a request there before it found nobody. */
  readonly #connected = new Set<number>();
  /** Whether any address has ever been one of a member. */
  #met = false;

  /** Starts with the first URL. */
  constructor(options: FailoverOptions) {
    this.#options = options;
  }

  /** Ends what is under way with `shutting_down`; later requests fail alike. */
  close(): void {
    this.#closing.abort(
      new HiqliteError(
        "shutting_down",
        "This client was shut down; connect() makes a new one",
      ),
    );
  }

  /**
   * Sends until there is an answer, an error that repeating cannot mend, or no
   * time left; returns the body: JSON, or the text of a route that has one.
   *
   * @throws {HiqliteError} as the member says; `outcome_unknown` if a write was sent and no answer came.
   */
  async send(request: ExchangeRequest): Promise<unknown> {
    this.#closing.signal.throwIfAborted();
    request.signal?.throwIfAborted();
    const deadline = performance.now() + request.timeoutMs;
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    const signals = [this.#closing.signal];
    if (request.signal !== undefined) signals.push(request.signal);
    for (const signal of signals) signal.addEventListener("abort", abort);
    const timer = startTimer(abort, request.timeoutMs);
    try {
      return await this.#attempts(request, deadline, stop.signal);
    } catch (error) {
      // The caller gets its own reason, not the error that its abort caused.
      request.signal?.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener("abort", abort);
    }
  }

  async #attempts(
    request: ExchangeRequest,
    deadline: number,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { urls } = this.#options;
    let pauseMs = PAUSE_MS_MIN;
    let maybeApplied = false;
    let last: HiqliteError | undefined;
    let closedSince: number | undefined;
    let nowhere = 0;
    // Bounded by the deadline: `signal` aborts, and every round but the first pauses.
    for (let attempt = 0; !signal.aborted; attempt++) {
      const at = this.#current;
      const remaining = Math.max(1, Math.floor(deadline - performance.now()));
      const outcome = await exchange({
        ...this.#options,
        url: urls[at]!,
        request,
        timeoutMs: remaining,
        signal,
      });
      const closed = outcome.kind === "closed" || outcome.kind === "nowhere";
      const doubtful = closed && this.#connected.delete(at);
      if (!closed) {
        this.#connected.add(at);
        this.#met = true;
      }
      if (outcome.kind === "answer") return outcome.body;
      if (outcome.kind === "failed") {
        // The member may be cut off, so the next request goes to another one.
        if (outcome.error.code === "timeout") this.#moveOn(at, false);
        if (!maybeApplied) throw outcome.error;
        throw this.#verdict(request, true, outcome.error);
      }
      last = outcome.error;
      if (outcome.kind === "lost" || doubtful) {
        if (request.route.repeat === "never") break;
        maybeApplied = true;
      }
      const busy = outcome.kind === "refused" &&
        outcome.error.code === "overloaded";
      this.#moveOn(at, busy);
      closedSince = closed ? closedSince ?? performance.now() : undefined;
      nowhere = outcome.kind === "nowhere" ? nowhere + 1 : 0;
      const hopeless = !this.#met && nowhere >= urls.length;
      if (!maybeApplied && (hopeless || this.#closedTooLong(closedSince))) {
        break;
      }
      const triedAll = (attempt + 1) % urls.length === 0;
      if (triedAll || outcome.waitMs > 0) {
        await pause(jittered(Math.max(pauseMs, outcome.waitMs)), signal);
        pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
      }
    }
    throw this.#verdict(request, maybeApplied, last);
  }

  /** Whether every attempt since `since` found nobody, and that is long enough for all members to have been asked. */
  #closedTooLong(since: number | undefined): boolean {
    return since !== undefined && performance.now() - since >= CLOSED_MS_MAX;
  }

  /** Leaves a member unless it is only busy, or a parallel request has left it already. */
  #moveOn(at: number, busy: boolean): void {
    if (!busy && this.#current === at) {
      this.#current = (at + 1) % this.#options.urls.length;
    }
  }

  #verdict(
    { route: { repeat, method, path }, timeoutMs }: ExchangeRequest,
    maybeApplied: boolean,
    last: HiqliteError | undefined,
  ): HiqliteError {
    const what = `${method} ${path} got no clear answer within ${timeoutMs} ms`;
    const why = last === undefined ? "" : `; last: ${last.message}`;
    if (repeat === "never" && last?.code === "outcome_unknown") {
      return new OutcomeUnknownError(
        `${method} ${path} may or may not have been done: ${last.message}`,
        { cause: last },
      );
    }
    if (repeat === "keyed" && maybeApplied) {
      return new OutcomeUnknownError(
        `${what}; it may or may not have been applied${why}`,
        { cause: last },
      );
    }
    if (this.#closing.signal.aborted) {
      return this.#closing.signal.reason as HiqliteError;
    }
    if (last !== undefined && last.code !== "outcome_unknown") return last;
    return new HiqliteError("timeout", `${what}${why}`, { cause: last });
  }
}

/** Between half and all of `ms`, so that clients do not come back together. */
function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}
