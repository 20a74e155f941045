import type { RaftGroup } from "../../group/group.ts";
import type { Clock } from "../../util/clock.ts";
import type { Timers } from "../../util/timers.ts";

/** What is due goes with the next entry; if none comes for so long, the leader proposes one, ms. */
const QUIET_MS = 100;
/** Between two such entries while more is due than one of them clears, ms. */
const NEXT_MS = 10;
/** While there are deadlines, an entry is proposed at least this often: a restart of all members would give back the time since the last one, ms. */
const MINUTE_MS = 60_000;
const PROPOSAL_MS = 5_000;

/** What it looks at of a group's state. */
export interface DueState {
  /** The cluster clock as of the last entry applied, ms. */
  readonly clockMs: number;
  /** The earliest deadline, by the cluster clock, ms; Infinity if there is none. */
  readonly nextDueMs: number;
}

/** What the due clock needs from its node. */
export interface DueClockPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  group(): RaftGroup | null;
  /** Of that group. */
  state(): DueState | null;
  tellTime(timeoutMs: number): Promise<unknown>;
}

/** Has the leader propose entries that carry nothing but the time when something is due and nobody writes. */
export class DueClock {
  readonly #ports: DueClockPorts;
  #cancel: (() => void) | null = null;
  #proposing = false;
  #stopped = false;
  /** The last entry that was seen applied, and when. */
  #applied = 0;
  #appliedMs: number;

  /** Proposes nothing until {@linkcode tick} is called. */
  constructor(ports: DueClockPorts) {
    this.#ports = ports;
    this.#appliedMs = ports.clock.monotonic();
  }

  /** Looks whether a timer is needed. Call it a few times a second, and when entries were applied. */
  tick(): void {
    if (this.#stopped || this.#proposing) return;
    this.#cancel?.();
    this.#cancel = null;
    const waitMs = this.#waitMs();
    if (waitMs === null) return;
    if (waitMs <= 0) return this.#propose();
    this.#cancel = this.#ports.timers.after(
      Math.ceil(waitMs),
      () => this.tick(),
    );
  }

  /** Proposes nothing any more. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = null;
  }

  /** How long until an entry is wanted, a minute at most, ms; null if none will be. */
  #waitMs(): number | null {
    const { clock, group } = this.#ports;
    const now = clock.monotonic();
    const [led, state] = [group(), this.#ports.state()];
    const applied = led?.machine.applied.index ?? 0;
    if (applied !== this.#applied) {
      this.#applied = applied;
      this.#appliedMs = now;
    }
    if (led?.core.role !== "leader" || state === null) return null;
    const dueMs = state.nextDueMs;
    if (dueMs === Infinity) return null;
    const quietMs = now - this.#appliedMs;
    return Math.min(
      MINUTE_MS - quietMs,
      Math.max(dueMs - led.clockMs, QUIET_MS - quietMs),
    );
  }

  #propose(): void {
    this.#proposing = true;
    const begun = this.#ports.clock.monotonic();
    // Whoever leads later tries again.
    this.#ports.tellTime(PROPOSAL_MS).catch(() => {}).then(() => {
      const { timers, clock } = this.#ports;
      const waitMs = Math.max(1, begun + NEXT_MS - clock.monotonic());
      if (this.#stopped) return;
      this.#cancel = timers.after(waitMs, () => {
        this.#proposing = false;
        this.#more();
      });
    });
  }

  /** What one entry did not clear needs the next one at once. */
  #more(): void {
    const [led, state] = [this.#ports.group(), this.#ports.state()];
    const due = led?.core.role === "leader" && state !== null &&
      state.nextDueMs <= state.clockMs;
    if (due && !this.#stopped) this.#propose();
    else this.tick();
  }
}
