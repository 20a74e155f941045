import { ApiError } from "../api.ts";
import { textOf } from "../data/file_text.ts";
import { destroys, isFrame, leadingWords } from "../statements/script_look.ts";
import {
  ScriptReader,
  type ScriptStatement,
} from "../statements/script_reader.ts";

/** Characters of one statement; more is a quote that was not closed. */
const STATEMENT_LENGTH = 32 * 1024 * 1024;
/** Statements that destroy something are listed up to here. */
const LISTED = 20;
/** Characters of such a one that are shown. */
const SHOWN_LENGTH = 120;

/** A statement of a file, and its place among the others. */
export interface NumberedStatement extends ScriptStatement {
  /** From 1. */
  readonly number: number;
}

/** What a file has in it. */
export interface ScriptFacts {
  readonly statements: number;
  /** How many there are of each kind, by their first word, the most frequent first. */
  readonly kinds: readonly (readonly [string, number])[];
  /** Those that drop something, or change or delete all rows of a table. */
  readonly destroying: number;
  /** The first of them. */
  readonly listed: readonly ScriptStatement[];
  readonly lastLine: number;
}

/** The statements of a file as it is read. @throws {ApiError} where it is no script. */
export async function* statementsIn(
  file: Blob,
): AsyncGenerator<NumberedStatement> {
  const reader = new ScriptReader();
  let number = 0;
  const numbered = (statement: ScriptStatement) => ({
    ...statement,
    number: ++number,
  });
  for await (const { text } of textOf(file)) {
    for (const each of reader.push(text)) yield numbered(each);
    if (reader.held <= STATEMENT_LENGTH) continue;
    throw new ApiError(
      "too_large",
      `The statement behind line ${reader.line} has more than ${STATEMENT_LENGTH} characters: is a quote missing?`,
      0,
    );
  }
  for (const each of reader.end()) yield numbered(each);
}

/** Reads a file once through. Nothing runs. */
export async function factsOf(file: Blob): Promise<ScriptFacts> {
  const kinds = new Map<string, number>();
  const listed: ScriptStatement[] = [];
  let statements = 0;
  let destroying = 0;
  let lastLine = 0;
  for await (const { sql, line } of statementsIn(file)) {
    if (isFrame(sql)) continue;
    const [first = "other"] = leadingWords(sql);
    kinds.set(first, (kinds.get(first) ?? 0) + 1);
    statements++;
    lastLine = line;
    if (!destroys(sql)) continue;
    if (destroying++ < LISTED) {
      listed.push({ sql: sql.slice(0, SHOWN_LENGTH), line });
    }
  }
  return {
    statements,
    kinds: [...kinds].sort(([, a], [, b]) => b - a),
    destroying,
    listed,
    lastLine,
  };
}
