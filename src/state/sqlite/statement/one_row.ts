import { tokenAt } from "./tokens.ts";

/**
 * Whether a text is `INSERT INTO table (columns) VALUES (values)`, the list of columns or not, and nothing else: it
 * inserts one row, or fails. False also for many that do, too.
 */
export function insertsOneRow(sql: string): boolean {
  const words = wordsIn(sql);
  let at = 0;
  const next = (word: string): boolean => words[at++] === word;
  if (!next("INSERT") || !next("INTO") || !next(NAME)) return false;
  if (words[at] === ".") {
    at++;
    if (!next(NAME)) return false;
  } else if (words[at]?.startsWith(".")) at++; // The tokenizer takes the point for that of a number.
  if (words[at] === "(") at = afterList(words, at);
  if (!next("VALUES") || words[at] !== "(") return false;
  at = afterList(words, at);
  while (words[at] === ";") at++;
  return at === words.length;
}

/** Stands for what is no keyword that matters here. */
const NAME = "name";
const KEYWORDS: ReadonlySet<string> = new Set(["INSERT", "INTO", "VALUES"]);

/** Keywords in upper case, parentheses and the like as they are, and {@linkcode NAME} for all names. */
function wordsIn(sql: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < sql.length;) {
    const { kind, start, end } = tokenAt(sql, at);
    at = end;
    if (kind === "space") continue;
    const text = sql.slice(start, end);
    const upper = text.toUpperCase();
    if (kind === "quoted") words.push(NAME);
    else if (kind !== "word") words.push(text);
    else words.push(KEYWORDS.has(upper) ? upper : NAME);
  }
  return words;
}

/** Behind the list that begins at `start`; behind the end if it is not closed. */
function afterList(words: readonly string[], start: number): number {
  let depth = 0;
  for (let at = start; at < words.length; at++) {
    if (words[at] === "(") depth++;
    if (words[at] === ")" && --depth === 0) return at + 1;
  }
  return words.length + 1;
}
