import {
  isBlank,
  statementRanges,
} from "../../src/state/sqlite/statement/text.ts";
import { tokenAt } from "../../src/state/sqlite/statement/tokens.ts";

/** A statement in a text. */
export interface PlacedStatement {
  /** Where it begins, without the space and comments before it. */
  readonly start: number;
  /** Where it ends, with its semicolon. */
  readonly end: number;
  /** Its text. */
  readonly sql: string;
}

/** All statements of a text. */
export function statementsOf(text: string): PlacedStatement[] {
  const found: PlacedStatement[] = [];
  for (const range of statementRanges(text)) {
    const { end } = range;
    let { start } = range;
    for (;;) {
      const token = tokenAt(text, start);
      if (token.kind !== "space" && token.kind !== "semicolon") break;
      start = token.end;
    }
    found.push({ start, end, sql: text.slice(start, end) });
  }
  return found;
}

/** What is run, and in words what that is. */
export interface ToRun extends PlacedStatement {
  /** Its place among the statements, from 1; null: it is a selection. */
  readonly number: number | null;
  /** How many statements there are. */
  readonly of: number;
}

/**
 * What running means in an editor: the selection if there is one, otherwise the statement that the cursor is in, or behind which
 * it stands, or before which. Null where there is nothing to run.
 */
export function statementToRun(
  text: string,
  selection: { readonly from: number; readonly to: number },
): ToRun | null {
  const statements = statementsOf(text);
  const { from, to } = selection;
  if (from !== to && !isBlank(text.slice(from, to))) {
    return {
      start: from,
      end: to,
      sql: text.slice(from, to),
      number: null,
      of: statements.length,
    };
  }
  const at = indexAt(text, statements, to);
  const found = statements[at];
  return found === undefined
    ? null
    : { ...found, number: at + 1, of: statements.length };
}

function indexAt(
  text: string,
  statements: readonly PlacedStatement[],
  cursor: number,
): number {
  const within = statements.findIndex(({ end }) => cursor <= end);
  if (within < 0) return statements.length - 1;
  const before = statements[within - 1];
  const next = statements[within]!;
  if (before === undefined || cursor >= next.start) return within;
  // Behind a statement and on its line, its own is meant.
  return text.slice(before.end, cursor).includes("\n") ? within : within - 1;
}
