import { type ErrorCode, HiqliteError } from "../../../errors.ts";
import { ByteReader, ByteWriter } from "../../../util/bytes.ts";
import { StateDamagedError } from "../../port.ts";

const OK = 0;
const FAILED = 1;
const DAMAGED = 2;

/** Receives the answer to a request. */
export type Answered = (error: Error | null, answer: ByteReader) => void;

/** What comes with an error. */
export const NO_ANSWER: ByteReader = new ByteReader(new Uint8Array(0));

/** What is said to whoever asks a database that was closed. */
export function closedError(): HiqliteError {
  return new HiqliteError("shutting_down", "The database is closed");
}

/** The error that an answer is, or null: then the answer follows. */
export function readError(answer: ByteReader): Error | null {
  const kind = answer.u8();
  if (kind === OK) return null;
  if (kind === DAMAGED) return new StateDamagedError(answer.text());
  const code = answer.text();
  const text = answer.text();
  return code === ""
    ? new Error(text)
    : new HiqliteError(code as ErrorCode, text);
}

/** An answer, to be filled. */
export function okAnswer(capacity = 64): ByteWriter {
  return new ByteWriter(capacity).u8(OK);
}

/** An answer that is an error. */
export function errorAnswer(error: unknown): Uint8Array {
  if (error instanceof StateDamagedError) {
    return new ByteWriter().u8(DAMAGED).text(error.message).finish();
  }
  const writer = new ByteWriter().u8(FAILED);
  writer.text(error instanceof HiqliteError ? error.code : "");
  const message = error instanceof Error ? error.message : String(error);
  return writer.text(message).finish();
}

/** What serves requests in a Worker or in a process. */
export interface Served {
  /** The answer to the options. */
  readonly opened: ByteWriter;
  /** Answers one request. */
  answer(request: ByteReader): ByteWriter;
  /** Called after the answer has left; nobody interrupts it. */
  idle?(): void;
  /** By what another thread can interrupt what runs here; 0: by nothing. It changes only within a request, and what it was is freed only where interrupts spare that. */
  readonly interruptHandle?: bigint;
  /** Called at the end. */
  close(): void;
}

/** The answer to a request, also where serving it failed. */
export function answerTo(served: Served, request: Uint8Array): Uint8Array {
  try {
    return served.answer(new ByteReader(request)).finish();
  } catch (error) {
    return errorAnswer(error);
  }
}
