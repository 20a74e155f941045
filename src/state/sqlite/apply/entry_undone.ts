import type { CommandFailure } from "../../sql/types.ts";

/** The transaction of the entry is lost or must be given up; apart from `keep` statements of a batch the entry does nothing. */
export class EntryUndone extends Error {
  override readonly name = "EntryUndone";
  /** The entry's answer. */
  readonly failure: CommandFailure;
  /** Statements of a batch, from its start, that stay. */
  readonly keep: number;
  /** Something looked full though the disk is not. */
  readonly usedUp: boolean;
  /** See the fields. */
  constructor(failure: CommandFailure, keep: number, usedUp = false) {
    super(failure.message);
    this.failure = failure;
    this.keep = keep;
    this.usedUp = usedUp;
  }
}

/** The batch must be applied again, an entry per transaction. */
export class BatchUndone extends Error {
  override readonly name = "BatchUndone";
}
