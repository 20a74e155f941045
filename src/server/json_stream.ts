import { HiqliteError } from "../errors.ts";

/** Limits of a document that is parsed in slices. */
export interface DocumentLimits {
  /** Values in all: numbers, strings, literals, arrays, objects. */
  readonly values: number;
  /** Arrays and objects within one another. */
  readonly depth: number;
}

/** Between two looks at the clock: values, or characters of strings and space. */
const VALUES_PER_LOOK = 512;
const CHARS_PER_LOOK = 64 * 1024;
/** Characters of one number: a double has at most 767 digits that matter. */
const NUMBER_CHARS_MAX = 1024;
/** What is kept back until more has come: a number and what ends it, or an escape sequence. */
const TOKEN_CHARS_MAX = NUMBER_CHARS_MAX + 2;
/** How long a slice may take, ms. */
const SLICE_MS = 8;

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const LITERALS: readonly (readonly [string, unknown])[] = [
  ["null", null],
  ["true", true],
  ["false", false],
];
// deno-lint-ignore no-control-regex -- JSON allows none of them in a string
const SPECIAL = /[\x00-\x1f\\]/;

type Container = unknown[] | Record<string, unknown>;
interface Open {
  readonly container: Container;
  /** Of an object: the key whose value comes next. */
  key: string;
}

/** The value of a whole text, parsed at once. @throws {HiqliteError} as {@linkcode JsonStream.push} does. */
export function parseExact(text: string, limits: DocumentLimits): unknown {
  const parser = new Parser(limits);
  parser.add(text, true);
  parser.run(Infinity);
  return parser.result;
}

/**
 * Parses JSON while it arrives, exactly: integers beyond ±(2^53 - 1) become bigint.
 * It never holds the thread for longer than a slice: others run meanwhile.
 */
export class JsonStream {
  readonly #parser: Parser;
  readonly #pause: () => Promise<void>;

  /** `pause` lets others run. */
  constructor(limits: DocumentLimits, pause = nextTurn) {
    this.#parser = new Parser(limits);
    this.#pause = pause;
  }

  /** Takes the next part of the text. @throws {HiqliteError} `invalid` for what is no JSON; `too_large` for more values than allowed, as soon as they are met. */
  push(text: string): Promise<void> {
    this.#parser.add(text, false);
    return this.#run();
  }

  /** The value, now that the text has ended. @throws {HiqliteError} as {@linkcode push} does. */
  async end(text = ""): Promise<unknown> {
    this.#parser.add(text, true);
    await this.#run();
    return this.#parser.result;
  }

  async #run(): Promise<void> {
    while (!this.#parser.run(performance.now() + SLICE_MS)) await this.#pause();
  }
}

/** Lets everything that waits run first. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** What the parser expects next. */
type Expected =
  | "value"
  | "first item"
  | "first key"
  | "key"
  | "colon"
  | "rest of a string"
  | "comma"
  | "end";

class Parser {
  #text = "";
  #final = false;
  readonly #limits: DocumentLimits;
  readonly #open: Open[] = [];
  #at = 0;
  /** What was parsed and dropped before {@linkcode #text}, characters. */
  #begin = 0;
  #values = 0;
  #expected: Expected = "value";
  #result: unknown;
  /** A string that is being read, and whether it is a key. */
  #pieces: string[] = [];
  #isKey = false;

  constructor(limits: DocumentLimits) {
    this.#limits = limits;
  }

  /** Adds a part of the text; `final` says that nothing comes after it. */
  add(text: string, final: boolean): void {
    this.#text = this.#text.slice(this.#at) + text;
    this.#begin += this.#at;
    this.#at = 0;
    this.#final = final;
  }

  get result(): unknown {
    return this.#result;
  }

