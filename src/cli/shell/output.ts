import { closeSync, openSync, writeSync } from "node:fs";
import { HiqliteError } from "../../errors.ts";

/** Where results go: what was there first, or a file. */
export class Output {
  readonly #line: (line: string) => void;
  #file: number | null = null;
  /** Statements and commands until the file is closed, its own command among them; null: no end. */
  #left: number | null = null;

  /** `line` writes where results go without a file. */
  constructor(line: (line: string) => void) {
    this.#line = line;
  }

  /** Writes lines of a result. */
  write(lines: Iterable<string>): void {
    for (const line of lines) {
      if (this.#file === null) this.#line(line);
      else writeSync(this.#file, `${line}\n`);
    }
  }

  /** Results go to a new file from now on, or the next one alone. @throws {HiqliteError} `invalid` */
  open(path: string, once: boolean): void {
    this.close();
    try {
      this.#file = openSync(path, "w");
    } catch (cause) {
      throw new HiqliteError(
        "invalid",
        `${path} cannot be written: ${(cause as Error).message}`,
        { cause },
      );
    }
    this.#left = once ? 2 : null;
  }

  /** A statement or command was done: what was for it alone ends. */
  done(): void {
    if (this.#left !== null && --this.#left === 0) this.close();
  }

  /** Results go where they went first. */
  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    this.#left = null;
  }
}
