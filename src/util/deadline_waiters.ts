/** Somebody who waits, at the latest until a moment. */
export interface DeadlineWaiter {
  /** By the clock that {@linkcode DeadlineWaiters.tick} is told, ms. */
  readonly deadline: number;
  /** Time is over. */
  late(): void;
}

/** Many deadlines, watched without a timer each: they end up to one call of `tick` late. */
export class DeadlineWaiters {
  readonly #waiters = new Set<DeadlineWaiter>();

  /** How many wait. */
  get size(): number {
    return this.#waiters.size;
  }

  /** Begins to watch a deadline. */
  add(waiter: DeadlineWaiter): void {
    this.#waiters.add(waiter);
  }

  /** What was waited for came; false, and without effect, if time is over already. */
  delete(waiter: DeadlineWaiter): boolean {
    return this.#waiters.delete(waiter);
  }

  /** Tells those whose time is over at `now`. */
  tick(now: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.deadline > now) continue;
      this.#waiters.delete(waiter);
      waiter.late();
    }
  }
}
