import type { LocalClient } from "../mod.ts";
import { type Timing, timing } from "./load.ts";

/** More puts than this are not under way: what is offered beyond waits. */
const OPEN_MAX = 2048;
/** Puts that begin in one turn, at most. */
const BURST = 200;
const TICK_MS = 1;

/** Puts at a steady rate over keys that are there. */
export interface PacedLoad {
  /** Offered puts per second. */
  readonly rate: number;
  readonly keys: number;
}

/** Entries of a hundred bytes, as many as there are keys. */
export async function fillCache(
  client: LocalClient,
  keys: number,
): Promise<void> {
  const cache = client.cache<string>("resident");
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < keys) await cache.put(keyOf(next++), VALUE);
  };
  await Promise.all(Array.from({ length: 512 }, lane));
}

/** Puts entries anew at the offered rate until it is stopped; a call is one put. */
export class PacedPuts {
  readonly #client: LocalClient;
  readonly #load: PacedLoad;
  readonly #samples: number[] = [];
  readonly #begun = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;
  #issued = 0;
  #open = 0;
  #failure: Error | null = null;

  /** Begins at once. */
  constructor(client: LocalClient, load: PacedLoad) {
    this.#client = client;
    this.#load = load;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Ends it, once what is under way is over. @throws {Error} what a put failed with. */
  async stop(): Promise<Timing> {
    clearInterval(this.#timer);
    const elapsed = performance.now() - this.#begun;
    while (this.#open > 0) {
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    if (this.#failure !== null) throw this.#failure;
    return timing(OPEN_MAX, this.#samples, elapsed);
  }

  #tick(): void {
    const due = (performance.now() - this.#begun) / 1000 * this.#load.rate;
    for (let left = BURST; left > 0; left--) {
      if (this.#issued >= due || this.#open >= OPEN_MAX) return;
      void this.#put(this.#issued++);
    }
  }

  async #put(n: number): Promise<void> {
    const start = performance.now();
    this.#open++;
    try {
      // A prime that is no factor of the number of keys, so that all come in an order without a pattern.
      const key = keyOf(n * 7919 % this.#load.keys);
      await this.#client.cache<string>("resident").put(key, VALUE);
      this.#samples.push(performance.now() - start);
    } catch (error) {
      this.#failure ??= error as Error;
    }
    this.#open--;
  }
}

const VALUE = "v".repeat(100);

function keyOf(n: number): string {
  return `resident key ${n}`;
}
