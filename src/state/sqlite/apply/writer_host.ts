import { ByteWriter } from "../../../util/bytes.ts";
import type { Logger } from "../../../util/logger.ts";
import type { SqliteDriver } from "../driver/driver.ts";
import { CHILD_LIMITS, maySpawn } from "../thread/child_command.ts";
import { ChildHandle } from "../thread/child_handle.ts";
import { RestartableHost, type StartLife } from "../thread/host.ts";
import type { SchemaEpoch } from "../thread/schema_epoch.ts";
import { WorkerHandle } from "../thread/worker_handle.ts";
import type { WriterOptions } from "./writer_protocol.ts";
import type { WriterWorkerOptions } from "./writer_start.ts";

const RING_BYTES = 1024 * 1024;
/** What SQLite's heap may hold where it serves writer and readers of one process. */
const SHARED_HEAP_BYTES = 1024 * 1024 * 1024;

/**
 * What an interrupted writer may still take before its thread is given up, ms. A function of SQLite hears an interrupt
 * when it returns, and until then its thread has the lock to write: the next writer would not get it, and the member end.
 */
const INTERRUPT_MS = 30_000;

/** Where the writer runs. */
export type WriterPlace = "worker" | "process";

/** What a writer is started with. */
export interface WriterStart {
  readonly options: Omit<WriterOptions, "heapBytes" | "path">;
  /** The database's file, whenever a writer starts: another one may have taken its place. */
  path(): string;
  readonly driver: SqliteDriver;
  /** The folder of the database's files, all of them. */
  readonly folder: string;
  readonly schema: SchemaEpoch;
  readonly logger: Logger;
  /** Shared memory: a word that says which command of a preparation runs; out of a process it may be some ms late. */
  readonly progress: Int32Array<SharedArrayBuffer>;
  /** @default what {@linkcode placeOf} chooses */
  readonly place?: WriterPlace | undefined;
}

let warned = false;

/**
 * A thread where what runs in it can be interrupted, else a process, which can be killed;
 * without the right to start one a thread all the same, whose death may be the member's.
 */
export function placeOf(driver: SqliteDriver, logger: Logger): WriterPlace {
  if (driver.capabilities.interrupt) return "worker";
  if (maySpawn()) return "process";
  if (!warned) {
    logger.warn(
      "the writer runs in this process and cannot be stopped: a statement that never ends, or takes too much memory, is the member's end; allow it to start others of its kind (--allow-run=deno; if deno is a link or the program is compiled, --allow-run=/proc/self/exe on Linux and plain --allow-run elsewhere)",
    );
  }
  warned = true;
  return "worker";
}

/** Starts the writer; rejects with what keeps it from opening the database. */
export function startWriterHost(
  start: WriterStart,
): ReturnType<typeof RestartableHost.start> {
  const place = start.place ?? placeOf(start.driver, start.logger);
  return RestartableHost.start(
    place === "process" ? inProcess(start) : inWorker(start),
  );
}

function inProcess(start: WriterStart): StartLife {
  const { folder, schema } = start;
  const progress = (at: number): void => {
    Atomics.store(start.progress, 0, at);
  };
  return (opened) => {
    const options: WriterOptions = {
      ...start.options,
      path: start.path(),
      heapBytes: CHILD_LIMITS.writer.sqliteBytes,
    };
    const opening = new ByteWriter(512).text(JSON.stringify(options)).finish();
    return new ChildHandle(
      { role: "writer", folder, opening, schema, progress },
      opened,
    );
  };
}

function inWorker(
  { options, path, driver, schema, progress }: WriterStart,
): StartLife {
  return (opened) => {
    const given: WriterWorkerOptions = {
      ...options,
      path: path(),
      heapBytes: SHARED_HEAP_BYTES,
      schemaEpoch: schema.memory,
      progress: progress.buffer,
    };
    const url = new URL("./writer_start.ts", import.meta.url);
    return new WorkerHandle(
      new Worker(url, { type: "module" }),
      {
        ringBytes: RING_BYTES,
        options: given,
        interrupt: driver.interrupt?.bind(driver),
        interruptMs: INTERRUPT_MS,
      },
      opened,
    );
  };
}

/** Never called: by this a compiled program contains the Worker's module. */
export const writerModule = (): Promise<unknown> => import("./writer_start.ts");
