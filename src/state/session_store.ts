import type { LogIndex } from "../raft/types.ts";

/** A session as it is stored. */
export interface SavedSession {
  /** The index of the entry that opened it. */
  readonly id: number;
  /** The entry that used it last. */
  readonly used: LogIndex;
  /** The cluster clock then. */
  readonly clockMs: number;
  /** Answers below this sequence are gone. */
  readonly below: number;
}

/** Answers of one batch as they are stored. */
export interface SavedAnswers {
  /** The index of the batch's first entry. */
  readonly first: LogIndex;
  readonly data: Uint8Array;
}

/** What changed since the last time. */
export interface SessionChanges {
  /** New ones, and ones that were used. */
  readonly sessions: Iterable<SavedSession>;
  /** Ids of closed ones. */
  readonly closed: Iterable<number>;
  /** New answers, and rows stored before, under the same `first`, that hold less now. */
  readonly answers: Iterable<SavedAnswers>;
  /** Stored answers by their `first`, all of which are forgotten. */
  readonly emptied: Iterable<LogIndex>;
}

/** Where sessions are stored: in the state machine's own transaction, so that they are as durable as what they tell of. */
export interface SessionStore {
  /** Everything stored: sessions from the longest unused on, answers in the order of `first`. */
  load(): {
    readonly sessions: Iterable<SavedSession>;
    readonly answers: Iterable<SavedAnswers>;
  };
  /** Stores changes with the batch that made them. */
  save(changes: SessionChanges): void;
}

/** Where sessions stand beside what is stored row by row. */
export interface SessionPosition {
  /** See `Sessions.horizon`. */
  readonly horizon: LogIndex;
  /** The cluster clock, ms. */
  readonly clockMs: number;
}
