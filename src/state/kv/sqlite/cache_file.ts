import { HiqliteError } from "../../../errors.ts";
import { Checkpointer } from "./checkpointer.ts";
import type { CacheDatabase, CacheStatement } from "./database.ts";
import { createCacheFile, openCacheFile, useWal } from "./schema.ts";

/** Of the WAL's format: before the page of each frame. */
const FRAME_HEADER_BYTES = 24;

/** How a file is opened. */
export interface CacheFileOptions {
  /** `found`: it was made before. `new`: it is made. `draft`: so, too, and worth nothing before its first checkpoint. */
  readonly kind: "found" | "new" | "draft";
  /** Bytes of the WAL from which on it is begun anew; left out for `WAL_BYTES`. */
  readonly walMax?: number | undefined;
  /** Called once the file is closed for good. */
  readonly closed: () => void;
}

/** A file of caches: its connection, its transactions and its checkpoints. */
export class CacheFile {
  readonly database: CacheDatabase;
  readonly #path: string;
  readonly #options: CacheFileOptions;
  readonly #begin: CacheStatement;
  readonly #commit: CacheStatement;
  readonly #rollback: CacheStatement;
  readonly #wal: CacheStatement;
  readonly #pageBytes: number;
  /** Null for a draft. */
  #checkpointer: Checkpointer | null = null;
  #walBytes = 0;
  #closed = false;

  /**
   * Opens or makes it.
   * @throws {StateDamagedError} if it is damaged.
   */
  constructor(path: string, options: CacheFileOptions) {
    this.#path = path;
    this.#options = options;
    const { kind } = options;
    const database = kind === "found"
      ? openCacheFile(path)
      : createCacheFile(path, kind === "new" ? "durable" : "draft");
    this.database = database;
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#rollback = database.prepare("ROLLBACK");
    this.#wal = database.prepare("PRAGMA wal_checkpoint(NOOP)");
    this.#pageBytes = Number(database.value("PRAGMA page_size"));
    if (kind !== "draft") this.#startCheckpoints();
  }

  /** Bytes of a WAL that is not as a whole in the file yet; as of the last moment without a transaction. */
  get walBytes(): number {
    // Inside a transaction SQLite does not tell.
    if (!this.inTransaction) {
      const [, frames, written] = this.#wal.get()!.map(Number);
      this.#walBytes = frames === written
        ? 0
        : frames! * (FRAME_HEADER_BYTES + this.#pageBytes);
    }
    return this.#walBytes;
  }

  /** Whether a transaction is open. */
  get inTransaction(): boolean {
    return !this.#closed && this.database.inTransaction;
  }

  /** Whether a checkpoint was asked for, or it is no draft. */
  get isDraft(): boolean {
    return this.#checkpointer === null;
  }

  /** See {@linkcode KvStore.ready}. */
  ready(callback: () => void): void {
    if (this.#checkpointer === null) callback();
    else this.#checkpointer.ready(callback);
  }

  /** See {@linkcode KvStore.begin}. */
  begin(): void {
    this.#checkpointer?.assertUsable();
    this.#begin.run();
  }

  /** See {@linkcode KvStore.commit}. */
  commit(): void {
    this.#commit.run();
    this.#checkpointer?.transactionEnded();
  }

  /** Undoes what the open transaction did, if there is one: some errors end it by themselves. */
  rollback(): void {
    if (this.database.inTransaction) this.#rollback.run();
    this.#checkpointer?.transactionEnded();
  }

  /** See {@linkcode KvStore.checkpoint}. */
  checkpoint(done: (error: Error | null) => void): void {
    try {
      if (this.#closed) {
        throw new HiqliteError("shutting_down", "The caches are closed");
      }
      if (this.#checkpointer === null) {
        useWal(this.database);
        this.#startCheckpoints();
      }
    } catch (error) {
      return queueMicrotask(() => done(error as Error));
    }
    this.#checkpointer!.checkpoint(done);
  }

  /** Closes it, beside what else happens. */
  close(): void {
    if (this.#closed) return;
    if (this.database.inTransaction) this.#rollback.run();
    this.#closed = true;
    const { closed } = this.#options;
    const last = (): void => this.database.close();
    if (this.#checkpointer !== null) {
      this.#checkpointer.close(last).then(closed);
      return;
    }
    last();
    queueMicrotask(closed);
  }

  #startCheckpoints(): void {
    this.#checkpointer = new Checkpointer(
      this.#path,
      this,
      this.#options.walMax,
    );
  }
}
