import type { LogStore } from "../log/port.ts";
import type { LogIndex } from "../raft/types.ts";

/** A log with room for this many bytes counts as having room. */
const ENOUGH_BYTES = 64 * 1024;

/** Whether this member's disk has room, for the log and for the state. */
export class Room {
  readonly #log: LogStore;
  readonly #warn: (message: string, error: Error) => void;
  #logFull = false;
  #stateFull = false;
  /** The state had no room for what is not even proposed. */
  #prepareFull = false;

  /** Believes that there is room until something fails. */
  constructor(log: LogStore, warn: (message: string, error: Error) => void) {
    this.#log = log;
    this.#warn = warn;
  }

  /** Whether writes must be refused. */
  get full(): boolean {
    return this.#logFull || this.#stateFull || this.#prepareFull;
  }

  /** Whether what is committed cannot be applied. */
  get stateFull(): boolean {
    return this.#stateFull;
  }

  /**
   * Reserves room in the log, if there is some.
   * @throws {LogError} if the log is unusable.
   */
  reserve(count: number, bytes: number): boolean {
    if (count === 0) return true;
    const room = this.#log.reserve(count, bytes);
    if (room !== this.#logFull) return room;
    this.#logFull = !room;
    this.#warn(
      room
        ? "there is room for the log again"
        : "no room for the log: writes are refused until there is",
      new Error(`${bytes} bytes`),
    );
    return room;
  }

  /**
   * Looks whether the log has room again: without new entries nothing else would notice.
   * @throws {LogError} if the log is unusable.
   */
  look(): void {
    if (this.#logFull) this.reserve(1, ENOUGH_BYTES);
  }

  /** The state machine found no room for a write before it was proposed, or found some again. */
  prepared(full: Error | null): void {
    const before = this.#prepareFull;
    this.#prepareFull = full !== null;
    if (before === this.#prepareFull) return;
    this.#warn(
      before
        ? "there is room for writes again"
        : "the database has no room: writes are refused until there is",
      full ?? new Error("a write could be prepared"),
    );
  }

  /** The state machine found no room; an attempt is made again and again. */
  stateRefused(error: Error): void {
    if (!this.#stateFull) {
      this.#warn(
        "the database has no room: applying is paused, writes are refused",
        error,
      );
    }
    this.#stateFull = true;
  }

  /** The state machine has applied up to here. */
  stateApplied(index: LogIndex): void {
    if (!this.#stateFull) return;
    this.#stateFull = false;
    this.#warn(
      "there is room for the database again",
      new Error(`applied up to ${index}`),
    );
  }
}

/** Whether a state machine's error ends once there is room. */
export function isFull(error: Error): boolean {
  return "code" in error && error.code === "disk_full";
}
