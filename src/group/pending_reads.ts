import type { LogIndex } from "../raft/types.ts";

/** Receives the index that a linearizable read must wait for; null if no leader confirmed it. */
export type ReadDone = (index: LogIndex | null) => void;

/** ReadIndex requests under way, by the number they have in the core. */
export class PendingReads {
  readonly #waiting = new Map<number, ReadDone>();
  #nextId = 1;

  /** Registers a read; returns its number. */
  add(done: ReadDone): number {
    const requestId = this.#nextId++;
    this.#waiting.set(requestId, done);
    return requestId;
  }

  /** Takes a read out when the core has an answer; undefined if the read was given up. */
  take(requestId: number): ReadDone | undefined {
    const done = this.#waiting.get(requestId);
    this.#waiting.delete(requestId);
    return done;
  }

  /** Ends every read without an index. */
  giveUp(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const done of waiting) done(null);
  }
}
