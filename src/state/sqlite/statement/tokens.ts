/** What SQLite's tokenizer sees, as far as splitting statements and counting parameters need it. */
type TokenKind =
  | "space"
  | "semicolon"
  | "word"
  | "string"
  | "quoted"
  | "variable"
  | "other";

/** A piece of SQL. */
interface Token {
  readonly kind: TokenKind;
  /** Its first character. */
  readonly start: number;
  /** The one after its last. */
  readonly end: number;
}

/** Where a quoted token ends, by how it begins. */
const CLOSING: Readonly<Record<string, string>> = {
  "'": "'",
  '"': '"',
  "`": "`",
  "[": "]",
};

/**
 * Reads the token at `start`; the last one of an unfinished string or comment ends with the text.
 * What it looks at belongs to the token, but for two characters, so that reading a whole text takes as long as the text is.
 */
export function tokenAt(sql: string, start: number): Token {
  const char = sql[start]!;
  const make = (kind: TokenKind, end: number): Token => ({ kind, start, end });
  if (char === ";") return make("semicolon", start + 1);
  if (isSpace(sql.charCodeAt(start))) return make("space", start + 1);
  const next = sql[start + 1];
  if (char === "-" && next === "-") {
    const end = sql.indexOf("\n", start);
    return make("space", end < 0 ? sql.length : end + 1);
  }
  if (char === "/" && next === "*") {
    const end = sql.indexOf("*/", start + 2);
    return make("space", end < 0 ? sql.length : end + 2);
  }
  if (CLOSING[char] !== undefined) {
    return make(char === "'" ? "string" : "quoted", quotedEnd(sql, start));
  }
  if (char === "?") return make("variable", digitsEnd(sql, start + 1));
  if (char === ":" || char === "@" || char === "$" || char === "#") {
    return variableAt(sql, start);
  }
  const code = sql.charCodeAt(start);
  if (isDigit(code) || code === POINT) {
    return make("other", numberEnd(sql, start));
  }
  if (isWord(code)) return make("word", wordEnd(sql, start));
  return make("other", start + 1);
}

const POINT = 0x2e;
const UNDERSCORE = 0x5f;
const DOLLAR = 0x24;

/** Also the mark that some editors begin a file with. */
function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0c ||
    code === 0x0d || code === 0xfeff;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** A letter, a digit, one of `_` and `$`, or beyond ASCII. */
function isWord(code: number): boolean {
  return isLetter(code) || isDigit(code) || code === UNDERSCORE ||
    code === DOLLAR || code >= 0x80;
}

function quotedEnd(sql: string, start: number): number {
  const closing = CLOSING[sql[start]!]!;
  let at = start + 1;
  for (;;) {
    const end = sql.indexOf(closing, at);
    if (end < 0) return sql.length;
    if (closing === "]" || sql[end + 1] !== closing) return end + 1;
    at = end + 2;
  }
}

function wordEnd(sql: string, start: number): number {
  let end = start;
  while (end < sql.length && isWord(sql.charCodeAt(end))) end++;
  return end;
}

function digitsEnd(sql: string, start: number): number {
  let end = start;
  while (end < sql.length && isDigit(sql.charCodeAt(end))) end++;
  return end;
}

/** Letters and points belong to it, and the sign of an exponent with digits after it. */
function numberEnd(sql: string, start: number): number {
  let end = start;
  while (end < sql.length && isNumeral(sql.charCodeAt(end))) end++;
  const exponent = end > start + 1 && !/[xX]/.test(sql[start + 1]!) &&
    /[eE]/.test(sql[end - 1]!) && /[+-]/.test(sql[end] ?? "");
  if (!exponent) return end;
  const digits = digitsEnd(sql, end + 1);
  return digits > end + 1 ? digits : end;
}

function isNumeral(code: number): boolean {
  return isLetter(code) || isDigit(code) || code === UNDERSCORE ||
    code === POINT;
}

/** `$name`, `:name`, `@name`, and Tcl's `$a::b(c)`. Without its parenthesis that is an error, all of it one token. */
function variableAt(sql: string, start: number): Token {
  let end = start + 1;
  for (;;) {
    const next = wordEnd(sql, end);
    if (next > end) end = next;
    else if (sql[end] === ":" && sql[end + 1] === ":") end += 2;
    else break;
  }
  if (end === start + 1) return { kind: "other", start, end };
  if (sql[end] !== "(") return { kind: "variable", start, end };
  while (end < sql.length && sql[end] !== ")") {
    const code = sql.charCodeAt(end);
    // SQLite's spaces, not JavaScript's.
    if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) break;
    end++;
  }
  return sql[end] === ")"
    ? { kind: "variable", start, end: end + 1 }
    : { kind: "other", start, end };
}
