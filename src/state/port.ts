import type {
  Configuration,
  Entry,
  LogId,
  LogIndex,
  Term,
} from "../raft/types.ts";

/** What a state machine found when it was opened. */
export interface StateRecovery {
  /** The last entry applied. */
  readonly applied: LogId;
  /** The configuration as of `applied`; empty lists before the first. */
  readonly config: Configuration;
}

/** How far a state is. */
export interface StatePosition {
  /** The last entry in it. */
  readonly applied: LogId;
  /** When that entry was written, ms since 1970, by its leader's clock. */
  readonly timeMs: number;
  /** The state's hash there, which every member has had at that index. */
  readonly hash: number;
}

/** A checksum of the state at an index; equal on all members. */
export interface StateHash {
  readonly index: LogIndex;
  readonly hash: number;
  /** What part of the contents was looked at last, for people. */
  readonly table?: string;
}

/**
 * The state on this machine is damaged: no retry helps, the member must be rebuilt
 * from the others. Passed to callbacks of a {@linkcode StateMachine}, and thrown when one is opened.
 */
export class StateDamagedError extends Error {
  /** `StateDamagedError` */
  override readonly name = "StateDamagedError";
}

/**
 * What applies entries on this machine died or was ended: its transaction is rolled back and
 * another one stands in its place, so that the same batch may come again.
 */
export class WriterLostError extends Error {
  /** `WriterLostError` */
  override readonly name: string = "WriterLostError";
}

/** An entry that this member cannot apply: each attempt ended what runs it. */
export interface StuckEntry {
  readonly index: LogIndex;
  /** How the last attempt ended. */
  readonly reason: string;
}

/** What a snapshot that was kept says of its last entry. */
export interface KeptState {
  /** When it was written, ms since 1970, by its leader's clock. */
  readonly timeMs: number;
  /** The state's hash there. */
  readonly hash: number;
}

/** A finished snapshot, readable until it is released. */
export interface Snapshot {
  /** The last entry it contains. */
  readonly last: LogId;
  /** The configuration as of that entry. */
  readonly config: Configuration;
  /** Its size in bytes. */
  readonly size: number;
  /** SHA-256 of its bytes, hex. */
  readonly sha256: string;
  /** Reads `length` bytes at `offset` (fewer at the end). */
  read(
    offset: number,
    length: number,
    done: (error: Error | null, chunk: Uint8Array) => void,
  ): void;
  /**
   * Keeps what is in it as a file of that name, durably, beyond {@linkcode release}; left out where a snapshot
   * is no file of a format that anybody else reads.
   */
  keep?(path: string): Promise<KeptState>;
  /** Gives up the file; idempotent. */
  release(): void;
}

/** Receives a snapshot in order, chunk by chunk. */
export interface SnapshotSink {
  /** Bytes written so far; a resumed stream continues here. */
  readonly offset: number;
  /** Writes the next bytes. */
  write(chunk: Uint8Array, done: (error: Error | null) => void): void;
  /** Verifies size and checksum and makes it durable; an error means the snapshot must be sent again. */
  finish(
    expected: { readonly size: number; readonly sha256: string },
    done: (error: Error | null) => void,
  ): void;
  /** Drops what was written. */
  abort(): void;
}

/** Something that an entry did: the same on every member, in the order of the log. */
export interface StateEvent {
  readonly index: LogIndex;
  /** Its place among the events of its entry, from 0. */
  readonly seq: number;
  /** What it tells of; each machine has kinds of its own. */
  readonly kind: string;
  /** What happened, as the kind says. Shared by all who read it: not to be changed. */
  readonly bytes: Uint8Array;
}

/** The events of a batch in order, decoded when they are iterated. */
export interface StateEvents extends Iterable<StateEvent> {
  readonly count: number;
  /** Bytes that stay in memory as long as this does. */
  readonly byteLength: number;
}

/** A batch without events. */
export const NO_EVENTS: StateEvents = {
  count: 0,
  byteLength: 0,
  [Symbol.iterator]: () => [][Symbol.iterator](),
};

/** This member's state answers an entry differently than the leader that proposed it: one of them is wrong. */
export interface Divergence {
  readonly index: LogIndex;
  /** The hash of the answer that the entry carries. */
  readonly expected: number;
  /** The hash of the answer here. */
  readonly actual: number;
}

/** Called when a batch is applied; with an error nothing else counts. `divergence` tells of the first entry that was answered differently than its leader did. */
export type ApplyDone = (
  error: Error | null,
  answers: readonly Uint8Array[],
  events: StateEvents,
  divergence?: Divergence | null,
) => void;

/** What a leader is about to propose: command entries that will follow one another from `first` on. */
export interface Preparation {
  readonly first: LogIndex;
  readonly term: Term;
  /** Stamped already, so that they run with the time and the randomness that they will have. */
  readonly payloads: readonly Uint8Array[];
}

/** Every {@linkcode PrepareRefusal}; entries hold their places. */
export const PREPARE_REFUSALS = ["timeout", "too_large", "internal"] as const;

/** Why an entry must not get into any log. */
export type PrepareRefusal = typeof PREPARE_REFUSALS[number];

