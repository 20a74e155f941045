/** Clocks of clients may differ by so much of a lease: as `ClientLease`. */
const MARGIN = 0.1;

/** A lease as its client sees it: over by its own clock before it can be for the cluster. */
export class SimLease {
  readonly id: number;
  readonly ttlMs: number;
  #renewedMs = 0;
  #untilMs = 0;
  #givenUp = false;

  /** One that was asked for at `sentMs`. */
  constructor(id: number, ttlMs: number, sentMs: number) {
    this.id = id;
    this.ttlMs = ttlMs;
    this.renewed(sentMs);
  }

  /** Whether it is to be renewed. */
  isDue(nowMs: number): boolean {
    return nowMs - this.#renewedMs > this.ttlMs / 3;
  }

  /** Whether it is certainly held. */
  lives(nowMs: number): boolean {
    return !this.#givenUp && nowMs < this.#untilMs;
  }

  /** What was sent at `sentMs` has renewed it. */
  renewed(sentMs: number): void {
    this.#renewedMs = Math.max(this.#renewedMs, sentMs);
    const untilMs = sentMs + (1 - MARGIN) * this.ttlMs;
    this.#untilMs = Math.max(this.#untilMs, untilMs);
  }

  /** Its client does not believe in it any more, whatever comes. */
  giveUp(): void {
    this.#givenUp = true;
  }
}
