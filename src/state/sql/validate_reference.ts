import { invalidInput, typeNameOf } from "../wrong_input.ts";
import type { StatementReference } from "./types.ts";

/** Text must survive a round trip: SQLite would cut it at a NUL, UTF-8 cannot hold half a surrogate pair. */
export function validateText(text: string, label: string): void {
  if (text.includes("\0")) {
    throw invalidInput(`${label} contains a NUL character; use a blob`);
  }
  if (!text.isWellFormed()) {
    throw invalidInput(`${label} is not well-formed Unicode`);
  }
}

/**
 * Checks a reference that may look back to `before` statements.
 * @throws {HiqliteError} `invalid`
 */
export function validateReference(
  reference: StatementReference,
  before: number,
  label: string,
): void {
  if (reference === null || typeof reference !== "object") {
    throw invalidInput(`${label} refers to nothing: ${typeNameOf(reference)}`);
  }
  const { statement, column } = reference;
  if (!Number.isInteger(statement) || statement < 0 || statement >= before) {
    throw invalidInput(
      `${label} refers to statement ${
        String(statement)
      }, which is not before this one (${before})`,
    );
  }
  if (typeof column === "string") return validateText(column, label);
  if (!Number.isInteger(column) || column < 0 || column > 0xffff) {
    throw invalidInput(`${label} refers to no column: ${typeNameOf(column)}`);
  }
}
