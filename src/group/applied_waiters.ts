import type { LogIndex } from "../raft/types.ts";

/** Hears whether an index is applied, or the wait was given up. */
export type AppliedDone = (applied: boolean) => void;

interface Waiter {
  readonly index: LogIndex;
  readonly done: AppliedDone;
}

/** Callers that wait until an index is applied on this member. */
export class AppliedWaiters {
  /** In the order of their indexes. */
  readonly #waiters: Waiter[] = [];

  /** The lowest index that somebody waits for; infinite if nobody does. */
  get first(): LogIndex {
    return this.#waiters[0]?.index ?? Infinity;
  }

  /** Calls `done(true)` once `index` is applied, `done(false)` if all waits are given up; what it returns ends this one. */
  add(index: LogIndex, done: AppliedDone): () => void {
    let at = this.#waiters.length;
    while (at > 0 && this.#waiters[at - 1]!.index > index) at--;
    const waiter: Waiter = { index, done };
    this.#waiters.splice(at, 0, waiter);
    return () => {
      const at = this.#waiters.indexOf(waiter);
      if (at >= 0) this.#waiters.splice(at, 1);
    };
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
