/** Who is told something at a member at present. */
export class Attendance {
  #count = 0;

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** What one of them is told; meanwhile it counts, and what `begin` begins lasts until what it answers is called. */
  async *while<T>(
    told: AsyncIterable<T>,
    signal: AbortSignal | undefined,
    begin: () => () => void = () => () => {},
  ): AsyncGenerator<T> {
    const release = begin();
    this.#count++;
    let counted = true;
    // Whoever aborts may never ask for more.
    const end = (): void => {
      if (!counted) return;
      counted = false;
      this.#count--;
      release();
    };
    signal?.addEventListener("abort", end);
    try {
      yield* told;
    } finally {
      signal?.removeEventListener("abort", end);
      end();
    }
  }
}
