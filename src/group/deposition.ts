import type { PendingProposals } from "./proposals.ts";

/** How long a deposed leader waits for its successor to decide about what it had proposed, ticks. */
const DEPOSED_TICKS = 20;

/**
 * What a leader had proposed when it lost leadership. The next leader may still
 * commit it; then a proposal completes as if nothing had happened.
 */
export class Deposition {
  readonly #proposals: PendingProposals;
  #tick = 0;
  /** The tick at which leadership was lost while proposals were pending. */
  #since: number | null = null;

  /** Watches over `proposals`. */
  constructor(proposals: PendingProposals) {
    this.#proposals = proposals;
  }

  /** Whether this member leads, after each step. */
  note(leads: boolean): void {
    if (leads) this.#since = null;
    else if (this.#proposals.size > 0) this.#since ??= this.#tick;
  }

  /** One tick of the group: proposals that nobody decided about in time end as unknown. */
  tick(): void {
    this.#tick++;
    if (this.#since === null || this.#tick - this.#since < DEPOSED_TICKS) {
      return;
    }
    this.#since = null;
    this.#proposals.abandon("this member lost leadership");
  }
}
