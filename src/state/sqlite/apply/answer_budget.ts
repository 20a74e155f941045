import { HiqliteError } from "../../../errors.ts";
import { COMMAND_LIMITS, type SqlValue } from "../../sql/types.ts";
import { sizeOf } from "../../sql/values.ts";

const ROW_OVERHEAD_BYTES = 16;

/** Rows that an entry may still return, in bytes. */
export class AnswerBudget {
  #left: number = COMMAND_LIMITS.answerBytes;

  /** Another row begins. */
  row(): void {
    this.#left -= ROW_OVERHEAD_BYTES;
  }

  /** @throws {HiqliteError} `too_large` when nothing is left. */
  spend(value: SqlValue): void {
    this.#left -= sizeOf(value);
    if (this.#left < 0) {
      throw new HiqliteError(
        "too_large",
        `The answer has more than ${COMMAND_LIMITS.answerBytes} bytes`,
      );
    }
  }
}
