import { round } from "./load.ts";

/** Between two looks, ms. */
const INTERVAL_MS = 4;

/** How late the event loop of a process served a timer, ms. */
export interface Pauses {
  /** The longest. */
  readonly longest: number;
  readonly p999: number;
  /** The same, only the time in which the thread ran: what it made itself, and not others on the same processors. */
  readonly ownLongest: number;
  readonly ownP999: number;
  /** Pauses of the process's own making above 20 ms. */
  readonly above20: number;
}

/** Looks a few hundred times a second how late it comes. */
export class PauseWatch {
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #late: number[] = [];
  readonly #own: number[] = [];
  #lastMs = performance.now();
  #ranMs = ranMs();

  /** Watches until {@linkcode stop}. */
  constructor() {
    this.#timer = setInterval(() => this.#look(), INTERVAL_MS);
  }

  /** Ends it. */
  stop(): Pauses {
    clearInterval(this.#timer);
    const [late, own] = [this.#late, this.#own].map((values) =>
      values.sort((a, b) => a - b)
    ) as [number[], number[]];
    return {
      longest: at(late, 1),
      p999: at(late, 0.999),
      ownLongest: at(own, 1),
      ownP999: at(own, 0.999),
      above20: own.filter((ms) => ms > 20).length,
    };
  }

  #look(): void {
    const now = performance.now();
    const ran = ranMs();
    const lateMs = Math.max(0, now - this.#lastMs - INTERVAL_MS);
    this.#late.push(lateMs);
    this.#own.push(Math.min(lateMs, ran - this.#ranMs));
    this.#lastMs = now;
    this.#ranMs = ran;
  }
}

function at(sorted: readonly number[], share: number): number {
  const index = Math.min(sorted.length - 1, Math.floor(share * sorted.length));
  return round(sorted[index] ?? 0);
}

/** How long this process's first thread, which runs the event loop, has run, ms; always 0 on systems that do not say. */
function ranMs(): number {
  try {
    const [ranNs] = Deno.readTextFileSync("/proc/self/schedstat").split(" ");
    return Number(ranNs) / 1e6;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return 0;
  }
}