  /** Goes on until `untilMs`; true when everything that is there is parsed. */
  run(untilMs: number): boolean {
    let look = this.#values + VALUES_PER_LOOK;
    let lookAt = this.#at + CHARS_PER_LOOK;
    while (!this.#waits()) {
      if (this.#skipSpace() && !this.#waits()) {
        if (this.#ended()) return true;
        this.#step();
      }
      if (this.#values < look && this.#at < lookAt) continue;
      if (performance.now() >= untilMs) return false;
      look = this.#values + VALUES_PER_LOOK;
      lookAt = this.#at + CHARS_PER_LOOK;
    }
    return true;
  }

  /** Whether what comes next may be cut off: the longest token but a string fits into what is kept back. */
  #waits(): boolean {
    return !this.#final && this.#text.length - this.#at < TOKEN_CHARS_MAX;
  }

  /** Whether the document is over, and nothing but space came after it. */
  #ended(): boolean {
    if (this.#expected !== "end") return false;
    if (this.#at < this.#text.length) throw this.#unexpected();
    return true;
  }

  #step(): void {
    const char = this.#text[this.#at];
    switch (this.#expected) {
      case "comma":
        return this.#afterItem(char);
      case "rest of a string":
        return this.#stringPiece();
      case "colon":
        if (char !== ":") throw this.#unexpected();
        this.#at++;
        this.#expected = "value";
        return;
      case "first item":
        if (char === "]") return this.#close();
        return this.#value(char);
      case "first key":
        if (char === "}") return this.#close();
        return this.#key(char);
      case "key":
        return this.#key(char);
      default:
        return this.#value(char);
    }
  }

  #afterItem(char: string | undefined): void {
    const { container } = this.#open.at(-1)!;
    const isArray = Array.isArray(container);
    if (char === (isArray ? "]" : "}")) return this.#close();
    if (char !== ",") throw this.#unexpected();
    this.#at++;
    this.#expected = isArray ? "value" : "key";
  }

  #key(char: string | undefined): void {
    if (char !== '"') throw this.#unexpected();
    this.#beginString(true);
  }

  #value(char: string | undefined): void {
    if (++this.#values > this.#limits.values) {
      throw new HiqliteError(
        "too_large",
        `The body has more than ${this.#limits.values} values; send fewer at once`,
      );
    }
    if (char === "{") return this.#enter({}, "first key");
    if (char === "[") return this.#enter([], "first item");
    if (char === '"') return this.#beginString(false);
    for (const [word, value] of LITERALS) {
      if (char !== word[0] || !this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return this.#item(value);
    }
    this.#item(this.#number());
  }

  #enter(container: Container, expected: Expected): void {
    if (this.#open.length === this.#limits.depth) {
      throw new HiqliteError(
        "invalid",
        `The body nests more than ${this.#limits.depth} arrays and objects`,
      );
    }
    this.#at++;
    this.#open.push({ container, key: "" });
    this.#expected = expected;
  }

  #close(): void {
    this.#at++;
    this.#item(this.#open.pop()!.container);
  }

  /** Puts a finished value where it belongs. */
  #item(value: unknown): void {
    const open = this.#open.at(-1);
    if (open === undefined) {
      this.#result = value;
      this.#expected = "end";
      return;
    }
    const { container, key } = open;
    if (Array.isArray(container)) container.push(value);
    else if (key === "__proto__") {
      // An assignment would set the prototype.
      Object.defineProperty(container, key, {
        value,
        ...{ configurable: true, enumerable: true, writable: true },
      });
    } else container[key] = value;
    this.#expected = "comma";
  }

  #beginString(isKey: boolean): void {
    this.#at++;
    this.#isKey = isKey;
    this.#expected = "rest of a string";
    this.#stringPiece();
  }

  /** Reads a string up to its end, or as much of it as a look allows. */
  #stringPiece(): void {
    const piece = this.#text.slice(this.#at, this.#at + CHARS_PER_LOOK);
    const end = closingQuote(piece);
    if (end >= 0) {
      this.#at += end + 1;
      this.#endString(unescaped(piece.slice(0, end)));
      return;
    }
    const whole = piece.slice(0, wholeEscapes(piece));
    if (whole === "") {
      this.#at = this.#text.length;
      throw this.#unexpected();
    }
    this.#at += whole.length;
    this.#pieces.push(unescaped(whole));
  }

  #endString(last: string): void {
    let text = last;
    if (this.#pieces.length > 0) {
      text = this.#pieces.join("") + last;
      this.#pieces = [];
    }
    if (!this.#isKey) return this.#item(text);
    this.#open.at(-1)!.key = text;
    this.#expected = "colon";
  }

  #number(): unknown {
    const begin = this.#at;
    let end = begin;
    while (end - begin <= NUMBER_CHARS_MAX && isNumeric(this.#text, end)) end++;
    const source = this.#text.slice(begin, end);
    if (source.length > NUMBER_CHARS_MAX) {
      throw new HiqliteError(
        "invalid",
        `The body has a number of more than ${NUMBER_CHARS_MAX} characters`,
      );
    }
    if (!NUMBER.test(source)) throw this.#unexpected();
    this.#at = end;
    return numberOf(source);
  }

  /** Whether something else than space is at {@linkcode #at} now, or the end. */
  #skipSpace(): boolean {
    if (this.#expected === "rest of a string") return true;
    const limit = this.#at + CHARS_PER_LOOK;
    while (this.#at < limit) {
      const code = this.#text.charCodeAt(this.#at);
      const space = code === 0x20 || code === 0x0a || code === 0x0d ||
        code === 0x09;
      if (!space) return true;
      this.#at++;
    }
    return false;
  }

  #unexpected(): HiqliteError {
    const found = this.#at < this.#text.length
      ? `unexpected ${JSON.stringify(this.#text[this.#at])}`
      : "unexpected end";
    return new HiqliteError(
      "invalid",
      `The body is not JSON: ${found} at character ${this.#begin + this.#at}`,
    );
  }
}

