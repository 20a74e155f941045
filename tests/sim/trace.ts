/** A line of the trace: what happened, and the numbers or names that say it. */
type Line = readonly [time: number, what: string, facts: readonly unknown[]];

/** The tail of what happened, and a hash over all of it for the determinism guard. */
export class Trace {
  readonly #tail: (Line | undefined)[];
  readonly #sink: ((line: string) => void) | undefined;
  #count = 0;
  #hash = 0x811c9dc5;

  /** Keeps the last `limit` lines; `sink` gets every line. */
  constructor(limit: number, sink?: (line: string) => void) {
    this.#tail = new Array(limit);
    this.#sink = sink;
  }

  /** Lines so far. */
  get count(): number {
    return this.#count;
  }

  /** A 32-bit hash of all lines. */
  get hash(): number {
    return this.#hash >>> 0;
  }

  /** Adds a line. Facts are formatted only when somebody looks. */
  add(time: number, what: string, ...facts: (number | string)[]): void {
    this.#mix(Math.floor(time * 1000));
    this.#mixText(what);
    for (const fact of facts) {
      if (typeof fact === "number") this.#mix(fact);
      else this.#mixText(fact);
    }
    const line: Line = [time, what, facts];
    this.#tail[this.#count++ % this.#tail.length] = line;
    if (this.#sink !== undefined) this.#sink(format(line));
  }

  /** The last `limit` lines, oldest first. */
  tail(limit: number): string[] {
    const size = this.#tail.length;
    const lines: string[] = [];
    for (let i = Math.max(0, this.#count - size); i < this.#count; i++) {
      lines.push(format(this.#tail[i % size]!));
    }
    return lines.slice(-limit);
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ (value | 0), 0x01000193);
    this.#hash ^= this.#hash >>> 15;
  }

  #mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
  }
}

function format([time, what, facts]: Line): string {
  return `${(time / 1000).toFixed(4).padStart(9)}s ${what} ${facts.join(" ")}`;
}
