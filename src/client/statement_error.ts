import { HiqliteError } from "../errors.ts";
import type { CommandResult } from "../state/sql/types.ts";
import type { StatementOutcome } from "./client.ts";
import type { LogIndex } from "../raft/types.ts";

/** A statement was refused: it is wrong, or the data contradicts it. Nothing of it was kept. */
export class StatementError extends HiqliteError {
  /** `StatementError` */
  override readonly name = "StatementError";
  /** Which statement of a transaction or batch, from 0. */
  readonly statement: number | undefined;
  /** What a batch had done before and kept; empty otherwise. */
  readonly kept: readonly StatementOutcome[];
  /** Where the refusal stands in the log. */
  readonly index: LogIndex;

  /** The error of a refused write. */
  constructor(
    result: Extract<CommandResult, { readonly ok: false }>,
    index: LogIndex,
  ) {
    super(result.error.code, result.error.message);
    this.statement = result.error.statement;
    this.index = index;
    this.kept = result.results.map(({ rowsAffected, lastInsertRowid }) => ({
      rowsAffected,
      lastInsertRowid,
    }));
  }
}
