/** Lets callers wait until leader, role, term or links change. */
export class Changes {
  readonly #waiters = new Set<() => void>();

  /** Something changed. */
  announce(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  /** Resolves at the next change, at the latest after `ms`. */
  next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waiters.add(wake);
    });
  }
}
