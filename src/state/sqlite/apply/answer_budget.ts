import { HiqliteError } from "../../../errors.ts";
import { COMMAND_LIMITS } from "../../sql/types.ts";
import { sizeOf } from "../../sql/values.ts";
import type { SqliteRow } from "../driver/driver.ts";

const ROW_OVERHEAD_BYTES = 16;

/** Rows that an entry may still return, in bytes. */
export class AnswerBudget {
  #left: number = COMMAND_LIMITS.answerBytes;

  /** @throws {HiqliteError} `too_large` when nothing is left. */
  spend(row: SqliteRow): void {
    this.#left -= ROW_OVERHEAD_BYTES;
    for (const value of row) this.#left -= sizeOf(value);
    if (this.#left < 0) {
      throw new HiqliteError(
        "too_large",
        `The answer has more than ${COMMAND_LIMITS.answerBytes} bytes`,
      );
    }
  }
}
