import { HiqliteError } from "../../../errors.ts";
import type { LogIndex } from "../../../raft/types.ts";

interface Waiter {
  readonly index: LogIndex;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  timer?: ReturnType<typeof setTimeout>;
}

/** Queries that wait until an index is applied here. */
export class IndexWaiters {
  #waiters: Waiter[] = [];
  #applied: LogIndex = 0;

  /**
   * Resolves when `index` is applied.
   * @throws {HiqliteError} `timeout` after `timeoutMs`, if that is given.
   */
  reached(index: LogIndex, timeoutMs: number | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { index, resolve, reject };
      this.#waiters.push(waiter);
      if (timeoutMs === undefined) return;
      waiter.timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(
          new HiqliteError(
            "timeout",
            `Index ${index} was not applied here within ${timeoutMs} ms; ${this.#applied} is`,
          ),
        );
      }, timeoutMs);
    });
  }

  /** Everything up to `index` is applied. */
  applied(index: LogIndex): void {
    this.#applied = index;
    if (this.#waiters.length === 0) return;
    const reached = this.#waiters.filter((waiter) => waiter.index <= index);
    this.#waiters = this.#waiters.filter((waiter) => waiter.index > index);
    for (const { timer, resolve } of reached) {
      clearTimeout(timer);
      resolve();
    }
  }

  /** Nobody shall wait any longer. */
  fail(error: Error): void {
    for (const { timer, reject } of this.#waiters.splice(0)) {
      clearTimeout(timer);
      reject(error);
    }
  }
}
