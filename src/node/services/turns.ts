import type { Clock } from "../../util/clock.ts";

/** Callers that never wait for anything may keep the event loop for so long, ms. */
const STRETCH_MS = 4;

/**
 * Lets the event loop have its turns. What is in memory is answered without one, so a program that asks again and
 * again would keep timers and connections, and with them the cluster, waiting for ever.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #next: (callback: () => void) => void;
  /** When this stretch began; null before the first call of a turn. */
  #sinceMs: number | null = null;

  /** `next` runs a callback in the next turn. */
  constructor(clock: Clock, next: (callback: () => void) => void) {
    this.#clock = clock;
    this.#next = next;
  }

  /** Resolves in the next turn. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#next(resolve));
  }

  /** What to wait for if this stretch is too long; null if nothing. */
  due(): Promise<void> | null {
    const now = this.#clock.monotonic();
    if (this.#sinceMs === null) {
      this.#sinceMs = now;
      this.#next(() => this.#sinceMs = null);
    }
    return now - this.#sinceMs < STRETCH_MS ? null : this.next();
  }
}
