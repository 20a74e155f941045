/** A source of time, injected so that the simulator can supply its own. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes backwards. */
  monotonic(): number;
  /** Wall-clock milliseconds since the Unix epoch. */
  wall(): number;
}

/** The machine's clocks. */
export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
};
