import { dirname } from "node:path";
import { HiqliteError } from "../../../errors.ts";
import { ByteReader, ByteWriter } from "../../../util/bytes.ts";
import type { Logger } from "../../../util/logger.ts";
import { readRows } from "../../sql/result.ts";
import { StateDamagedError } from "../../port.ts";
import type { QueryLimits, QueryResult, Statement } from "../../sql/types.ts";
import { writeQuery } from "./query_codec.ts";
import { readError } from "../thread/worker_handle.ts";

/** What a guarded query may cost if its caller says nothing. */
export const GUARDED_LIMITS: QueryLimits = {
  timeoutMs: 10_000,
  maxRows: 100_000,
  maxBytes: 64 * 1024 * 1024,
};

/** Queries that wait for a process before more are refused. */
const QUEUE_MAX = 1024;
const HEAP_MIB_MAX = 512;
const START_TIMEOUT_MS = 30_000;
/** What a frame may have beyond the bytes that the query's limit counts. */
const FRAME_SLACK_BYTES = 16 * 1024 * 1024;

/** The first argument with which a compiled binary runs `runReaderProcess` instead of itself. */
export const READER_ARGUMENT = "__reader";

/** Whether this process may start reader processes. */
export function maySpawnReaders(): boolean {
  try {
    const command = Deno.execPath();
    const { state } = Deno.permissions.querySync({ name: "run", command });
    return state === "granted";
  } catch {
    return false;
  }
}

/** A child process that answers one query at a time. */
class ReaderProcess {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;
  #rest = new Uint8Array(0);
  #ended: Promise<void> | null = null;

  /** Starts a process that may only touch the files in `folder`. */
  constructor(folder: string) {
    const scope = folder.replaceAll(",", ",,");
    this.#child = new Deno.Command(Deno.execPath(), {
      args: Deno.build.standalone ? [READER_ARGUMENT] : [
        "run",
        "--quiet",
        "--no-check",
        "--no-config",
        "--no-prompt",
        `--allow-read=${scope}`,
        `--allow-write=${scope}`,
        `--v8-flags=--max-old-space-size=${HEAP_MIB_MAX}`,
        new URL("./reader_process.ts", import.meta.url).href,
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.getReader();
  }

  /** Sends a frame and waits for the answer; rejects when the process has ended. */
  async ask(request: Uint8Array, answerBytesMax: number): Promise<Uint8Array> {
    const frame = new Uint8Array(4 + request.length);
    new DataView(frame.buffer).setUint32(0, request.length, true);
    frame.set(request, 4);
    await this.#input.write(frame);
    const header = await this.#take(4);
    const length = new DataView(header.buffer, header.byteOffset)
      .getUint32(0, true);
    if (length > answerBytesMax) {
      throw new HiqliteError(
        "too_large",
        `The answer has ${length} bytes, the limit is ${answerBytesMax}`,
      );
    }
    return await this.#take(length);
  }

  /** Kills the process and waits for its end; idempotent. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await Promise.allSettled([
      this.#input.abort(),
      this.#output.cancel(),
      this.#child.status,
    ]);
  }

  async #take(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [this.#rest];
    let have = this.#rest.length;
    while (have < length) {
      const { value, done } = await this.#output.read();
      if (done) throw new Error("The reader process has ended");
      parts.push(value);
      have += value.length;
    }
    const bytes = new Uint8Array(have);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    this.#rest = bytes.slice(length);
    return bytes.subarray(0, length);
  }
}

interface Job {
  readonly statement: Statement;
  readonly limits: QueryLimits;
  readonly deadline: number;
  readonly resolve: (result: QueryResult) => void;
  readonly reject: (error: unknown) => void;
  /** What runs it, null while it waits. */
  process: ReaderProcess | null;
  late: boolean;
}

/**
 * Queries of people we do not control, in child processes: a thread cannot be
 * stopped, a process can. Processes start with the first query and stay warm.
 */
export class GuardedReaders {
  readonly #size: number;
  readonly #logger: Logger;
  #path: string;
  #queue: Job[] = [];
  #idle: ReaderProcess[] = [];
  readonly #processes = new Set<ReaderProcess>();
  #starting = 0;
  #closed = false;

  /** Uses up to `size` processes that read the database at `path`. */
  constructor(size: number, path: string, logger: Logger) {
    this.#size = size;
    this.#path = path;
    this.#logger = logger;
  }

