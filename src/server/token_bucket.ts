/** How much a {@linkcode TokenBucket} lets pass. */
export interface Rate {
  /** So many in a second, over time. */
  readonly perSecond: number;
  /** So many at once. */
  readonly burst: number;
}

/** A bucket that begins full, fills by a rate, and from which each request takes one. Knows the time only from its caller, ms. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #filledMs: number;

  /** Full at `nowMs`. */
  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#filledMs = nowMs;
  }

  /** Whether it is full at `nowMs`: then it is as good as a new one. */
  isFull(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#tokens === this.#rate.burst;
  }

  /** Takes one and returns 0, or takes none and returns how long until there is one, ms. */
  take(nowMs: number): number {
    this.#fill(nowMs);
    if (this.#tokens >= 1) {
      this.#tokens--;
      return 0;
    }
    return (1 - this.#tokens) / this.#rate.perSecond * 1000;
  }

  #fill(nowMs: number): void {
    const { perSecond, burst } = this.#rate;
    const gained = Math.max(0, nowMs - this.#filledMs) / 1000 * perSecond;
    this.#tokens = Math.min(burst, this.#tokens + gained);
    this.#filledMs = nowMs;
  }
}
