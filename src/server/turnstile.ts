/** How many pass a {@linkcode Turnstile}. */
export interface TurnstileLimits {
  /** Length of a window, ms. */
  readonly windowMs: number;
  /** So many pass in each. */
  readonly perWindow: number;
}

/**
 * Lets a bounded number pass in each window of time; the others wait in order.
 * Nobody is refused: on one connection only one request waits at a time.
 */
export class Turnstile {
  readonly #limits: TurnstileLimits;
  readonly #waiting: (() => void)[] = [];
  #begunAt = -Infinity;
  #left = 0;

  /** Begins open. */
  constructor(limits: TurnstileLimits) {
    this.#limits = limits;
  }

  /** Waits for a turn; undefined if it is there already. */
  pass(): Promise<void> | undefined {
    const { windowMs } = this.#limits;
    const elapsedMs = performance.now() - this.#begunAt;
    if (this.#waiting.length === 0 && elapsedMs >= windowMs) this.#open();
    if (this.#left > 0) {
      this.#left--;
      return undefined;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    if (this.#waiting.length === 1) {
      setTimeout(() => this.#turn(), windowMs - elapsedMs);
    }
    return promise;
  }

  #open(): void {
    this.#begunAt = performance.now();
    this.#left = this.#limits.perWindow;
  }

  #turn(): void {
    this.#open();
    const passing = this.#waiting.splice(0, this.#left);
    this.#left -= passing.length;
    for (const go of passing) go();
    if (this.#waiting.length === 0) return;
    setTimeout(() => this.#turn(), this.#limits.windowMs);
  }
}
