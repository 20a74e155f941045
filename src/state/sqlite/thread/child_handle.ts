import { joinedBytes } from "../../../util/bytes.ts";
import { HiqliteError } from "../../../errors.ts";
import { ByteReader } from "../../../util/bytes.ts";
import { WriterLostError } from "../../port.ts";
import { type Answered, closedError, NO_ANSWER, readError } from "./answers.ts";
import { type ChildRole, spawnChild } from "./child_command.ts";
import {
  PROGRESS_BYTES,
  PROGRESS_NOTICE,
  SCHEMA_NOTICE,
} from "./child_frames.ts";
import { OVER_DISK, OVER_MEMORY } from "./child_guard.ts";
import { framed, LENGTH_BYTES, lengthIn } from "./frame.ts";
import type { HostLife } from "./host.ts";
import type { SchemaChanges } from "./schema_epoch.ts";

/** What is kept of a child's standard error, to tell why it died. */
const COMPLAINT_CHARACTERS = 4096;
const CLOSE = new Uint8Array(0);
/** V8's own words. */
const V8_OVER_MEMORY = /heap out of memory|Reached heap limit/;

/** How a {@linkcode ChildHandle} begins. */
export interface ChildStart {
  readonly role: ChildRole;
  /** The only folder that it may touch. */
  readonly folder: string;
  /** Its first request. */
  readonly opening: Uint8Array;
  /** Hears of changes of the schema that it commits. */
  readonly schema?: SchemaChanges;
  /** Hears how far the present request is. */
  readonly progress?: (at: number) => void;
}

interface PendingAnswer {
  readonly done: Answered;
  readonly answerBytesMax: number;
}

/** A child was ended for what it used: it would be again. */
export class ChildOverLimitError extends WriterLostError {}

/** Why a child was ended for what it used; null if for another reason. */
function overLimit(complaint: string): string | null {
  if (complaint.includes(OVER_DISK)) {
    return "it needs more temporary space than the disk has to give";
  }
  return complaint.includes(OVER_MEMORY) || V8_OVER_MEMORY.test(complaint)
    ? "it needs more memory than it may use"
    : null;
}

/** A child process that serves requests in order, and can be killed. */
export class ChildHandle implements HostLife {
  readonly #child: Deno.ChildProcess;
  readonly #role: ChildRole;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #schema: SchemaChanges | undefined;
  readonly #progress: ((at: number) => void) | undefined;
  readonly #waiting: PendingAnswer[] = [];
  readonly #ended: Promise<void>;
  #changing = false;
  #complaint = "";
  #broken: Error | null = null;
  #killed: string | null = null;
  #closed: Promise<void> | null = null;

  /** Starts a process; `opened` gets the answer to its first request. */
  constructor(start: ChildStart, opened: Answered) {
    this.#role = start.role;
    this.#schema = start.schema;
    this.#progress = start.progress;
    this.#child = spawnChild(start.role, start.folder);
    this.#input = this.#child.stdin.getWriter();
    this.request(start.opening, opened);
    this.#ended = this.#live();
  }

  /** See `HostLife`. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** See `HostLife`. */
  get alive(): boolean {
    return this.#broken === null && this.#killed === null;
  }

  /** See `HostLife`. */
  get unattended(): boolean {
    return false;
  }

  /** See `HostLife`. */
  get abortable(): boolean {
    return true;
  }

  /** The process's id, for those who look at it. */
  get pid(): number {
    return this.#child.pid;
  }

  /** The last of what the process wrote to its standard error. */
  get complaint(): string {
    return this.#complaint;
  }

  /** See `HostLife`; an answer of more than `answerBytesMax` ends the process with `too_large`. */
  request(
    message: Uint8Array,
    done: Answered,
    answerBytesMax = Number.MAX_SAFE_INTEGER,
  ): void {
    const broken = this.#broken;
    if (broken !== null) {
      queueMicrotask(() => done(broken, NO_ANSWER));
      return;
    }
    this.#waiting.push({ done, answerBytesMax });
    this.#send(message);
  }

  /** See `HostLife`. */
  abort(reason: string): void {
    if (this.#killed !== null || this.#broken !== null) return;
    this.#killed = reason;
    this.#kill();
  }

  /** See `HostLife`. */
  close(timeoutMs: number): Promise<void> {
    this.#closed ??= this.#close(timeoutMs);
    return this.#closed;
  }

  async #close(timeoutMs: number): Promise<void> {
    if (this.#broken === null && timeoutMs > 0) {
      this.#send(CLOSE);
      const timer = setTimeout(() => this.#kill(), timeoutMs);
      await this.#ended;
      clearTimeout(timer);
    } else {
      this.#kill();
      await this.#ended;
    }
    this.#break(closedError());
  }

  #send(message: Uint8Array): void {
    // When the process is gone its output ends, too; that is where it is noticed.
    this.#input.write(framed(message)).catch(() => {});
  }

