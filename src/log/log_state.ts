import {
  type HardState,
  type LogId,
  type LogIndex,
  type Term,
  ZERO_LOG_ID,
} from "../raft/types.ts";
import { FrameIndex } from "./frame_index.ts";
import { TermRuns } from "./term_runs.ts";

/** What a log was before its first frame, or between two frames: kept in every segment's header. */
export interface LogSummary {
  readonly hardState: HardState;
  readonly base: LogId;
  readonly last: LogId;
}

/** The summary of a new log. */
export const NEW_LOG: LogSummary = {
  hardState: { term: 0, vote: null },
  base: ZERO_LOG_ID,
  last: ZERO_LOG_ID,
};

/**
 * What the frames so far add up to. Writing and recovery both go through these
 * methods, so that a log reads back as what it was.
 */
export class LogState {
  hardState: HardState;
  #base: LogId;
  /** Entries in `base … floor` exist and their frames have not been seen; only while recovering. */
  #floor: LogId;
  #last: LogId;
  readonly #terms = new TermRuns();
  /** Where the entries are. */
  readonly frames: FrameIndex = new FrameIndex();

  /** Starts from a segment's header. */
  constructor(start: LogSummary) {
    this.hardState = start.hardState;
    this.#base = start.base;
    this.#floor = start.last;
    this.#last = start.last;
  }

  /** The last entry gone. */
  get base(): LogId {
    return this.#base;
  }

  /** The last entry; equals `base` if there is none. */
  get last(): LogId {
    return this.#last;
  }

  /** The last live entry whose frame is not known, or null if all are. */
  get missingThrough(): LogIndex | null {
    return this.#floor.index > this.#base.index ? this.#floor.index : null;
  }

  /** A frame of `count` entries after `last`. */
  addEntries(
    { first, count, term, lsn, bytes }: {
      first: LogIndex;
      count: number;
      term: Term;
      lsn: number;
      bytes: number;
    },
  ): void {
    this.frames.push(first, lsn, bytes);
    this.#terms.push(first, term);
    this.#last = { term, index: first + count - 1 };
  }

  /** Drops everything above `to`. */
  truncateAfter(to: LogId): void {
    this.#last = to;
    this.frames.truncateAfter(to.index);
    this.#terms.truncateAfter(to.index);
    if (this.#floor.index > to.index) this.#floor = to;
  }

  /** Drops everything up to `to`. */
  purge(to: LogId): void {
    this.#base = to;
    if (this.#floor.index < to.index) this.#floor = to;
    this.frames.dropThrough(to.index, this.#last.index);
    this.#terms.dropThrough(to.index);
  }

  /** Drops everything and goes on after `base`. */
  reset(base: LogId): void {
    this.#base = this.#floor = this.#last = base;
    this.frames.clear();
    this.#terms.clear();
  }

  /** The term at `index`, or undefined outside `base … last`. */
  termAt(index: LogIndex): Term | undefined {
    if (index === this.#base.index) return this.#base.term;
    if (index < this.#base.index || index > this.#last.index) return undefined;
    if (index === this.#floor.index) return this.#floor.term;
    return index < this.#floor.index ? undefined : this.#terms.at(index);
  }

  /** A copy for the header of the next segment. */
  summary(): LogSummary {
    return { hardState: this.hardState, base: this.#base, last: this.#last };
  }
}
