import type { Clock } from "../../util/clock.ts";

/**
 * The cluster clock as a local reader takes it: that of the last entry applied here, and this member's own time
 * since. So a member that is cut off does not serve for ever what is long due elsewhere.
 */
export class ReadClock {
  readonly #clock: Clock;
  #appliedMs = 0;
  #sinceMs = 0;

  /** Own time passes as `clock` says. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The time for a read of a state whose last entry carries `appliedMs`. Call it a few times a second, too: its own time counts from the call that hears of an entry first. */
  now(appliedMs: number): number {
    const now = this.#clock.monotonic();
    if (appliedMs !== this.#appliedMs) {
      this.#appliedMs = appliedMs;
      this.#sinceMs = now;
    }
    return appliedMs + (now - this.#sinceMs);
  }
}