  #kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }

  /** From its first answer to its end. */
  async #live(): Promise<void> {
    const complaints = this.#readComplaints();
    let failure: unknown = null;
    try {
      await this.#readAnswers();
    } catch (error) {
      failure = error;
      this.#kill();
    }
    const [status] = await Promise.all([
      this.#child.status,
      complaints,
      this.#input.abort().catch(() => {}),
    ]);
    this.#settleSchema();
    this.#break(this.#causeOf(status, failure));
  }

  #causeOf(status: Deno.CommandStatus, failure: unknown): Error {
    if (this.#closed !== null) return closedError();
    if (failure instanceof HiqliteError) return failure;
    const excess = this.#killed === null ? overLimit(this.#complaint) : null;
    const reason = this.#killed ?? excess ??
      (status.signal === null
        ? `it ended with code ${status.code}`
        : `it was killed by ${status.signal}`);
    const message = `The ${this.#role}'s process was lost: ${reason}`;
    return excess === null
      ? new WriterLostError(message)
      : new ChildOverLimitError(message);
  }

  async #readComplaints(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const bytes of this.#child.stderr) {
        this.#complaint = (this.#complaint +
          decoder.decode(bytes, { stream: true })).slice(-COMPLAINT_CHARACTERS);
      }
    } catch {
      // Its end is what matters.
    }
  }

  async #readAnswers(): Promise<void> {
    const frames = new FrameReader();
    for await (const bytes of this.#child.stdout) {
      frames.add(bytes);
      for (;;) {
        const limit = this.#waiting[0]?.answerBytesMax;
        const frame = frames.take(limit ?? Number.MAX_SAFE_INTEGER);
        if (frame === null) break;
        this.#take(frame);
      }
    }
  }

  #take(frame: Uint8Array): void {
    if (frame.length === 1 && frame[0] === SCHEMA_NOTICE) {
      if (!this.#changing) this.#schema?.beginChange();
      this.#changing = true;
      return this.#send(frame);
    }
    if (frame.length === PROGRESS_BYTES && frame[0] === PROGRESS_NOTICE) {
      return this.#progress?.(new ByteReader(frame, 1).u32());
    }
    this.#settleSchema();
    const reader = new ByteReader(frame);
    const error = readError(reader);
    this.#waiting.shift()?.done(error, error === null ? reader : NO_ANSWER);
  }

  #settleSchema(): void {
    if (this.#changing) this.#schema?.endChange();
    this.#changing = false;
  }

  #break(error: Error): void {
    if (this.#broken !== null) return;
    this.#broken = error;
    for (const { done } of this.#waiting.splice(0)) done(error, NO_ANSWER);
  }
}

/** Puts frames together from the chunks of a pipe. */
class FrameReader {
  #chunks: Uint8Array[] = [];
  #have = 0;

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#have += chunk.length;
  }

  /** The next whole frame, or null. */
  take(bytesMax: number): Uint8Array | null {
    if (this.#have < LENGTH_BYTES) return null;
    // A frame in many chunks is joined once, when it is whole.
    const length = lengthIn(this.#peek(LENGTH_BYTES));
    if (length > bytesMax) {
      throw new HiqliteError(
        "too_large",
        `The answer has ${length} bytes, the limit is ${bytesMax}`,
      );
    }
    if (this.#have < LENGTH_BYTES + length) return null;
    const frame = this.#peek(LENGTH_BYTES + length)
      .subarray(LENGTH_BYTES, LENGTH_BYTES + length);
    this.#drop(LENGTH_BYTES + length);
    return frame;
  }

  /** The first bytes in one piece: `count` of them at least. */
  #peek(count: number): Uint8Array {
    if (this.#chunks[0]!.length < count) {
      this.#chunks = [joinedBytes(this.#chunks, this.#have)];
    }
    return this.#chunks[0]!;
  }

  #drop(count: number): void {
    const rest = this.#chunks[0]!.subarray(count);
    this.#have -= count;
    if (rest.length > 0) this.#chunks[0] = rest;
    else this.#chunks.shift();
  }
}
