import type { DiskDone, DiskError } from "./disk.ts";
import type { Done, LogError } from "./port.ts";

/** What one round of syncing has to do. */
export interface SyncRound {
  /** To be synced one after the other, oldest first, so that what was written first is durable first. */
  readonly files: readonly { sync(done: DiskDone): void }[];
  /** Names were created since the last round. */
  readonly directory: boolean;
  /** Called when all of it is durable. */
  finish(): LogError | null;
}

/**
 * Group commit: one round at a time. Callers that ask during a round wait for the
 * next one, which serves all of them with one fdatasync.
 */
export class GroupSync {
  readonly #begin: () => SyncRound;
  readonly #syncDirectory: (done: DiskDone) => void;
  readonly #fail: (error: DiskError) => LogError;
  #waiting: Done[] = [];
  #serving: Done[] | null = null;
  /** Rounds that ended and whose callbacks have not been called, oldest first. */
  readonly #outcomes: { served: Done[]; error: LogError | null }[] = [];
  #announcing = false;

  /** `begin` says what the round that starts now covers; `fail` makes the log unusable. */
  constructor(
    { begin, syncDirectory, fail }: {
      begin: () => SyncRound;
      syncDirectory: (done: DiskDone) => void;
      fail: (error: DiskError) => LogError;
    },
  ) {
    this.#begin = begin;
    this.#syncDirectory = syncDirectory;
    this.#fail = fail;
  }

  /** Calls `done` when everything written before this call is durable. */
  request(done: Done): void {
    this.#waiting.push(done);
    if (this.#serving === null) this.#start();
  }

  /** Fails every waiting caller. */
  abandon(error: LogError): void {
    const served = [...this.#serving ?? [], ...this.#waiting];
    this.#serving = this.#serving === null ? null : [];
    this.#waiting = [];
    for (const done of served) done(error);
  }

  #start(): void {
    this.#serving = this.#waiting;
    this.#waiting = [];
    const round = this.#begin();
    const step = (at: number): void => {
      const file = round.files[at];
      if (file === undefined) return this.#end(round.finish());
      file.sync((error) => {
        if (error === null) step(at + 1);
        else this.#end(this.#fail(error));
      });
    };
    if (!round.directory) return step(0);
    this.#syncDirectory((error) => {
      if (error === null) step(0);
      else this.#end(this.#fail(error));
    });
  }

  #end(error: LogError | null): void {
    this.#outcomes.push({ served: this.#serving ?? [], error });
    this.#serving = null;
    if (this.#waiting.length > 0) {
      if (error === null) {
        this.#start(); // The next round runs while the callbacks do.
      } else {
        this.#outcomes.push({ served: this.#waiting, error });
        this.#waiting = [];
      }
    }
    if (this.#announcing) return;
    this.#announcing = true;
    try {
      for (let next; (next = this.#outcomes.shift()) !== undefined;) {
        for (const done of next.served) done(next.error);
      }
    } finally {
      this.#announcing = false;
    }
  }
}
