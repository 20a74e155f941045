import {
  completeStatements,
  isBlank,
} from "../../state/sqlite/statement/text.ts";

/** A whole thing to do. */
export type ShellInput =
  | { readonly kind: "sql"; readonly sql: string }
  /** A line that begins with a dot. */
  | { readonly kind: "command"; readonly line: string };

/** Comments that have ended, where nothing but comments, spaces and semicolons is. */
const COMMENTS = /\/\*[^]*?\*\/|--.*\n|[\s;]/g;

/** Makes statements and dot-commands of lines. */
export class StatementReader {
  #rest = "";

  /** Whether a statement or a comment has begun and not ended. */
  get unfinished(): boolean {
    return this.#rest !== "";
  }

  /** What a line ends. */
  take(line: string): ShellInput[] {
    if (!this.unfinished && line.startsWith(".")) {
      return [{ kind: "command", line: line.trim() }];
    }
    this.#rest += `${line}\n`;
    const statements = this.#statements(line);
    if (isBlank(this.#rest) && this.#rest.replaceAll(COMMENTS, "") === "") {
      this.#rest = "";
    }
    return statements.map((sql) => ({ kind: "sql", sql: sql.trim() }));
  }

  /** What is left when the input ends: it counts as a statement without its semicolon. */
  end(): ShellInput[] {
    const sql = this.#rest.trim();
    this.#rest = "";
    return isBlank(sql) ? [] : [{ kind: "sql", sql }];
  }

  /** Forgets what has begun. */
  drop(): void {
    this.#rest = "";
  }

  /** Only a semicolon can end a statement: a long one is not looked through at each of its lines. */
  #statements(line: string): readonly string[] {
    if (!line.includes(";")) return [];
    const { statements, rest } = completeStatements(this.#rest);
    this.#rest = rest;
    return statements;
  }
}
