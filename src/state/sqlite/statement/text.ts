import { foldName } from "../../sql/names.ts";
import { tokenAt } from "./tokens.ts";

export { foldName } from "../../sql/names.ts";

/** A parameter position of a statement: its name with the prefix, or null for `?` and `?NNN`. */
export type ParameterSlot = string | null;

/** What the text of one statement says about it, without a database. */
export interface StatementText {
  /** The first words in upper case, up to three, without EXPLAIN's modifiers. */
  readonly keywords: readonly string[];
  /** Its parameters in SQLite's numbering. */
  readonly slots: readonly ParameterSlot[];
}

/** Reads the leading words and the parameters of one statement. */
export function describeStatement(sql: string): StatementText {
  const keywords: string[] = [];
  const slots: ParameterSlot[] = [];
  const known = new Set<string>();
  let leading = true;
  for (let at = 0; at < sql.length;) {
    const token = tokenAt(sql, at);
    at = token.end;
    if (token.kind === "variable") {
      addSlot(slots, known, sql.slice(token.start, token.end));
    } else if (leading && token.kind === "word") {
      keywords.push(sql.slice(token.start, token.end).toUpperCase());
    }
    const skipped = token.kind === "space" ||
      (token.kind === "semicolon" && keywords.length === 0);
    leading &&= keywords.length < 3 && (skipped || token.kind === "word");
  }
  return { keywords, slots };
}

function addSlot(
  slots: ParameterSlot[],
  known: Set<string>,
  text: string,
): void {
  if (text === "?") {
    slots.push(null);
  } else if (text[0] === "?") {
    const position = Math.min(Number(text.slice(1)), 32_766);
    while (slots.length < position) slots.push(null);
  } else if (!known.has(text)) {
    known.add(text);
    slots.push(text);
  }
}

/** Whether nothing but space, comments and semicolons is left from `start` on. */
export function isBlank(sql: string, start = 0): boolean {
  for (let at = start; at < sql.length;) {
    const token = tokenAt(sql, at);
    if (token.kind !== "space" && token.kind !== "semicolon") return false;
    at = token.end;
  }
  return true;
}

/**
 * Splits a text into statements, each with its semicolon, by the rule of
 * `sqlite3_complete`: a CREATE TRIGGER ends at `; END ;`, everything else at `;`.
 */
export function* splitStatements(sql: string): Generator<string> {
  for (const { start, end } of statementRanges(sql)) {
    yield sql.slice(start, end);
  }
}

/** Where the statements stand that {@linkcode splitStatements} gives. */
export function* statementRanges(
  sql: string,
): Generator<{ readonly start: number; readonly end: number }> {
  let start = 0;
  while (start < sql.length) {
    const end = statementEnd(sql, start);
    if (!isBlank(sql.slice(start, end))) yield { start, end };
    start = end;
  }
}

/** The statements that a text has whole, each with its semicolon, and what stands behind the last one. The text ends with a line's end. */
export function completeStatements(
  text: string,
): { readonly statements: readonly string[]; readonly rest: string } {
  const statements: string[] = [];
  let start = 0;
  for (;;) {
    const end = statementEnd(text, start);
    if (end >= text.length) return { statements, rest: text.slice(start) };
    const piece = text.slice(start, end);
    if (!isBlank(piece)) statements.push(piece);
    start = end;
  }
}

function statementEnd(sql: string, start: number): number {
  const words: string[] = [];
  let last = "";
  for (let at = start; at < sql.length;) {
    const token = tokenAt(sql, at);
    at = token.end;
    if (token.kind === "space") continue;
    if (token.kind === "semicolon") {
      if (!isTrigger(words) || last === "; END") return token.end;
      last = ";";
      continue;
    }
    const word = token.kind === "word"
      ? sql.slice(token.start, token.end).toUpperCase()
      : "";
    if (words.length < 6) words.push(word);
    last = last === ";" && word === "END" ? "; END" : "";
  }
  return sql.length;
}

function isTrigger(words: readonly string[]): boolean {
  let at = 0;
  if (words[at] === "EXPLAIN") at++;
  if (words[at] === "QUERY" && words[at + 1] === "PLAN") at += 2;
  if (words[at++] !== "CREATE") return false;
  if (words[at] === "TEMP" || words[at] === "TEMPORARY") at++;
  return words[at] === "TRIGGER";
}

/** A name as SQL, whatever characters it has. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Every name that a text may mean: SQLite takes a string for one, too, where nothing else fits. Folded. */
export function* namesIn(sql: string): Generator<string> {
  for (let at = 0; at < sql.length;) {
    const { kind, start, end } = tokenAt(sql, at);
    at = end;
    if (kind === "word") yield foldName(sql.slice(start, end));
    if (kind !== "quoted" && kind !== "string") continue;
    const quote = sql[start]!;
    const inner = sql.slice(start + 1, end - 1);
    yield foldName(inner.replaceAll(quote + quote, quote));
  }
}

/** Visits the words (and unquoted contents of quoted names) of a text with whether a parenthesis follows. */
export function* wordsOf(
  sql: string,
): Generator<{ word: string; call: boolean; end: number }> {
  for (let at = 0; at < sql.length;) {
    const token = tokenAt(sql, at);
    at = token.end;
    if (token.kind !== "word" && token.kind !== "quoted") continue;
    const raw = sql.slice(token.start, token.end);
    const word = token.kind === "word" ? raw : raw.slice(1, -1);
    let next = at;
    while (next < sql.length) {
      const following = tokenAt(sql, next);
      if (following.kind !== "space") break;
      next = following.end;
    }
    yield { word: word.toUpperCase(), call: sql[next] === "(", end: at };
  }
}

/** What stands in the next parentheses of a text from `start` on, and what follows them. */
export function inParentheses(
  sql: string,
  start: number,
): { inner: string; rest: string } {
  let depth = 0;
  let begin = sql.length;
  for (let at = start; at < sql.length;) {
    const token = tokenAt(sql, at);
    at = token.end;
    if (token.kind !== "other") continue;
    const char = sql[token.start];
    if (char === "(" && depth++ === 0) begin = at;
    if (char === ")" && --depth === 0) {
      return { inner: sql.slice(begin, token.start), rest: sql.slice(at) };
    }
  }
  return { inner: sql.slice(begin), rest: "" };
}

/** The parts of a list, without the comments in it. */
export function atCommas(list: string): string[] {
  const parts = [""];
  let depth = 0;
  for (let at = 0; at < list.length;) {
    const { kind, start, end } = tokenAt(list, at);
    at = end;
    const text = list.slice(start, end);
    if (text === "(") depth++;
    if (text === ")") depth--;
    if (text === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += kind === "space" ? " " : text;
  }
  return parts;
}
