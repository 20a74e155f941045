import { setImmediate } from "node:timers";

/** How work that takes long lets others in between; injected so that the simulator can decide it. */
export interface Pace {
  /** Milliseconds since anywhere, with fractions; never goes back. */
  now(): number;
  /** Calls `next` when the caller is done, before anything else gets a turn. */
  soon(next: () => void): void;
  /** Calls `next` once everything else had a turn. */
  turn(next: () => void): void;
}

/** The event loop's own. */
export const SYSTEM_PACE: Pace = {
  now: () => performance.now(),
  soon: (next) => queueMicrotask(next),
  turn: (next) => void setImmediate(next),
};

/** How long work may go on before others get a turn, ms. */
const SLICE_MS = 4;

/**
 * Calls `step` until it says that nothing is left to do, with turns for others in between; then `done`. What
 * `step` throws ends it. A step should take well below a millisecond.
 */
export function inSlices(
  pace: Pace,
  step: () => boolean,
  done: (error: Error | null) => void,
): void {
  const until = pace.now() + SLICE_MS;
  try {
    while (step()) {
      if (pace.now() < until) continue;
      return pace.turn(() => inSlices(pace, step, done));
    }
  } catch (error) {
    return done(error as Error);
  }
  done(null);
}
