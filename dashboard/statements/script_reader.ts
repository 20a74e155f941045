import { statementsOf } from "./at_cursor.ts";

/** A statement of a script. */
export interface ScriptStatement {
  /** Its text, with its semicolon. */
  readonly sql: string;
  /** The line where it begins, from 1. */
  readonly line: number;
}

/** Finds the statements of a script as it comes, piece by piece. */
export class ScriptReader {
  /** What was not looked through yet, after what was left of it the last time. */
  #pieces: string[] = [];
  #length = 0;
  #line = 1;
  /** So many characters are looked through again: a long statement is not at each of its pieces. */
  #enough = 0;

  /** Characters of what is not complete yet. */
  get held(): number {
    return this.#length;
  }

  /** The line where that begins. */
  get line(): number {
    return this.#line;
  }

  /** Takes a piece of the script, and gives the statements that are complete with it. */
  push(piece: string): ScriptStatement[] {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#length < this.#enough) return [];
    const all = this.#joined();
    // What a quote or a dash means is known with the character behind it: a line's end is a good place to cut.
    const whole = all.slice(0, all.lastIndexOf("\n") + 1);
    const found = statementsOf(whole);
    if (found.at(-1)?.end === whole.length) found.pop();
    const taken = found.at(-1)?.end ?? 0;
    const statements = this.#placed(all, found);
    this.#hold(all.slice(taken));
    this.#enough = 2 * this.#length;
    return statements;
  }

  /** The statements that the script's end completes. */
  end(): ScriptStatement[] {
    const all = this.#joined();
    const statements = this.#placed(all, statementsOf(all));
    this.#hold("");
    return statements;
  }

  #joined(): string {
    return this.#pieces.join("");
  }

  #hold(rest: string): void {
    this.#pieces = [rest];
    this.#length = rest.length;
  }

  /** Afterwards the line is that of what follows the last one. */
  #placed(
    text: string,
    found: readonly {
      readonly start: number;
      readonly end: number;
      readonly sql: string;
    }[],
  ): ScriptStatement[] {
    let seen = 0;
    const lineAt = (place: number): number => {
      for (;;) {
        const next = text.indexOf("\n", seen);
        if (next < 0 || next >= place) return this.#line;
        seen = next + 1;
        this.#line++;
      }
    };
    return found.map(({ start, end, sql }) => {
      const line = lineAt(start);
      lineAt(end);
      return { sql, line };
    });
  }
}
