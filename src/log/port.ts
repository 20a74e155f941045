import type { EntryMeta } from "../raft/io.ts";
import type {
  Configuration,
  Entry,
  HardState,
  LogId,
  LogIndex,
} from "../raft/types.ts";

/** What a log found when it was opened. */
export interface LogRecovery {
  /** Term and vote; `{term: 0, vote: null}` in a new log. */
  readonly hardState: HardState;
  /** The last entry that is gone from the log; index 0 in a new one. */
  readonly base: LogId;
  /** The entries after `base`. */
  readonly entries: readonly EntryMeta[];
  /** Those of kind config, decoded. */
  readonly configs: readonly {
    readonly index: LogIndex;
    readonly config: Configuration;
  }[];
}

/** How a log became unusable. Nothing is retried: the member stops or becomes a new incarnation. */
export type LogFailure =
  /** fsync or write failed: what is on disk is unknown (fsyncgate). */
  | "io"
  /** Something durable is missing or damaged. */
  | "corrupt";

/** Thrown by, or passed to callbacks of, a {@linkcode LogStore} that is unusable from now on. */
export class LogError extends Error {
  override readonly name = "LogError";
  /** What kind of failure it was. */
  readonly failure: LogFailure;
  /** `message` names the file and what was found. */
  constructor(failure: LogFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** Receives the outcome of an asynchronous step; `null` is success. */
export type Done = (error: LogError | null) => void;

/**
 * A durable, ordered log. Mutations take effect at once for reads and are durable
 * after the next {@linkcode LogStore.sync} that starts after them completes; they become durable
 * in the order in which they were made. Callbacks instead of promises: the
 * simulator runs this code synchronously, and the write path allocates less.
 */
export interface LogStore {
  /** The last entry gone from the log. */
  readonly base: LogId;
  /** The last entry; equals `base` if the log is empty. */
  readonly last: LogId;
  /** Bytes of disk (or memory) in use. */
  readonly bytes: number;

  /**
   * Makes sure that entries with this many payload bytes can be appended, and
   * returns whether there is room. Called before entries are accepted, so that a
   * full disk refuses them instead of failing in the middle. Reservations add
   * up until they are appended or {@linkcode unreserve} is called.
   */
  reserve(count: number, payloadBytes: number): boolean;
  /** Gives up what was reserved and not appended. */
  unreserve(): void;
  /**
   * Adds entries after `last`, without gaps; room was reserved.
   * @throws {LogError} on a write error.
   */
  append(entries: readonly Entry[]): void;
  /** Drops every entry above `index`, which is at least `base.index`. */
  truncateAfter(index: LogIndex): void;
  /** Replaces term and vote. */
  saveHardState(hardState: HardState): void;
  /** Makes everything so far durable. Calls may overlap; one fdatasync serves all waiting calls. */
  sync(done: Done): void;

  /** The entry's term, `base.term` at `base.index`, or undefined outside. */
  termAt(index: LogIndex): number | undefined;
  /**
   * Entries `from … to` as far as they are in the memory tail and fit into
   * `maxBytes` (always at least one); undefined if `from` is not in memory.
   */
  readCached(
    from: LogIndex,
    to: LogIndex,
    maxBytes: number,
  ): Entry[] | undefined;
  /** The same from disk; `done(null, [])` if `from` is purged meanwhile. */
  read(
    from: LogIndex,
    to: LogIndex,
    maxBytes: number,
    done: (error: LogError | null, entries: Entry[]) => void,
  ): void;

  /**
   * Verifies about `budgetBytes` more of the stored log. `finished` is true when the
   * end is reached; the next call starts over. One call at a time. Damage makes the log unusable.
   */
  scrub(
    budgetBytes: number,
    done: (error: LogError | null, finished: boolean) => void,
  ): void;
  /** Forgets entries up to and including `to`; may keep more on disk than it shows. */
  purge(to: LogId): void;
  /** Empties the log and starts it after `base` (a snapshot was installed). Durable after the next sync. */
  reset(base: LogId): void;
  /** Releases files. Pending callbacks fail. */
  close(): void;
}
