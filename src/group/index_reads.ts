import type { LogIndex } from "../raft/types.ts";

/** Receives the index that a linearizable read must wait for; null: no leader confirmed one. */
export type ReadDone = (index: LogIndex | null) => void;

/** Reads that wait for a leader to confirm an index, by the number under which the core knows them. */
export class IndexReads {
  readonly #waiting = new Map<number, ReadDone>();
  #next = 1;

  /** Adds a read; returns its number. */
  add(done: ReadDone): number {
    const number = this.#next++;
    this.#waiting.set(number, done);
    return number;
  }

  /** Takes a read away, if it still waits. */
  take(number: number): ReadDone | undefined {
    const done = this.#waiting.get(number);
    this.#waiting.delete(number);
    return done;
  }

  /** Tells all that no index will be confirmed. */
  giveUp(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const done of waiting) done(null);
  }
}