  /**
   * Runs a query; its time includes what it waits for a process.
   * @throws {HiqliteError} `timeout`, `too_large`, `overloaded`, or what `Reader.query` throws.
   */
  query(statement: Statement, limits: QueryLimits): Promise<QueryResult> {
    if (this.#closed) return Promise.reject(closedError());
    if (this.#queue.length >= QUEUE_MAX) {
      return Promise.reject(
        new HiqliteError(
          "overloaded",
          `${QUEUE_MAX} queries wait for a reader process already`,
        ),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<QueryResult>();
    const job: Job = {
      statement,
      limits,
      deadline: performance.now() + limits.timeoutMs,
      resolve,
      reject,
      process: null,
      late: false,
    };
    const timer = setTimeout(() => this.#expire(job), limits.timeoutMs);
    this.#queue.push(job);
    this.#serve();
    return promise.finally(() => clearTimeout(timer));
  }

  /** Goes on with another file; a running query ends on the old one. */
  reopen(path: string): void {
    this.#path = path;
    const old = this.#idle;
    this.#idle = [];
    for (const process of old) this.#end(process);
    this.#serve();
  }

  /** Kills all processes; waiting queries fail. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#queue.splice(0)) job.reject(closedError());
    await Promise.all([...this.#processes].map((process) => process.end()));
  }

  #serve(): void {
    this.#expireWaiting();
    while (this.#queue.length > 0 && this.#idle.length > 0) {
      this.#run(this.#idle.pop()!, this.#queue.shift()!);
    }
    const wanted = Math.min(
      this.#queue.length - this.#starting,
      this.#size - this.#processes.size,
    );
    for (let i = 0; i < wanted; i++) this.#start();
  }

  /** A busy event loop runs timers late, and a query without time would only cost its process. */
  #expireWaiting(): void {
    const now = performance.now();
    const late = this.#queue.filter(({ deadline }) => deadline <= now);
    for (const job of late) this.#expire(job);
  }

  #expire(job: Job): void {
    job.late = true;
    if (job.process !== null) {
      // Then `#run` rejects it.
      job.process.end();
    } else {
      this.#queue = this.#queue.filter((other) => other !== job);
      job.reject(timeoutError(job.limits));
    }
  }

  async #start(): Promise<void> {
    const path = this.#path;
    const process = new ReaderProcess(dirname(path));
    this.#processes.add(process);
    this.#starting++;
    const timer = setTimeout(() => process.end(), START_TIMEOUT_MS);
    try {
      check(await process.ask(new TextEncoder().encode(path), 1024 * 1024));
      this.#starting--;
      this.#offer(process, path);
    } catch (error) {
      this.#starting--;
      await this.#end(process);
      this.#failStart(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #failStart(error: unknown): void {
    if (this.#closed) return;
    const detail = error instanceof Error ? error.message : String(error);
    this.#logger.warn("a reader process did not start", { detail });
    const job = this.#queue.shift();
    job?.reject(
      new HiqliteError("storage", `A reader process did not start: ${detail}`),
    );
    this.#serve();
  }

  #offer(process: ReaderProcess, path: string): void {
    if (this.#closed || path !== this.#path) {
      this.#end(process);
    } else {
      this.#idle.push(process);
    }
    this.#serve();
  }

  async #run(process: ReaderProcess, job: Job): Promise<void> {
    const { limits, statement } = job;
    const path = this.#path;
    job.process = process;
    const writer = new ByteWriter(256);
    try {
      writeQuery(writer, statement, limits);
      const answer = await process.ask(
        writer.finish(),
        limits.maxBytes * 2 + FRAME_SLACK_BYTES,
      );
      if (job.late) throw timeoutError(limits);
      this.#settle(job, answer);
      this.#offer(process, path);
    } catch (error) {
      job.reject(explain(error, job, this.#closed));
      await this.#end(process);
      this.#serve();
    }
  }

  #settle(job: Job, answer: Uint8Array): void {
    try {
      const reader = check(answer);
      const index = reader.u53();
      job.resolve({ ...readRows(reader), index });
    } catch (error) {
      job.reject(error);
    }
  }

  async #end(process: ReaderProcess): Promise<void> {
    await process.end();
    this.#processes.delete(process);
  }
}

/** The answer behind its status. */
function check(answer: Uint8Array): ByteReader {
  const reader = new ByteReader(answer);
  const error = readError(reader);
  if (error !== null) throw error;
  return reader;
}

function explain(
  error: unknown,
  { late, limits }: Job,
  closed: boolean,
): unknown {
  if (closed) return closedError();
  if (late) return timeoutError(limits);
  if (error instanceof HiqliteError || error instanceof StateDamagedError) {
    return error;
  }
  return new HiqliteError(
    "too_large",
    `The query's process died, most likely of its ${HEAP_MIB_MAX} MiB memory limit`,
    { cause: error },
  );
}

function timeoutError({ timeoutMs }: QueryLimits): HiqliteError {
  return new HiqliteError(
    "timeout",
    `The query was stopped after ${timeoutMs} ms`,
  );
}

function closedError(): HiqliteError {
  return new HiqliteError("shutting_down", "The database is closed");
}
