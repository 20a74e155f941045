import type { LogIndex, Term } from "../raft/types.ts";
import type { PreparingMachine, StateEvents } from "../state/port.ts";
import type { WaitingProposal } from "./inbox.ts";
import type { PendingProposals } from "./proposals.ts";

/** A proposal that was prepared, and its answer. */
export interface Prepared {
  readonly proposal: WaitingProposal;
  readonly answer: Uint8Array;
  readonly hash: number;
}

/** Prepared proposals at consecutive places of the log. */
export interface PreparedBatch {
  readonly first: LogIndex;
  readonly term: Term;
  readonly prepared: readonly Prepared[];
}

/** Who hears of a commit. */
export interface PreparedCommitPorts {
  readonly proposals: PendingProposals;
  /** What the entries up to `index` did. */
  events(events: StateEvents, index: LogIndex): void;
  /** What the entries up to `index` did is lost. */
  eventsLost(index: LogIndex): void;
  /** They are in the state. */
  applied(index: LogIndex, bytes: number): void;
}

/**
 * `failed`: it is not in the state; null if it is. `disturbed`: what runs on top of it may have ended with
 * the machine's writer.
 */
export type CommitEnd = (failed: Error | null, disturbed: boolean) => void;

/**
 * Commits a prepared batch once it is replicated. Nothing can undo it any more, and its answers are known:
 * they leave at once, and only who reads here waits for the COMMIT ({@linkcode PreparedCommit.answered}), where that
 * can be waited for in every way in which one can read.
 */
export class PreparedCommit {
  readonly #machine: PreparingMachine;
  readonly #ports: PreparedCommitPorts;
  #last: LogIndex | null = null;
  #answered: LogIndex = 0;
  #stopped = false;

  /** Commits on `machine`. */
  constructor(machine: PreparingMachine, ports: PreparedCommitPorts) {
    this.#machine = machine;
    this.#ports = ports;
  }

  /** The end of the batch that is being committed; null if there is none. */
  get last(): LogIndex | null {
    return this.#last;
  }

  /** Answers up to here have left, perhaps before they were in the state. */
  get answered(): LogIndex {
    return this.#answered;
  }

  /** Begins with `batch`, tells its answers, at once or at the end, and calls `ended`. */
  begin({ first, term, prepared }: PreparedBatch, ended: CommitEnd): void {
    const last = first + prepared.length - 1;
    this.#last = last;
    let bytes = 0;
    for (const { proposal } of prepared) bytes += proposal.payload.length;
    const { commitsUnattended } = this.#machine;
    const answer = (): void =>
      prepared.forEach(({ answer }, i) =>
        this.#ports.proposals.applied(first + i, term, answer)
      );
    this.#machine.commitPrepared((error, events) => {
      if (this.#stopped) return;
      this.#last = null;
      // It may have ended after its COMMIT: then only the events are lost.
      if (error !== null && this.#machine.applied.index < last) {
        return ended(error, true);
      }
      if (error === null) this.#ports.events(events, last);
      else this.#ports.eventsLost(last);
      if (!commitsUnattended) answer();
      this.#ports.applied(last, bytes);
      ended(null, error !== null);
    });
    if (!commitsUnattended) return;
    this.#answered = last;
    answer();
  }

  /** Nobody hears of anything any more. */
  stop(): void {
    this.#stopped = true;
  }
}
