/** A value of a manifest: all scalars are texts. */
export type Yaml = string | readonly Yaml[] | { readonly [key: string]: Yaml };

/** The documents of a text, in as much of YAML as manifests use: mappings, sequences, quoted and literal texts. @throws {Error} naming the line. */
export function parseManifests(text: string): Yaml[] {
  return text.split(/^---$/m).map((document) => new Reader(document).read());
}

/** What stands at a path of keys and positions. @throws {Error} if nothing does. */
export function at(value: Yaml, ...path: readonly (string | number)[]): Yaml {
  let found: Yaml | undefined = value;
  for (const step of path) {
    found = (found as Record<string | number, Yaml> | undefined)?.[step];
  }
  if (found === undefined) throw new Error(`nothing at ${path.join(".")}`);
  return found;
}

const KEY = /^ *([\w./-]+):(?: +(.*))?$/;

class Reader {
  readonly #lines: string[];
  #next = 0;

  constructor(text: string) {
    this.#lines = text.split("\n");
  }

  read(): Yaml {
    this.#skip();
    const value = this.#block(this.#indent());
    this.#skip();
    if (this.#next < this.#lines.length) throw this.#wrong();
    return value;
  }

  #skip(): void {
    while (/^\s*(?:#.*)?$/.test(this.#lines[this.#next] ?? "-")) this.#next++;
  }

  /** How far the next line is to the right; less than any if there is none. */
  #indent(): number {
    const line = this.#lines[this.#next];
    return line === undefined ? -1 : /^ */.exec(line)![0].length;
  }

  #block(indent: number): Yaml {
    return this.#isItem() ? this.#sequence(indent) : this.#mapping(indent);
  }

  #isItem(): boolean {
    return /^ *- /.test(this.#lines[this.#next] ?? "");
  }

  #sequence(indent: number): Yaml[] {
    const items: Yaml[] = [];
    while (this.#indent() === indent && this.#isItem()) {
      const line = this.#lines[this.#next]!.replace("- ", "  ");
      if (KEY.test(line)) {
        this.#lines[this.#next] = line;
        items.push(this.#mapping(indent + 2));
      } else {
        this.#next++;
        items.push(this.#scalar(line.trim()));
        this.#skip();
      }
    }
    return items;
  }

  #mapping(indent: number): Record<string, Yaml> {
    const entries: Record<string, Yaml> = {};
    while (this.#indent() === indent && !this.#isItem()) {
      const [, key, rest] = KEY.exec(this.#lines[this.#next]!) ??
        this.#fail();
      this.#next++;
      if (rest === "|") entries[key!] = this.#literal(indent);
      else if (rest !== undefined) entries[key!] = this.#scalar(rest);
      else {
        this.#skip();
        entries[key!] = this.#block(this.#indent());
      }
      this.#skip();
    }
    return entries;
  }

  /** Lines further to the right than their key. */
  #literal(indent: number): string {
    const lines: string[] = [];
    for (; this.#next < this.#lines.length; this.#next++) {
      const line = this.#lines[this.#next]!;
      if (line.trim() !== "" && this.#indent() <= indent) break;
      lines.push(line);
    }
    const margin = /^ */.exec(lines[0]!)![0].length;
    return `${lines.map((line) => line.slice(margin)).join("\n").trimEnd()}\n`;
  }

  /** A text in double quotes may go over lines, which are one then. */
  #scalar(first: string): Yaml {
    if (first.startsWith("[")) return JSON.parse(first);
    if (!first.startsWith('"')) return first;
    let text = first;
    while (text.length < 2 || !text.endsWith('"')) {
      const line = this.#lines[this.#next++] ?? this.#fail();
      text = `${text.trimEnd()} ${line.trim()}`;
    }
    return text.slice(1, -1);
  }

  #fail(): never {
    throw this.#wrong();
  }

  #wrong(): Error {
    return new Error(`cannot read "${this.#lines[this.#next]}"`);
  }
}
