import { type Finder, finderFrom } from "./finder.ts";

/**
 * Who found a bug last, by the bug's name, in a JSON file that is in
 * the bugs' order, so that branches that add bugs merge.
 */
export class Memory {
  readonly #path: string;
  readonly #order: ReadonlyMap<string, number>;

  /** `names` are those of all bugs, in the order of the file. */
  constructor(path: string, names: readonly string[]) {
    this.#path = path;
    this.#order = new Map(names.map((name, at) => [name, at]));
  }

  /**
   * Everything that is remembered; nothing if there is no file.
   * @throws {SyntaxError | TypeError} for a file that is no memory.
   */
  read(): Map<string, Finder> {
    let text: string;
    try {
      text = Deno.readTextFileSync(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Map();
      throw error;
    }
    const lines = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return new Map(
      lines.map(([name, value]) => [name, finderFrom(name, value)]),
    );
  }

  /**
   * Writes down who found a bug, and forgets bugs that are gone. Reads the file
   * again before: other runs, on other bugs, may have written meanwhile.
   */
  remember(name: string, finder: Finder): void {
    const known = this.read().set(name, finder);
    const lines = [...known]
      .filter(([name]) => this.#order.has(name))
      .sort(([a], [b]) => this.#order.get(a)! - this.#order.get(b)!);
    const text = JSON.stringify(Object.fromEntries(lines), null, 2);
    Deno.writeTextFileSync(this.#path, `${text}\n`);
  }
}
