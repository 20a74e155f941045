import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { dirname } from "node:path";
import { decodeConfiguration } from "../../../raft/configuration.ts";
import {
  type Configuration,
  type LogId,
  NO_CONFIGURATION,
} from "../../../raft/types.ts";
import { assert } from "../../../util/assert.ts";
import { syncPathLater } from "../../../util/durable_file.ts";
import type { ByteReader } from "../../../util/bytes.ts";
import type { BackupFacts } from "../../backups/types.ts";
import type { KeptState, Snapshot, SnapshotSink } from "../../port.ts";
import type { SqliteDriverSpec } from "../driver/driver.ts";
import type { Removals } from "./removals.ts";
import type { SnapshotTask } from "./snapshot_worker.ts";
import { WorkerHandle } from "../thread/worker_handle.ts";
import { readApplied } from "../apply/writer_protocol.ts";

const RING_BYTES = 4096;
const CLOSE_TIMEOUT_MS = 1000;
/** What a file system answers that knows no second names, or no more of them. */
const LINKLESS: ReadonlySet<unknown> = new Set([
  "EPERM",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EMLINK",
  "EXDEV",
]);

/** The configuration in its stored form. */
export function configurationOf(bytes: Uint8Array): Configuration {
  return bytes.length === 0 ? NO_CONFIGURATION : decodeConfiguration(bytes);
}

async function runTask<T>(
  task: SnapshotTask,
  read: (answer: ByteReader) => T,
  signal?: AbortSignal,
): Promise<T> {
  const opened = Promise.withResolvers<ByteReader>();
  const worker = new Worker(new URL("./snapshot_worker.ts", import.meta.url), {
    type: "module",
  });
  const handle = new WorkerHandle(
    worker,
    { ringBytes: RING_BYTES, options: task },
    (error, answer) =>
      error === null ? opened.resolve(answer) : opened.reject(error),
  );
  const abort = (): void => opened.reject(signal!.reason);
  signal?.addEventListener("abort", abort);
  try {
    return read(await opened.promise);
  } finally {
    signal?.removeEventListener("abort", abort);
    await handle.close(signal?.aborted ? 0 : CLOSE_TIMEOUT_MS);
  }
}

/** Copies the database at `path`, as it is now, to `target`; `removals` gets it in the end. */
export async function buildSnapshot(
  driver: SqliteDriverSpec,
  path: string,
  target: string,
  removals: Removals,
): Promise<Snapshot> {
  const { last, config, ...rest } = await runTask(
    { kind: "build", driver, path, target },
    (answer) => {
      const { applied, config } = readApplied(answer);
      const size = answer.u53();
      const sha256 = answer.text();
      const state = { timeMs: answer.u53(), hash: answer.u32() };
      return { last: applied, config, size, sha256, state };
    },
  );
  return new FileSnapshot(target, removals, {
    last,
    config: configurationOf(config),
    ...rest,
  });
}

/**
 * Reads a copy of a database, which nobody uses, beside everything else; see `readBackupFile`.
 * @throws {StateDamagedError} {@linkcode Error}
 */
export function inspectBackup(
  driver: SqliteDriverSpec,
  path: string,
): Promise<BackupFacts> {
  return runTask(
    { kind: "inspect", driver, path },
    (answer) => JSON.parse(answer.text()) as BackupFacts,
  );
}

/**
 * Reads the whole database at `path`, beside everything else, table by table with long rests.
 * Rejects with {@linkcode StateDamagedError} if its pages do not fit together.
 */
export function checkDatabase(
  driver: SqliteDriverSpec,
  path: string,
  hurry: boolean,
  signal: AbortSignal,
): Promise<void> {
  return runTask({ kind: "check", driver, path, hurry }, () => {}, signal);
}

class FileSnapshot implements Snapshot {
  readonly last: LogId;
  readonly config: Configuration;
  readonly size: number;
  readonly sha256: string;
  readonly #path: string;
  readonly #removals: Removals;
  readonly #file: number;
  readonly #state: KeptState;
  #reading = 0;
  #released = false;

  constructor(
    path: string,
    removals: Removals,
    { last, config, size, sha256, state }: {
      last: LogId;
      config: Configuration;
      size: number;
      sha256: string;
      state: KeptState;
    },
  ) {
    this.#state = state;
    this.#path = path;
    this.#removals = removals;
    this.last = last;
    this.config = config;
    this.size = size;
    this.sha256 = sha256;
    this.#file = fs.openSync(path, "r");
  }

