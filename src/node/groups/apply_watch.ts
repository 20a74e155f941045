import type { LogIndex } from "../../raft/types.ts";

/** Committed entries that are not applied for so long are reported, ms: a write may run as long on the leader. */
export const STALLED_MS = 10_000;

/** Sees when entries are committed and the state machine does not get on with them. */
export class ApplyWatch {
  #applied: LogIndex = 0;
  #sinceMs: number | null = null;
  #nowMs = 0;

  /** How long nothing was applied though something is committed, ms; 0 while it gets on. */
  get waitingMs(): number {
    return this.#sinceMs === null ? 0 : this.#nowMs - this.#sinceMs;
  }

  /** Whether it is longer than anything may take. */
  get stalled(): boolean {
    return this.waitingMs >= STALLED_MS;
  }

  /** Looks, a few times a second; true when a stall has just become one. */
  observe(commit: LogIndex, applied: LogIndex, nowMs: number): boolean {
    const before = this.stalled;
    this.#nowMs = nowMs;
    if (applied >= commit) this.#sinceMs = null;
    else if (applied !== this.#applied) this.#sinceMs = nowMs;
    else this.#sinceMs ??= nowMs;
    this.#applied = applied;
    return this.stalled && !before;
  }
}
