import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** Lines that are kept. */
const LINES = 1_000;

/** What may be a secret is not written down. */
const SECRET = /passw|secret|token|api_?key|hqt_/i;

/** The lines of earlier shells, in a file that only its owner reads. */
export class History {
  readonly #path: string;

  /** In the user's folder, outside of any data folder. Null without one. */
  static of(
    env: Readonly<Record<string, string | undefined>>,
  ): History | null {
    const home = env.HOME ?? env.USERPROFILE;
    return home === undefined || home === ""
      ? null
      : new History(join(home, ".hiqlite", "shell_history"));
  }

  /** In this file. */
  constructor(path: string) {
    this.#path = path;
  }

  /** The newest first. */
  read(): string[] {
    try {
      return readFileSync(this.#path, "utf8").split("\n").filter((line) =>
        line !== ""
      ).reverse();
    } catch {
      // The first shell has none, and one that cannot be read is no reason not to start.
      return [];
    }
  }

  /** Keeps lines, the newest first. @returns what went wrong, in words */
  write(newestFirst: readonly string[]): string | null {
    const lines = newestFirst.filter((line) =>
      line.trim() !== "" && !SECRET.test(line)
    ).slice(0, LINES).reverse();
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      const fresh = `${this.#path}.new`;
      writeFileSync(fresh, lines.map((line) => `${line}\n`).join(""), {
        mode: 0o600,
      });
      chmodSync(fresh, 0o600);
      renameSync(fresh, this.#path);
      return null;
    } catch (error) {
      return `The history cannot be kept: ${(error as Error).message}`;
    }
  }
}
