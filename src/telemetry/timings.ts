import { BUCKETS_MS, Histogram, quantileMs } from "./histogram.ts";

/** For so many calls of {@linkcode Timings.tick} something counts as recent. */
const RECENT_TICKS = 10;

/** How long something took lately; percentiles are the upper ends of their buckets, or the longest if that is less. */
export interface Durations {
  /** How often it happened; never zero. */
  readonly count: number;
  /** Half of them took no longer, ms. */
  readonly p50Ms: number;
  /** 99 of 100 took no longer, ms. */
  readonly p99Ms: number;
  /** The longest, ms. */
  readonly maxMs: number;
}

/** How long something takes: since the start, and over the last ten seconds. */
export class Timings {
  /** Since the start. */
  readonly all: Histogram = new Histogram();
  /** What `all` had at each of the last ticks. */
  readonly #marks = Array.from(
    { length: RECENT_TICKS },
    () => new Float64Array(BUCKETS_MS.length + 1),
  );
  /** The longest since each of these ticks, and until the next. */
  readonly #longest = new Float64Array(RECENT_TICKS);
  /** The last tick's place. */
  #at = 0;

  /** Something took so many ms. */
  record(ms: number): void {
    this.all.record(ms);
    if (ms > this.#longest[this.#at]!) this.#longest[this.#at] = ms;
  }

  /** A second passed. */
  tick(): void {
    this.#at = (this.#at + 1) % RECENT_TICKS;
    this.#marks[this.#at]!.set(this.all.counts);
    this.#longest[this.#at] = 0;
  }

  /** The last nine to ten seconds; null if nothing happened in them. */
  recent(): Durations | null {
    const oldest = this.#marks[(this.#at + 1) % RECENT_TICKS]!;
    const counts = this.all.counts.map((count, i) => count - oldest[i]!);
    const p50 = quantileMs(counts, 0.5);
    if (p50 === null) return null;
    const maxMs = Math.max(...this.#longest);
    return {
      count: counts.reduce((sum, count) => sum + count, 0),
      p50Ms: Math.min(p50, maxMs),
      p99Ms: Math.min(quantileMs(counts, 0.99)!, maxMs),
      maxMs,
    };
  }
}
