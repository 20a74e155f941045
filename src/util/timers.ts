/** A way to be called later, injected so that tests can supply their own. */
export interface Timers {
  /** Calls `callback` once, `ms` milliseconds from now. Returns a function that cancels it. */
  after(ms: number, callback: () => void): () => void;
}

/** The most that a timer takes, ms, about 24 days: with more it fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Calls `run` after `ms`, or after 24 days if that is sooner: for times that callers choose. */
export function startTimer(
  run: () => void,
  ms: number,
): ReturnType<typeof setTimeout> {
  return setTimeout(run, Math.min(ms, TIMER_MS_MAX));
}

/** The machine's timers. */
export const systemTimers: Timers = {
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
