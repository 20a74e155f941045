import type { LocalClient } from "../mod.ts";
import { type Timing, timing } from "./load.ts";
import { CLEAR, INSERT, row, SELECT } from "./workload.ts";

/** Callers of each kind; each waits for its answer before its next call. */
const WRITERS = 4;
const READERS = 2;
/** Between two calls of a caller, ms: a load that leaves the machine room. */
const PAUSE_MS = 5;

/** How long SQL took. */
export interface SqlTimings {
  readonly writes: Timing;
  /** By key, through the pool. */
  readonly reads: Timing;
}

/** Inserts and reads at a moderate rate until it is stopped. */
export class SqlLoad {
  readonly #client: LocalClient;
  readonly #begun = performance.now();
  readonly #writes: number[] = [];
  readonly #reads: number[] = [];
  readonly #running: Promise<unknown>;
  #next = 0;
  #stopped = false;

  /** Begins with an empty table. */
  static async begun(client: LocalClient): Promise<SqlLoad> {
    await client.execute(CLEAR);
    return new SqlLoad(client);
  }

  private constructor(client: LocalClient) {
    this.#client = client;
    this.#running = Promise.all([
      ...Array.from({ length: WRITERS }, () =>
        this.#call(
          this.#writes,
          () => this.#client.execute(INSERT, row(this.#next++)),
        )),
      ...Array.from({ length: READERS }, (_, n) =>
        this.#call(
          this.#reads,
          () => this.#client.query(SELECT, [n]),
        )),
    ]);
  }

  /** Ends it. */
  async stop(): Promise<SqlTimings> {
    this.#stopped = true;
    await this.#running;
    const elapsed = performance.now() - this.#begun;
    return {
      writes: timing(WRITERS, this.#writes, elapsed),
      reads: timing(READERS, this.#reads, elapsed),
    };
  }

  async #call(samples: number[], call: () => Promise<unknown>): Promise<void> {
    while (!this.#stopped) {
      const start = performance.now();
      await call();
      samples.push(performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
