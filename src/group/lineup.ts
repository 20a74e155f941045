import type { ProposalInbox, WaitingProposal } from "./inbox.ts";

const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_ENTRIES = 8192;
/** How long each proposal of a batch that took too long may run alone before those behind it go first, ms. */
const TRIAL_MS = 200;
/** So many that this is not enough for may wait for all others; more of them have their turn at once. */
const SLOW_MAX = 4;

/** Why a batch is what it is. `trial`: one of a batch that took too long, for a short time. `slow`: one that this was not enough for. */
type Turn = "batch" | "suspect" | "trial" | "slow";

/**
 * Which proposals run together. Those of a batch that failed of an unknown one run alone; if it took
 * too long, each for a short time first, so that what never ends keeps the others waiting once, and not a second time.
 */
export class Lineup {
  readonly #inbox: ProposalInbox;
  /** So many at the front of the inbox run alone. */
  #suspects = 0;
  #onTrial = false;
  readonly #slow: WaitingProposal[] = [];
  /** A batch was committed since a slow one had its turn. */
  #othersServed = false;
  #turn: Turn = "batch";

  /** Takes from `inbox`. */
  constructor(inbox: ProposalInbox) {
    this.#inbox = inbox;
  }

  /** Proposals that wait here and not in the inbox. */
  get size(): number {
    return this.#slow.length;
  }

  /** Whether there is anything to run. */
  get waiting(): boolean {
    return this.size + this.#inbox.size > 0;
  }

  /** Whether what was taken last runs alone, so that it is to blame for how it ends. */
  get alone(): boolean {
    return this.#turn !== "batch";
  }

  /** How long what was taken last may run, if for less than usual, ms. */
  get trialMs(): number {
    return this.#turn === "trial" ? TRIAL_MS : Infinity;
  }

  /** Takes what runs next. Slow ones take turns with all others. */
  take(): readonly WaitingProposal[] {
    // Without room all that waited was refused, suspects too.
    if (this.#inbox.size === 0) this.#suspects = 0;
    if (this.#suspects > 0) {
      this.#suspects--;
      this.#turn = this.#onTrial ? "trial" : "suspect";
      return this.#inbox.take(1, BATCH_BYTES);
    }
    const due = this.#othersServed || this.#slow.length > SLOW_MAX;
    if (this.#inbox.size === 0 || this.#slow.length > 0 && due) {
      this.#turn = "slow";
      this.#othersServed = false;
      return this.#slow.splice(0, 1);
    }
    this.#turn = "batch";
    return this.#inbox.take(BATCH_ENTRIES, BATCH_BYTES);
  }

  /** What was taken last is committed. */
  committed(): void {
    this.#othersServed ||= !this.alone;
  }

  /** What was taken last could not be proposed now: it comes first again, as it came. */
  again(batch: readonly WaitingProposal[]): void {
    if (this.#turn === "slow") {
      this.#slow.unshift(...batch);
      return;
    }
    if (this.alone) this.#suspects++;
    this.#inbox.putBack(batch);
  }

  /** The place of what a batch of so many failed of, if it is certain: `at`, or what ran alone; null if it may be any. `late`: it took too long. */
  culprit(count: number, at: number | null, late: boolean): number | null {
    const alone = this.alone || late && count === 1;
    return at ?? (alone ? 0 : null);
  }

  /** One of so many that are about to be put back is what their batch failed of; `late`: it took too long. */
  suspect(count: number, late: boolean): void {
    this.#suspects += count;
    this.#onTrial = late;
  }

  /** It took too long in its trial: those behind it go first. */
  defer(proposal: WaitingProposal): void {
    if (this.#slow.length === 0) this.#othersServed = false;
    this.#slow.push(proposal);
  }

  /** Suspects nobody any more: all wait in the inbox. */
  disperse(): void {
    this.#suspects = 0;
    if (this.#slow.length > 0) this.#inbox.putBack(this.#slow.splice(0));
  }
}
