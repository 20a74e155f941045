/** Lets so many runs go at a time; the others wait in order. */
export class RunSlots {
  readonly #max: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** Lets `max` run at a time. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Runs `work` when it is its turn. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#max) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // Its slot goes to the next one.
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
