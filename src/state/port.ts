import type { Configuration, Entry, LogId, LogIndex } from "../raft/types.ts";

/** What a state machine found when it was opened. */
export interface StateRecovery {
  /** The last entry applied. */
  readonly applied: LogId;
  /** The configuration as of `applied`; empty lists before the first. */
  readonly config: Configuration;
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

/** Called when a batch is applied; with an error nothing else counts. */
export type ApplyDone = (
  error: Error | null,
  answers: readonly Uint8Array[],
  events: StateEvents,
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
