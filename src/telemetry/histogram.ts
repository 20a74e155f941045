/** Where the buckets of a {@linkcode Histogram} end, ms, the ends with them; one more has what took longer. */
export const BUCKETS_MS: readonly number[] = [
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1_000,
  2_500,
  5_000,
  10_000,
];

/** How often something took how long. To record costs no memory: it is on the way of every write. */
export class Histogram {
  /** How many fell into each bucket, none of them cumulated; the last one is without an end. */
  readonly counts: Float64Array = new Float64Array(BUCKETS_MS.length + 1);
  #sumMs = 0;

  /** How many there are. */
  get count(): number {
    let count = 0;
    for (const each of this.counts) count += each;
    return count;
  }

  /** How long all took together, ms. */
  get sumMs(): number {
    return this.#sumMs;
  }

  /** Something took so many ms, from 0. */
  record(ms: number): void {
    let bucket = 0;
    while (bucket < BUCKETS_MS.length && ms > BUCKETS_MS[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.#sumMs += ms;
  }

  /** Adds what another one has. */
  merge(other: Histogram): void {
    for (let i = 0; i < this.counts.length; i++) {
      this.counts[i]! += other.counts[i]!;
    }
    this.#sumMs += other.sumMs;
  }
}

/** Where the bucket ends in which a share of all lies, ms: 0.99 for a p99. Infinity in the last bucket, and null of nothing. */
export function quantileMs(
  counts: Float64Array,
  share: number,
): number | null {
  let count = 0;
  for (const each of counts) count += each;
  if (count === 0) return null;
  let below = 0;
  for (let bucket = 0; bucket < BUCKETS_MS.length; bucket++) {
    below += counts[bucket]!;
    if (below >= share * count) return BUCKETS_MS[bucket]!;
  }
  return Infinity;
}
