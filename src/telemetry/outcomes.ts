import { Timings } from "./timings.ts";

/** What something that was asked for came to: how often, and after how long. */
export class Outcomes {
  /** Until the answer, whatever it was. */
  readonly times: Timings = new Timings();
  readonly #failures = new Map<string, number>();
  #done = 0;
  #failed = 0;

  /** How often it was done. */
  get done(): number {
    return this.#done;
  }

  /** How often it failed. */
  get failed(): number {
    return this.#failed;
  }

  /** How often it failed for which reason. */
  get failures(): ReadonlyMap<string, number> {
    return this.#failures;
  }

  /** It was done after so many ms, or failed: `failure` is a code of an error then. */
  record(ms: number, failure: string | null): void {
    this.times.record(ms);
    this.count(failure);
  }

  /** The same, of what nobody timed. */
  count(failure: string | null): void {
    if (failure === null) {
      this.#done++;
      return;
    }
    this.#failed++;
    this.#failures.set(failure, (this.#failures.get(failure) ?? 0) + 1);
  }
}
