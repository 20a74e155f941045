import type { Clock } from "../../util/clock.ts";
import { LoopLag } from "./loop_lag.ts";
import type { Logger } from "../../util/logger.ts";
import type { Timings } from "../../telemetry/timings.ts";
import type { RaftGroup } from "../../group/group.ts";

/** Ticks made up for after a stall; more would start elections before waiting messages were read. */
const CATCH_UP_TICKS = 3;
const SLOW_TICKS = 5;
/** At the beginning, where each step waits for the one before, every timer call is also a slow one: for so many. */
const FIRST_TICKS = 20;
/** Between two attempts of a leader without room to find another one; a multiple of the above. */
const FULL_TICKS = 40;

/** What the pulse needs from its node. */
export interface PulsePorts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Length of a tick, ms. */
  readonly tickMs: number;
  /** The loops that this member takes part in. */
  running(): Iterable<RaftGroup>;
  /** Every fifth timer call, and each of the first twenty: what need not be done at every tick. */
  slowTick(): void;
}

/** Turns time into ticks of every group, and lets a leader go whose machine cannot keep up. */
export class Pulse {
  readonly #ports: PulsePorts;
  readonly #lag: LoopLag;
  #timer: ReturnType<typeof setInterval> | null = null;
  #lastMs: number;
  #calls = 0;

  /** Beats from {@linkcode start} to {@linkcode stop}. */
  constructor(ports: PulsePorts) {
    this.#ports = ports;
    this.#lag = new LoopLag(ports.logger, ports.tickMs);
    this.#lastMs = ports.clock.monotonic();
  }

  /** Whether it beats. */
  get beating(): boolean {
    return this.#timer !== null;
  }

  /** The longest stall of the event loop since leadership was last handed over for it, ms. */
  get worstLagMs(): number {
    return this.#lag.worstMs;
  }

  /** By how much the event loop was late, whenever it was to serve the timer. */
  get lags(): Timings {
    return this.#lag.times;
  }

  /** Time that no tick has told of yet, ms. */
  get untoldMs(): number {
    return this.#ports.clock.monotonic() - this.#lastMs;
  }

  /** Begins; called once. */
  start(): void {
    this.#lastMs = this.#ports.clock.monotonic();
    this.#timer = setInterval(() => this.touch(), this.#ports.tickMs);
  }

  /** Ends; idempotent. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Tells the groups of time that passed; what must not be taken in before that calls it, too. */
  touch(): void {
    const { clock, tickMs } = this.#ports;
    const now = clock.monotonic();
    const passedMs = now - this.#lastMs;
    const elapsed = Math.floor(passedMs / tickMs);
    if (elapsed < 1) return;
    this.#lag.observe(passedMs - tickMs, this.#led().length > 0);
    const stalled = elapsed > CATCH_UP_TICKS;
    this.#lastMs = stalled ? now : this.#lastMs + elapsed * tickMs;
    const ticks = Math.min(elapsed, CATCH_UP_TICKS);
    for (const group of this.#ports.running()) {
      if (stalled) group.stalled();
      for (let i = 0; i < ticks; i++) {
        // The first one tells of all the time that no other will.
        const first = stalled && i === 0;
        group.tick(first ? passedMs - (ticks - 1) * tickMs : tickMs);
      }
    }
    this.#calls++;
    if (this.#calls > FIRST_TICKS && this.#calls % SLOW_TICKS !== 0) return;
    this.#ports.slowTick();
    this.#mayHandOver();
  }

  #led(): RaftGroup[] {
    return [...this.#ports.running()].filter(({ core }) =>
      core.role === "leader"
    );
  }

  #mayHandOver(): void {
    const led = this.#led();
    if (led.length === 0) return;
    const { logger } = this.#ports;
    if (this.#lag.overloaded) {
      logger.warn(
        "event loop is blocked again and again: handing leadership over",
      );
      this.#lag.reset();
      for (const group of led) group.transferLeadership(null);
      return;
    }
    if (this.#calls % FULL_TICKS !== 0) return;
    for (const group of led) {
      if (!group.diskFull || group.core.config.voters.length < 2) continue;
      logger.warn("the disk is full: handing leadership over");
      group.transferLeadership(null);
    }
  }
}
