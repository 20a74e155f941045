/** A field of a CSV file. */
export interface CsvField {
  readonly text: string;
  /** It stood in quotes: it is a text, even if it is empty. */
  readonly quoted: boolean;
}

/** A record of a CSV file. */
export interface CsvRecord {
  readonly fields: readonly CsvField[];
  /** The line where it begins, from 1. */
  readonly line: number;
  /** What is wrong with it: its fields are then what could be read. */
  readonly problem: string | null;
}

/** Characters of one field; more is a quote that was not closed. */
export const CSV_FIELD_MAX = 16 * 1024 * 1024;

type State = "start" | "plain" | "quoted" | "closed";

/**
 * Reads CSV (RFC 4180) as it comes: fields at a separator, records at LF or CRLF, quotes doubled in quotes. A quote in the middle
 * of a plain field is a character; text behind a closing quote is a problem of its record.
 */
export class CsvReader {
  readonly #separator: string;
  #state: State = "start";
  #text = "";
  #fields: CsvField[] = [];
  #problem: string | null = null;
  #line = 1;
  #begin = 1;
  #pending = "";
  #first = true;

  /** @param separator one character, neither a quote nor a line's end; `,` by default. */
  constructor(separator = ",") {
    this.#separator = separator;
  }

  /** Takes a piece of the file, and gives the records that are complete with it. */
  push(piece: string): CsvRecord[] {
    const records: CsvRecord[] = [];
    let text = this.#pending + piece;
    if (this.#first && text !== "") {
      this.#first = false;
      if (text.startsWith("\ufeff")) text = text.slice(1);
    }
    // What a quote or a CR means is known with the character behind it.
    const held = /["\r]$/.test(text) ? 1 : 0;
    const end = this.#read(text, text.length - held, records);
    this.#pending = text.slice(end);
    return records;
  }

  /** The records that the file's end completes. */
  end(): CsvRecord[] {
    const records: CsvRecord[] = [];
    const rest = this.#pending;
    this.#pending = "";
    this.#read(rest, rest.length, records);
    if (this.#state === "quoted") {
      this.#problem = "A quote is not closed.";
    }
    if (this.#state !== "start" || this.#fields.length > 0) {
      this.#endRecord(records);
    }
    return records;
  }

  /** Where it stopped: a doubled quote is read whole. */
  #read(text: string, length: number, records: CsvRecord[]): number {
    let at = 0;
    while (at < length) {
      at = this.#state === "quoted"
        ? this.#readQuoted(text, at, length)
        : this.#readPlain(text, at, length, records);
    }
    return at;
  }

  #readQuoted(text: string, at: number, length: number): number {
    const quote = text.indexOf('"', at);
    const end = quote < 0 || quote > length ? length : quote;
    this.#add(text.slice(at, end));
    if (end === length) return end;
    if (text[end + 1] === '"') {
      this.#add('"');
      return end + 2;
    }
    this.#state = "closed";
    return end + 1;
  }

  #readPlain(
    text: string,
    at: number,
    length: number,
    records: CsvRecord[],
  ): number {
    const char = text[at]!;
    if (char === this.#separator) {
      this.#endField();
      return at + 1;
    }
    if (char === "\n" || (char === "\r" && text[at + 1] === "\n")) {
      const end = char === "\n" ? at + 1 : at + 2;
      this.#line++;
      this.#endRecord(records);
      return end;
    }
    if (char === '"' && this.#state === "start") {
      this.#state = "quoted";
      return at + 1;
    }
    if (this.#state === "closed") {
      this.#problem ??= "There is text behind a closing quote.";
    }
    let end = at + 1;
    while (end < length && !this.#ends(text[end]!)) end++;
    this.#add(text.slice(at, end));
    if (this.#state === "start") this.#state = "plain";
    return end;
  }

  #ends(char: string): boolean {
    return char === this.#separator || char === "\n" || char === "\r";
  }

  #add(text: string): void {
    if (this.#text.length + text.length > CSV_FIELD_MAX) {
      this.#problem ??=
        `A field has more than ${CSV_FIELD_MAX} characters: is a quote missing?`;
    } else this.#text += text;
    if (this.#state === "quoted") this.#line += text.split("\n").length - 1;
  }

  #endField(): void {
    this.#fields.push({ text: this.#text, quoted: this.#state === "closed" });
    this.#text = "";
    this.#state = "start";
  }

  #endRecord(records: CsvRecord[]): void {
    const blank = this.#fields.length === 0 && this.#state === "start";
    this.#endField();
    const record = {
      fields: this.#fields,
      line: this.#begin,
      problem: this.#problem,
    };
    // A blank line is no record.
    if (!blank) records.push(record);
    this.#fields = [];
    this.#problem = null;
    this.#begin = this.#line;
  }
}
