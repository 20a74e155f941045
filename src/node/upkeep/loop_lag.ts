import { Timings } from "../../telemetry/timings.ts";
import type { Logger } from "../../util/logger.ts";

/** A stall this long is reported. */
const REPORT_MS = 250;
/** A stall this long counts against leadership. */
const STALL_MS = 500;
/** So many stalls within {@linkcode WINDOW} timer calls mean the application blocks the loop. */
const STALLS_MAX = 3;
const WINDOW = 1_200;

/** Watches how late the event loop serves its timer: the application shares it. */
export class LoopLag {
  /** By how much each call of the timer was late. */
  readonly times: Timings = new Timings();
  readonly #logger: Logger;
  readonly #tickMs: number;
  #calls = 0;
  #stalls: number[] = [];
  #worstMs = 0;

  /** Expects to be called every `tickMs`. */
  constructor(logger: Logger, tickMs: number) {
    this.#logger = logger;
    this.#tickMs = tickMs;
  }

  /** The longest stall since the last {@linkcode reset}, ms. */
  get worstMs(): number {
    return this.#worstMs;
  }

  /** Whether long stalls keep happening. */
  get overloaded(): boolean {
    return this.#stalls.length >= STALLS_MAX;
  }

  /** The timer came so many ms late; `leads`: this member leads some group. */
  observe(lateMs: number, leads: boolean): void {
    this.#calls++;
    this.times.record(Math.max(0, lateMs));
    this.#worstMs = Math.max(this.#worstMs, lateMs);
    this.#stalls = this.#stalls.filter((call) => call > this.#calls - WINDOW);
    if (lateMs >= STALL_MS) this.#stalls.push(this.#calls);
    if (lateMs >= REPORT_MS) {
      this.#logger.warn(
        `the event loop was blocked for ${Math.round(lateMs)} ms${
          leads
            ? "; this member leads, and would lose that beyond the election timeout"
            : ""
        }`,
        { tickMs: this.#tickMs },
      );
    }
  }

  /** Forgets what was observed. */
  reset(): void {
    this.#stalls = [];
    this.#worstMs = 0;
  }
}
