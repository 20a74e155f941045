import type { LogIndex } from "../raft/types.ts";
import type { StateMachine, StuckEntry } from "../state/port.ts";

/** Notices that what is committed is not applied, whatever the machine spends that time on. */
export class ApplyWatch {
  readonly #machine: StateMachine;
  readonly #limitMs: number;
  readonly #warn: (message: string, error: Error) => void;
  #applied: LogIndex = 0;
  #waitedMs = 0;
  #told = false;

  /** Complains once nothing was applied for `limitMs` though something is committed. */
  constructor(
    machine: StateMachine,
    limitMs: number,
    warn: (message: string, error: Error) => void,
  ) {
    this.#machine = machine;
    this.#limitMs = limitMs;
    this.#warn = warn;
  }

  /** The entry that cannot be applied on this member, if that is what comes next. */
  get stuck(): StuckEntry | null {
    const { stuck, applied } = this.#machine;
    return stuck && stuck.index === applied.index + 1 ? stuck : null;
  }

  /** How long the next committed entry has not been applied, ms; 0 as long as that is within the limit. */
  get stuckMs(): number {
    return this.#waitedMs > this.#limitMs ? this.#waitedMs : 0;
  }

  /** Why this member does not keep up with what is committed; null if it does. */
  get complaint(): string | null {
    const { stuck } = this;
    if (stuck !== null) {
      return `entry ${stuck.index} cannot be applied here: ${stuck.reason}`;
    }
    return this.stuckMs === 0
      ? null
      : `committed entries have not been applied for ${seconds(this.stuckMs)}`;
  }

  /** `elapsedMs` have passed. */
  tick(elapsedMs: number, commit: LogIndex): void {
    const applied = this.#machine.applied.index;
    if (applied !== this.#applied || applied >= commit) {
      if (this.#told) {
        const upTo = new Error(`up to ${applied} of ${commit}`);
        this.#warn("entries are applied again", upTo);
      }
      this.#applied = applied;
      this.#waitedMs = 0;
      this.#told = false;
      return;
    }
    this.#waitedMs += elapsedMs;
    if (this.#told || this.stuckMs === 0) return;
    this.#told = true;
    const waits = `entry ${applied + 1} of ${commit} waits for ${
      seconds(this.#waitedMs)
    }`;
    this.#warn("committed entries are not applied", new Error(waits));
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
