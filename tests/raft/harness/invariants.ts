import assert from "node:assert/strict";
import {
  type Entry,
  EntryKind,
  type LogIndex,
  type MemberId,
} from "../../../src/raft/types.ts";
import type { Node } from "./node.ts";

/** The safety properties of the paper's figure 3, over all that ever happened. */
export class Invariants {
  readonly #leaders: Map<number, MemberId> = new Map();
  readonly #committed: Map<LogIndex, Entry> = new Map();

  /** State machine safety: nobody applies another entry at the same index. */
  applied(entry: Entry): void {
    const known = this.#committed.get(entry.index);
    assert(
      known === undefined || known.term === entry.term,
      `state machine safety: ${entry.index} is ${known?.term} and ${entry.term}`,
    );
    this.#committed.set(entry.index, entry);
  }

  /** Commands that were committed after entry `after`, up to `last`. */
  commandsBetween(after: LogIndex, last: LogIndex): number {
    return [...this.#committed.values()].filter(({ index, kind }) =>
      index > after && index <= last && kind === EntryKind.command
    ).length;
  }

  /** Election safety and leader completeness; the commit index stays in the log. */
  check(node: Node): void {
    const { role, term, commit, lastIndex } = node.core;
    const { applied, base } = node.core.status();
    assert(base.index <= applied && applied <= commit && commit <= lastIndex);
    if (role !== "leader") return;
    const known = this.#leaders.get(term);
    assert(
      known === undefined || known === node.id,
      `election safety: ${known} and ${node.id} lead term ${term}`,
    );
    if (known !== undefined) return;
    this.#leaders.set(term, node.id);
    for (const [index, entry] of this.#committed) {
      if (index <= base.index || entry.term >= term) continue;
      assert.equal(
        node.entryAt(index)?.term,
        entry.term,
        `leader completeness: ${node.id} lacks ${index} in term ${term}`,
      );
    }
  }
}

/** Log matching: where two logs have the same id, they are equal up to there. */
export function checkLogMatching(nodes: readonly Node[]): void {
  for (const a of nodes) {
    for (const b of nodes) {
      let agreed = false;
      for (let i = a.entries.length - 1; i >= 0; i--) {
        const entry = a.entries[i]!;
        const other = b.entryAt(entry.index);
        if (other === undefined) continue;
        if (agreed) assert.deepEqual(other, entry, "log matching");
        else if (other.term === entry.term) agreed = true;
      }
    }
  }
}