/** Whether a character may be in a number. */
function isNumeric(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39 || code === 0x2d || code === 0x2b ||
    code === 0x2e || code === 0x65 || code === 0x45;
}

/** Where the string ends whose inner text begins `piece`; -1 if that is not in it. */
function closingQuote(piece: string): number {
  let at = piece.indexOf('"');
  while (at >= 0 && backslashesBefore(piece, at) % 2 === 1) {
    at = piece.indexOf('"', at + 1);
  }
  return at;
}

function backslashesBefore(text: string, end: number): number {
  let at = end;
  while (at > 0 && text.charCodeAt(at - 1) === 0x5c) at--;
  return end - at;
}

/** How much of a string's inner text ends with a whole escape sequence. */
function wholeEscapes(piece: string): number {
  const last = piece.lastIndexOf("\\");
  if (last < 0 || backslashesBefore(piece, last + 1) % 2 === 0) {
    return piece.length;
  }
  const end = last + (piece[last + 1] === "u" ? 6 : 2);
  return end <= piece.length ? piece.length : last;
}

/** A string's inner text without its escapes. @throws {HiqliteError} `invalid` */
function unescaped(inner: string): string {
  return SPECIAL.test(inner) ? parsePlain(`"${inner}"`) as string : inner;
}

/** The value of a JSON number: exact, or an error. @throws {HiqliteError} `invalid` */
function numberOf(source: string): number | bigint {
  const value = Number(source);
  if (Number.isSafeInteger(value) || !/^-?\d+$/.test(source)) return value;
  if (source.length <= 20) return BigInt(source);
  throw new HiqliteError(
    "invalid",
    `The integer ${
      source.slice(0, 40)
    } does not fit into 64 bits; write {"$float": "…"} for a number like it`,
  );
}

/** @throws {HiqliteError} `invalid` */
export function parsePlain(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HiqliteError(
      "invalid",
      text === ""
        ? "The body is empty, expected JSON"
        : `The body is not JSON: ${(cause as Error).message.slice(0, 120)}`,
      { cause },
    );
  }
}
