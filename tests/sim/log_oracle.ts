import type { LogRecovery } from "../../src/log/port.ts";
import type { Entry, LogIndex, Term } from "../../src/raft/types.ts";
import { bytesEqual } from "./bytes.ts";
import type { Mirror } from "./mirror.ts";
import { Violation } from "./violation.ts";

/** Checks what is in logs: entries of one index and term are the same everywhere, and so is what stands before them. */
export class LogOracle {
  /** By index and term: the entry and its predecessor's term (log matching). */
  readonly #entries = new Map<
    string,
    { readonly entry: Entry; readonly prevTerm: Term | undefined }
  >();

  /** A log was recovered: the mirror shows what was found, entry by entry. */
  restore(mirror: Mirror, recovery: LogRecovery): void {
    const entries = recovery.entries.map(({ index, term }) => {
      const known = this.#entries.get(`${index}:${term}`);
      if (known !== undefined) return known.entry;
      throw new Violation(
        "recovery",
        `${mirror.member} found entry ${index} of term ${term}, which never was`,
      );
    });
    mirror.restore(recovery.base, entries, recovery.hardState);
  }

  /** Entries were appended to a log. */
  appended(mirror: Mirror, entries: readonly Entry[]): void {
    for (const entry of entries) {
      const key = `${entry.index}:${entry.term}`;
      const prevTerm = mirror.termAt(entry.index - 1);
      const known = this.#entries.get(key);
      if (known === undefined) {
        this.#entries.set(key, { entry, prevTerm });
      } else if (
        known.entry !== entry &&
        (known.entry.kind !== entry.kind ||
          !bytesEqual(known.entry.payload, entry.payload))
      ) {
        throw new Violation(
          "log matching",
          `two entries at index ${entry.index} in term ${entry.term}, one on ${mirror.member}`,
        );
      } else if (
        known.prevTerm !== prevTerm && known.prevTerm !== undefined &&
        prevTerm !== undefined
      ) {
        throw new Violation(
          "log matching",
          `${mirror.member} has term ${prevTerm} before ${key}, another has ${known.prevTerm}`,
        );
      }
    }
  }

  /** Entries were cut from a log of a process whose commit index is `commit`. */
  truncated(mirror: Mirror, after: LogIndex, commit: LogIndex): void {
    if (after < commit) {
      throw new Violation(
        "committed entry truncated",
        `${mirror.member} cut after ${after}, committed up to ${commit}`,
      );
    }
  }
}
