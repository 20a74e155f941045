import type { RaftRefusal } from "../raft/io.ts";
import type { LogIndex, MemberId, Term } from "../raft/types.ts";

/** How a proposal ended. */
export type ProposalResult =
  /** Committed, and applied here or about to be ({@linkcode RaftGroup.answered}); `answer` is the state machine's. */
  | {
    readonly kind: "applied";
    readonly index: LogIndex;
    readonly answer: Uint8Array;
  }
  /** Never appended, or overwritten by another leader: certainly not applied. */
  | {
    readonly kind: "refused";
    readonly reason: RaftRefusal | "disk_full" | "overwritten" | "stopped";
    readonly detail: string;
    readonly leader: MemberId | null;
  }
  /** Leadership was lost meanwhile: it may still be committed by another leader. */
  | { readonly kind: "unknown"; readonly detail: string };

/** Receives the end of a proposal. */
export type ProposalDone = (result: ProposalResult) => void;

interface PendingProposal {
  readonly index: LogIndex;
  readonly term: Term;
  readonly done: ProposalDone;
}

/** Proposals that were appended and wait to be applied, in log order. */
export class PendingProposals {
  /** Those that are done have left empty places: what they asked for shall not be kept. */
  #queue: (PendingProposal | null)[] = [];
  #head = 0;

  /** The number of waiting proposals. */
  get size(): number {
    return this.#queue.length - this.#head;
  }

  /**
   * Registers a proposal appended at `index`. Proposals that wait at or above it were
   * cut from the log: this member lost leadership and won it again.
   */
  add(index: LogIndex, term: Term, done: ProposalDone): void {
    const kept =
      this.#queue.findLastIndex((each) => each !== null && each.index < index) +
      1;
    const cut = this.#queue
      .splice(Math.max(kept, this.#head)) as PendingProposal[];
    this.#queue.push({ index, term, done });
    for (const each of cut) {
      each.done({
        kind: "unknown",
        detail:
          `another leader's entries took the place of index ${each.index}`,
      });
    }
  }

  /** Whether a proposal at or below `index` waits for its result. */
  waitsUpTo(index: LogIndex): boolean {
    const next = this.#queue[this.#head];
    return !!next && next.index <= index;
  }

  /** An entry was applied, or nothing can keep it from that: completes the proposal that waits for it. */
  applied(index: LogIndex, term: Term, answer: Uint8Array): void {
    for (;;) {
      const next = this.#queue[this.#head];
      if (!next || next.index > index) return;
      this.#shift();
      if (next.index === index && next.term === term) {
        next.done({ kind: "applied", index, answer });
      } else if (next.index === index) {
        next.done({
          kind: "refused",
          reason: "overwritten",
          detail: `another leader's entry was committed at index ${index}`,
          leader: null,
        });
      } else {
        next.done({
          kind: "unknown",
          detail: `index ${next.index} was passed by a snapshot`,
        });
      }
    }
  }

  /** Ends every waiting proposal as unknown: this member can no longer learn its outcome. */
  abandon(detail: string): void {
    const abandoned = this.#queue.slice(this.#head) as PendingProposal[];
    this.#queue = [];
    this.#head = 0;
    for (const { done } of abandoned) done({ kind: "unknown", detail });
  }

  #shift(): void {
    this.#queue[this.#head++] = null;
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }
}
