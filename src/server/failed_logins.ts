import { HiqliteError } from "../errors.ts";
import { type Clock, systemClock } from "../util/clock.ts";
import type { Logger } from "../util/logger.ts";
import { systemTimers, type Timers } from "../util/timers.ts";

/** Why a request was not let in. */
export type LoginFailure =
  | "missing"
  | "wrong secret"
  | "unknown token"
  | "wrong token"
  | "expired token";

/** How long a wrong secret waits for its answer, ms. */
const DELAY_MS = 500;
/** How many may wait at a time: more are refused at once. So a member answers 128 guesses a second at most. */
const WAITING_MAX = 64;
/** The least time between two lines about one kind, ms. */
const QUIET_MS = 1000;

/** What failed logins are told to, and how slow they are. */
export interface FailedLoginsOptions {
  readonly logger?: Logger | undefined;
  /** @default {500} */
  readonly delayMs?: number | undefined;
  /** @default the machine's */
  readonly clock?: Pick<Clock, "monotonic">;
  /** @default the machine's */
  readonly timers?: Timers;
}

/** More secrets and tokens were guessed than may wait for their answers. */
class GuessesError extends HiqliteError {
  override readonly name = "GuessesError";

  constructor() {
    super(
      "overloaded",
      `${WAITING_MAX} wrong secrets or tokens wait for their answers already, the most there may be: try again`,
    );
  }
}

/**
 * Whether its answer ends the connection: whoever guesses takes a new one for each guess, and meets the limits of
 * connections. A client that knows a secret never hears of it.
 */
export function endsConnection(error: HiqliteError): boolean {
  return error.code === "unauthorized" || error instanceof GuessesError;
}

/** Requests that are not let in: counted, logged, and slowed. Whoever knows a secret never comes here. */
export class FailedLogins {
  readonly #logger: Logger | undefined;
  readonly #delayMs: number;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #timers: Timers;
  #total = 0;
  #waiting = 0;
  /** Of each kind: when it was logged last, and how many there were since. */
  readonly #told = new Map<LoginFailure, { atMs: number; untold: number }>();

  /** Of one application. */
  constructor(options: FailedLoginsOptions) {
    this.#logger = options.logger;
    this.#delayMs = options.delayMs ?? DELAY_MS;
    this.#clock = options.clock ?? systemClock;
    this.#timers = options.timers ?? systemTimers;
  }

  /** How many there were. */
  get total(): number {
    return this.#total;
  }

  /** Counts one, and says so in the log, once a second at most; never what was sent. */
  note(kind: LoginFailure): void {
    this.#total++;
    const told = this.#told.get(kind) ?? { atMs: -Infinity, untold: 0 };
    this.#told.set(kind, told);
    told.untold++;
    const now = this.#clock.monotonic();
    if (now - told.atMs < QUIET_MS) return;
    this.#logger?.warn("requests were not let in", {
      reason: kind,
      count: told.untold,
    });
    told.atMs = now;
    told.untold = 0;
  }

  /**
   * Waits before a guess is answered, whether its client waits or not: who leaves makes no room.
   * @throws {HiqliteError} `overloaded` at once if too many wait.
   */
  async slow(): Promise<void> {
    if (this.#waiting >= WAITING_MAX) throw new GuessesError();
    this.#waiting++;
    await new Promise<void>((resume) =>
      this.#timers.after(this.#delayMs, resume)
    );
    this.#waiting--;
  }
}