/** What became of an entry in a preparation. */
export type PreparedEntry =
  /** It ran. `hash` covers what members must agree about. */
  | {
    readonly kind: "prepared";
    readonly answer: Uint8Array;
    readonly hash: number;
  }
  /** It ran and was undone: it must be proposed alone, without a hash, and applied in a transaction of its own. Only the first of a preparation, and then the only outcome. */
  | { readonly kind: "alone" }
  /** It must not be proposed; the entries after it ran as if it had not been there. */
  | {
    readonly kind: "refused";
    readonly reason: PrepareRefusal;
    readonly detail: string;
  };

/** A preparation ended without outcomes and left nothing behind; the machine goes on. */
export class PrepareFailedError extends Error {
  /** `PrepareFailedError` */
  override readonly name = "PrepareFailedError";
  readonly reason: PrepareRefusal;
  /** The payload that is certainly the cause, by its place in the preparation; null if it may be any of them. */
  readonly at: number | null;
  /** `message` is what the sender of a payload is told that is the cause. */
  constructor(reason: PrepareRefusal, message: string, at: number | null) {
    super(message);
    this.reason = reason;
    this.at = at;
  }
}

/** Called when a preparation ended; with an error nothing of it is left. Fewer outcomes than payloads: the rest did not run. */
export type PrepareDone = (
  error: Error | null,
  outcomes: readonly PreparedEntry[],
) => void;

/**
 * A deterministic state machine. `apply` is called with consecutive entries, one
 * batch at a time; the answers come in the same order. An error passed to any
 * callback means the machine is unusable on this member (an I/O error, a
 * {@linkcode StateDamagedError}). Only after the code `disk_full` and after a {@linkcode WriterLostError}
 * the same batch may be tried again: nothing is lost, and nothing is applied twice. What a command
 * asks wrongly is an answer, not an error.
 */
export interface StateMachine {
  /** The last entry whose effect is visible to reads. */
  readonly applied: LogId;
  /** The cluster clock as of `applied`, ms: the latest of all entries; part of the state, and so of snapshots. */
  readonly clockMs: number;
  /** The entry that must not be applied here again, if there is one; also after a restart, until a snapshot takes its place. */
  readonly stuck?: StuckEntry | null;
  /**
   * Applies entries after `applied`. For each entry the callback gets an
   * encoded answer (empty for noop and config entries). With `answers` false
   * it gets none, which spares a follower the work. Either way it gets the events of
   * the entries, once what they tell of is committed in the local state: none of an attempt
   * that was undone, and none twice. After a crash the last ones may never be told.
   */
  apply(
    entries: readonly Entry[],
    answers: boolean,
    done: ApplyDone,
  ): void;
  /** Makes the present state durable and answers up to where it is. */
  checkpoint(done: (error: Error | null, durable: LogIndex) => void): void;
  /** Builds a snapshot beside the writer; at most one at a time. */
  snapshot(
    done: (error: Error | null, snapshot: Snapshot | null) => void,
  ): void;
  /** Opens a place for a snapshot from another member; at most one at a time, an older one is dropped. */
  receive(
    last: LogId,
    done: (error: Error | null, sink: SnapshotSink | null) => void,
  ): void;
  /** Makes the received snapshot of `last` the state, atomically and durably. */
  install(last: LogId, done: (error: Error | null) => void): void;
  /**
   * Looks for damage in what is stored: at leisure, with little effect on others, or in a hurry.
   * Rejects with {@linkcode StateDamagedError} if it finds some.
   */
  check(hurry: boolean): Promise<void>;
  /** Checksums of the state at some of the last indexes, for comparison with other members. */
  stateHashes(): readonly StateHash[];
  /** Stops after what was begun. */
  close(done: () => void): void;
}

/**
 * A state machine that runs commands before they are replicated, so that none that hangs,
 * dies or is too large ever gets into a log. After {@linkcode prepare} without an error a transaction is
 * open until {@linkcode commitPrepared} or {@linkcode rollbackPrepared}; reads, snapshots, `applied` and `clockMs` know
 * nothing of it, and nothing is applied or installed meanwhile. Cheap and bounded commands need none of this.
 */
export interface PreparingMachine extends StateMachine {
  /** The place in the present preparation of the payload that runs. */
  readonly preparing: number;
  /** Whether a COMMIT comes about while the thread that asked for it stands still, so that who reads on that thread can wait for it. */
  readonly commitsUnattended: boolean;
  /**
   * Runs payloads as the entries that they will be, in a transaction that stays open; entries that are not
   * refused get consecutive indexes. Errors: {@linkcode PrepareFailedError}, and those of `apply`. May be called while
   * {@linkcode commitPrepared} is under way, for what follows on that: it begins afterwards, and fails if that failed.
   */
  prepare(preparation: Preparation, done: PrepareDone): void;
  /** Commits what was prepared, all of it: it is applied now. After `disk_full`, and after {@linkcode PrepareFailedError} or {@linkcode WriterLostError} if the transaction was lost, it is still to be rolled back, unless `applied` says that it was committed before its writer died. */
  commitPrepared(
    done: (error: Error | null, events: StateEvents) => void,
  ): void;
  /** Undoes what was prepared: everything is as before. */
  rollbackPrepared(done: (error: Error | null) => void): void;
  /** Ends the preparation under way, which then fails with `timeout`; false if this machine cannot. */
  abortPrepare(): boolean;
}

/** Whether a machine runs commands before they are replicated. */
export function prepares(machine: StateMachine): machine is PreparingMachine {
  return "prepare" in machine;
}
