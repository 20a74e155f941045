/** What a run of writers or readers came to. Times of single calls in µs. */
export interface Timing {
  readonly concurrency: number;
  readonly calls: number;
  readonly ms: number;
  /** Calls per second. */
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
}

/** More calls than any measurement makes. */
export const UNBOUNDED = 100_000_000;

/** Callers while members run warm, before anything is measured. */
export const WARMING = 64;

/** How much to run. */
export interface Load {
  /** Callers at once; each waits for its answer before the next call. */
  readonly concurrency: number;
  /** No call begins after this many ms. */
  readonly ms: number;
  /** No more calls than this. */
  readonly calls: number;
}

/** Runs `call` in a closed loop; `n` counts calls over all callers, from 0. */
export async function drive(
  { concurrency, ms, calls }: Load,
  call: (n: number) => Promise<unknown>,
): Promise<Timing> {
  const samples: number[] = [];
  const begin = performance.now();
  const end = begin + ms;
  let next = 0;
  const caller = async (): Promise<void> => {
    for (;;) {
      const start = performance.now();
      if (start >= end || next >= calls) return;
      await call(next++);
      samples.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  const elapsed = performance.now() - begin;
  return timing(concurrency, samples, elapsed);
}

/** Runs a synchronous `call` so many times. */
export function driveSync(calls: number, call: (n: number) => void): Timing {
  const samples = new Array<number>(calls);
  const begin = performance.now();
  for (let n = 0; n < calls; n++) {
    const start = performance.now();
    call(n);
    samples[n] = performance.now() - start;
  }
  const elapsed = performance.now() - begin;
  return timing(1, samples, elapsed);
}

/** Sums up calls whose durations (ms) were measured. */
export function timing(
  concurrency: number,
  samples: readonly number[],
  ms: number,
): Timing {
  const sorted = Float64Array.from(samples).sort();
  const calls = sorted.length;
  return {
    concurrency,
    calls,
    ms: round(ms),
    rate: round(calls / ms * 1000),
    p50: round(percentile(sorted, 0.5) * 1000),
    p99: round(percentile(sorted, 0.99) * 1000),
  };
}

/** The middle value; of an even number of values the upper one. */
export function median(values: readonly number[]): number {
  return percentile(Float64Array.from(values).sort(), 0.5);
}

function percentile(sorted: Float64Array, part: number): number {
  const at = Math.min(sorted.length - 1, Math.floor(sorted.length * part));
  return sorted[at] ?? NaN;
}

/** One decimal. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
