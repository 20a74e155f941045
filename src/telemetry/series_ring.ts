/** How several values of one step become one. */
export type Merge = "mean" | "worst";

/**
 * Values over time, a point for each step of the clock, of the last so many steps.
 * Several values of one step are merged; of a step without any there is no point. All memory is taken at the start.
 */
export class SeriesRing {
  readonly #stepMs: number;
  readonly #merges: readonly Merge[];
  /** Which step is in each place; -1: none. */
  readonly #steps: Float64Array;
  /** How many values were merged into it. */
  readonly #counts: Uint32Array;
  /** Its values, column by column; NaN for nothing. */
  readonly #values: readonly Float64Array[];
  #newest = -1;

  /** Keeps `capacity` steps of `stepMs` for as many columns as there are merges. */
  constructor(capacity: number, stepMs: number, merges: readonly Merge[]) {
    this.#stepMs = stepMs;
    this.#merges = merges;
    this.#steps = new Float64Array(capacity).fill(-1);
    this.#counts = new Uint32Array(capacity);
    this.#values = merges.map(() => new Float64Array(capacity));
  }

  /** Adds values of a moment, ms since the Unix epoch; null where there is nothing to tell. What is older than all that is kept is dropped. */
  put(atMs: number, values: readonly (number | null)[]): void {
    const step = Math.floor(atMs / this.#stepMs);
    const capacity = this.#steps.length;
    if (step <= this.#newest - capacity) return;
    this.#newest = Math.max(this.#newest, step);
    const place = step % capacity;
    if (this.#steps[place] !== step) {
      this.#steps[place] = step;
      this.#counts[place] = 0;
      for (const column of this.#values) column[place] = NaN;
    }
    const count = ++this.#counts[place]!;
    for (let i = 0; i < this.#values.length; i++) {
      const column = this.#values[i]!;
      column[place] = merged(
        this.#merges[i]!,
        column[place]!,
        values[i] ?? NaN,
        count,
      );
    }
  }

  /** The points that begin at `fromMs` or later, oldest first: when each begins, and its columns. */
  read(fromMs: number): {
    readonly atMs: number[];
    readonly columns: (number | null)[][];
  } {
    const atMs: number[] = [];
    const columns: (number | null)[][] = this.#merges.map(() => []);
    const capacity = this.#steps.length;
    const first = Math.max(
      0,
      this.#newest - capacity + 1,
      Math.ceil(fromMs / this.#stepMs),
    );
    for (let step = first; step <= this.#newest; step++) {
      const place = step % capacity;
      if (this.#steps[place] !== step) continue;
      atMs.push(step * this.#stepMs);
      for (const [i, column] of columns.entries()) {
        const value = this.#values[i]![place]!;
        column.push(Number.isNaN(value) ? null : value);
      }
    }
    return { atMs, columns };
  }
}

function merged(
  merge: Merge,
  known: number,
  value: number,
  count: number,
): number {
  if (Number.isNaN(known)) return value;
  if (Number.isNaN(value)) return known;
  return merge === "worst"
    ? Math.max(known, value)
    : known + (value - known) / count;
}