  read(
    offset: number,
    length: number,
    done: (error: Error | null, chunk: Uint8Array) => void,
  ): void {
    assert(!this.#released, "a released snapshot is read");
    const chunk = new Uint8Array(length);
    this.#reading++;
    fs.read(this.#file, chunk, 0, length, offset, (error, count) => {
      this.#reading--;
      if (this.#released) this.#close();
      done(error, chunk.subarray(0, count));
    });
  }

  /** A further name costs no time and no room; where the disk knows only one, it is a copy. */
  async keep(path: string): Promise<KeptState> {
    assert(!this.#released, "a released snapshot is kept");
    this.#reading++;
    try {
      await fs.promises.link(this.#path, path).catch((error) => {
        if (!LINKLESS.has(error.code)) throw error;
        return fs.promises.copyFile(
          this.#path,
          path,
          fs.constants.COPYFILE_EXCL,
        );
      });
      await syncPathLater(path);
      await syncPathLater(dirname(path));
      return this.#state;
    } finally {
      this.#reading--;
      if (this.#released) this.#close();
    }
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#close();
  }

  #close(): void {
    if (this.#reading > 0) return;
    fs.closeSync(this.#file);
    this.#removals.begin(this.#path);
  }
}

/** Collects a snapshot in a file. */
export class FileSink implements SnapshotSink {
  readonly #path: string;
  readonly #removals: Removals;
  readonly #file: number;
  readonly #hash = createHash("sha256");
  #offset = 0;
  #busy = false;
  #closed = false;
  /** Its last entry, as its sender says. */
  readonly last: LogId;
  /** Set when everything was received, verified and made durable. */
  complete = false;

  /** Creates the file; `removals` gets it if it is given up. */
  constructor(path: string, last: LogId, removals: Removals) {
    this.#path = path;
    this.#removals = removals;
    this.last = last;
    this.#file = fs.openSync(path, "w", 0o600);
  }

  /** Where the file is. */
  get path(): string {
    return this.#path;
  }

  /** See `SnapshotSink`. */
  get offset(): number {
    return this.#offset;
  }

  /** See `SnapshotSink`. */
  write(chunk: Uint8Array, done: (error: Error | null) => void): void {
    if (this.#closed || this.#busy) {
      return done(new Error("The snapshot is closed or still writing"));
    }
    this.#busy = true;
    this.#writeFrom(chunk, 0, done);
  }

  #writeFrom(
    chunk: Uint8Array,
    start: number,
    done: (error: Error | null) => void,
  ): void {
    const left = chunk.length - start;
    fs.write(
      this.#file,
      chunk,
      start,
      left,
      this.#offset + start,
      (error, count) => {
        if (error === null && count < left) {
          return this.#writeFrom(chunk, start + count, done);
        }
        this.#busy = false;
        if (error === null) {
          this.#hash.update(chunk);
          this.#offset += chunk.length;
        }
        if (this.#closed) this.#remove();
        done(error);
      },
    );
  }

  /** See `SnapshotSink`. */
  finish(
    expected: { readonly size: number; readonly sha256: string },
    done: (error: Error | null) => void,
  ): void {
    if (this.#closed || this.#busy) {
      return done(new Error("The snapshot is closed or still writing"));
    }
    const sha256 = this.#hash.digest("hex");
    if (this.#offset !== expected.size || sha256 !== expected.sha256) {
      const problem = `The snapshot arrived damaged: ${this.#offset} bytes (${
        sha256.slice(0, 8)
      }) instead of ${expected.size} (${expected.sha256.slice(0, 8)})`;
      this.abort();
      return done(new Error(problem));
    }
    this.#busy = true;
    fs.fsync(this.#file, (error) => {
      this.#busy = false;
      if (this.#closed) {
        this.#remove();
        return done(new Error("The snapshot was given up"));
      }
      this.complete = error === null;
      this.#closed = true;
      fs.closeSync(this.#file);
      done(error);
    });
  }

  /** See `SnapshotSink`. */
  abort(): void {
    if (this.#closed) {
      if (this.complete) this.#removals.begin(this.#path);
      return;
    }
    this.#closed = true;
    if (!this.#busy) this.#remove();
  }

  #remove(): void {
    fs.closeSync(this.#file);
    this.#removals.begin(this.#path);
  }
}

/** Never called: by this a compiled program contains the Worker's module. */
export const snapshotModule = (): Promise<unknown> =>
  import("./snapshot_worker.ts");
