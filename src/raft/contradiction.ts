import type { LogIndex, Term } from "./types.ts";

/**
 * A leader has another entry where this member's is committed. As long as a majority keeps what it acknowledged there
 * is no such leader; where logs are synced in intervals, power cuts can make one. Nothing of its log may be taken then.
 */
export class ContradictionError extends Error {
  /** `ContradictionError` */
  override readonly name = "ContradictionError";

  /** The entry at `index` is another one for the leader of `term`. */
  constructor(term: Term, index: LogIndex) {
    super(
      `the leader of term ${term} contradicts committed entry ${index}: a majority has forgotten what it acknowledged`,
    );
  }
}
