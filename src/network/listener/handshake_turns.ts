/** How often turns come. */
export interface TurnLimits {
  /** How many come at once after a pause. @default {16} */
  readonly burst: number;
  /** From then on one comes every so many ms. @default {10} */
  readonly everyMs: number;
}

/** The defaults of {@linkcode TurnLimits}: work of 1 ms takes a tenth of a thread at most, and members of a cluster need no more at once. */
export const TURN_LIMITS: TurnLimits = { burst: 16, everyMs: 10 };

interface AwaitedTurn {
  readonly wanted: () => boolean;
  readonly resolve: (mayBegin: boolean) => void;
}

/** Bounds how much of this thread's time strangers take: who comes first is served first, and who has gone takes no turn. */
export class HandshakeTurns {
  readonly #limits: TurnLimits;
  readonly #waiting: AwaitedTurn[] = [];
  #left: number;
  #countedMs = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** All of the burst is left. */
  constructor(limits: TurnLimits) {
    this.#limits = limits;
    this.#left = limits.burst;
  }

  /** Resolves with true when it may begin; with false once nothing is `wanted` any more, or after {@linkcode close}. */
  next(wanted: () => boolean): Promise<boolean> {
    if (this.#waiting.length === 0 && this.#take()) {
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      this.#waiting.push({ wanted, resolve });
      this.#timer ??= setTimeout(() => this.#serve(), this.#limits.everyMs);
    });
  }

  /** Nobody who waits has a turn. */
  close(): void {
    clearTimeout(this.#timer);
    for (const { resolve } of this.#waiting.splice(0)) resolve(false);
  }

  #serve(): void {
    this.#timer = undefined;
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const wanted = first.wanted();
      if (wanted && !this.#take()) {
        this.#timer = setTimeout(() => this.#serve(), this.#limits.everyMs);
        return;
      }
      this.#waiting.shift();
      first.resolve(wanted);
    }
  }

  #take(): boolean {
    const { burst, everyMs } = this.#limits;
    const now = performance.now();
    const more = (now - this.#countedMs) / everyMs;
    this.#left = Math.min(burst, this.#left + more);
    this.#countedMs = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
