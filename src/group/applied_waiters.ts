import type { LogIndex } from "../raft/types.ts";

/** Callers that wait until an index is applied on this member. */
export class AppliedWaiters {
  /** In the order of their indexes. */
  readonly #waiters: {
    readonly index: LogIndex;
    readonly done: (applied: boolean) => void;
  }[] = [];

  /** Calls `done(true)` once `index` is applied, `done(false)` if the wait is given up. */
  add(index: LogIndex, done: (applied: boolean) => void): void {
    let at = this.#waiters.length;
    while (at > 0 && this.#waiters[at - 1]!.index > index) at--;
    this.#waiters.splice(at, 0, { index, done });
  }

  /** Everything up to `index` is applied. */
  applied(index: LogIndex): void {
    let ready = 0;
    while (
      ready < this.#waiters.length && this.#waiters[ready]!.index <= index
    ) ready++;
    for (const { done } of this.#waiters.splice(0, ready)) done(true);
  }

  /** Ends every wait with `done(false)`. */
  giveUp(): void {
    for (const { done } of this.#waiters.splice(0)) done(false);
  }
}
