import { type Entry, EntryKind, type LogIndex } from "../../src/raft/types.ts";
import { STAND_IN } from "./dialect.ts";
import { Violation } from "./violation.ts";

/** What is committed. */
interface Committed {
  readonly history: readonly Entry[];
  entryAt(index: LogIndex): Entry | undefined;
}

/** Checks what clients are told of their attempts. */
export class AttemptOracle {
  readonly #committed: Committed;
  readonly #attemptOf: (payload: Uint8Array) => number;
  readonly #refused = new Set<number>();

  /** `attemptOf` reads a command's attempt. */
  constructor(
    committed: Committed,
    attemptOf: (payload: Uint8Array) => number,
  ) {
    this.#committed = committed;
    this.#attemptOf = attemptOf;
  }

  /** A client was told that attempt `attempt` was applied at `index`. */
  acknowledge(attempt: number, index: LogIndex): void {
    const entry = this.#committed.entryAt(index);
    if (entry === undefined) {
      throw new Violation("acknowledged", `${index} is not committed`);
    }
    const found = this.#attemptOf(entry.payload);
    if (found !== attempt && found !== STAND_IN) {
      throw new Violation(
        "acknowledged",
        `attempt ${attempt} was answered with index ${index}, which holds another`,
      );
    }
  }

  /** A client was told that attempt `attempt` was certainly not applied. */
  refuse(attempt: number): void {
    this.#refused.add(attempt);
  }

  /** No refused proposal was committed all the same. */
  checkRefused(): void {
    for (const entry of this.#committed.history) {
      if (entry.kind !== EntryKind.command) continue;
      const attempt = this.#attemptOf(entry.payload);
      if (!this.#refused.has(attempt)) continue;
      throw new Violation(
        "refused but committed",
        `attempt ${attempt} at index ${entry.index}`,
      );
    }
  }
}
