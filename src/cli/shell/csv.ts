import { HiqliteError } from "../../errors.ts";

/** A field of a file may have so many characters. */
const FIELD_MAX = 16 * 1024 * 1024;

/** Makes records of a text in pieces, as RFC 4180 has them; CR LF and LF end a record. */
export class CsvReader {
  readonly #separator: string;
  #record: string[] = [];
  #field = "";
  #quoted = false;
  /** A quote that may end the field, or be the first of two. */
  #quote = false;
  #any = false;

  /** `separator` stands between fields. @default "," */
  constructor(separator = ",") {
    this.#separator = separator;
  }

  /** The records that a piece ends. @throws {HiqliteError} `too_large` */
  *take(piece: string): Generator<string[]> {
    for (const character of piece) {
      const record = this.#character(character);
      if (record !== null) yield record;
    }
    if (this.#field.length <= FIELD_MAX) return;
    throw new HiqliteError(
      "too_large",
      `A field has more than ${FIELD_MAX} characters; is a quote missing?`,
    );
  }

  /** The last record, if no line's end was behind it. @throws {HiqliteError} `invalid` if a quote is open. */
  end(): string[] | null {
    if (this.#quoted && !this.#quote) {
      throw new HiqliteError("invalid", "The last field's quote has no end");
    }
    return this.#any ? this.#ended() : null;
  }

  #character(character: string): string[] | null {
    if (this.#quoted && !this.#quote) {
      if (character === '"') this.#quote = true;
      else this.#field += character;
      return null;
    }
    if (this.#quote && character === '"') {
      this.#quote = false;
      this.#field += character;
      return null;
    }
    if (character === "\n") return this.#ended();
    this.#any = true;
    if (character === this.#separator) this.#next();
    else if (character === '"' && this.#field === "" && !this.#quote) {
      this.#quoted = true;
    } else this.#field += character;
    return null;
  }

  #next(): void {
    this.#record.push(this.#field);
    this.#field = "";
    this.#quoted = false;
    this.#quote = false;
  }

  #ended(): string[] {
    // Within quotes a CR belongs to the field; here it stands before the LF.
    if (this.#field.endsWith("\r")) this.#field = this.#field.slice(0, -1);
    this.#next();
    const record = this.#record;
    this.#record = [];
    this.#any = false;
    return record;
  }
}
