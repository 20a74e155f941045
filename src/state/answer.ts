import { crc32 } from "node:zlib";
import type { LogIndex } from "../raft/types.ts";
import {
  ByteReader,
  type ByteWriter,
  encodeShared,
  MalformedBytesError,
} from "../util/bytes.ts";

const VERSION = 1;
/** Version, status and index. */
const HEAD_BYTES = 10;

/** What an answer says: the machine's own words (0), or one of {@linkcode REFUSALS}. */
const DONE = 0;
const REFUSALS = [
  "session_expired",
  "conflict",
  "invalid",
  "too_large",
  "overloaded",
  "timeout",
  "internal",
] as const;

/** Why an entry's machine did not answer; the same on every member. */
export interface AnswerRefusal {
  /**
   * `session_expired`: the session or its answer is not remembered; `conflict`: the
   * idempotency key was used for another write; `invalid`: malformed; `too_large`: with an
   * index before the one of the entry, applied, but the answer was too large to be remembered,
   * or had to make room; else, like `timeout` and `internal`, the leader could not run it within its
   * limits; `overloaded`: too many idempotency keys are remembered. But for the answer that was too
   * large, nothing was applied.
   */
  readonly code: (typeof REFUSALS)[number];
  /** What is wrong, for people. */
  readonly message: string;
}

/** The answer to a command entry of any group. */
export interface Answer {
  /** The index at which the command was first applied; of `openSession` the session's id. */
  readonly index: LogIndex;
  readonly refusal: AnswerRefusal | null;
  /** The machine's own bytes; a view into what was decoded. Empty with a refusal, and for what is not a machine's. */
  readonly body: Uint8Array;
}

/** Encodes the machine's answer to the command that was applied at `index`. */
export function encodeAnswer(
  index: LogIndex,
  body?: (writer: ByteWriter) => void,
): Uint8Array<ArrayBuffer> {
  return encodeShared((writer) => {
    writer.u8(VERSION).u8(DONE).u53(index);
    body?.(writer);
  });
}

/** Encodes that the machine was not asked. */
export function encodeRefusal(
  index: LogIndex,
  code: AnswerRefusal["code"],
  message: string,
): Uint8Array<ArrayBuffer> {
  return encodeShared((writer) => {
    writer.u8(VERSION).u8(REFUSALS.indexOf(code) + 1).u53(index).text(message);
  });
}

/**
 * Decodes what {@linkcode encodeAnswer} and {@linkcode encodeRefusal} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function decodeAnswer(bytes: Uint8Array): Answer {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== VERSION) {
    throw new MalformedBytesError(`unknown version of answer ${version}`);
  }
  const status = reader.u8();
  const index = reader.u53();
  if (status === DONE) {
    return { index, refusal: null, body: reader.raw(reader.remaining) };
  }
  const code = REFUSALS[status - 1];
  if (code === undefined) {
    throw new MalformedBytesError(`unknown status of answer ${status}`);
  }
  const message = reader.text();
  const body = reader.raw(0);
  reader.end();
  return { index, refusal: { code, message }, body };
}

/**
 * A hash of what members must agree about in an answer: everything but the message of a
 * refusal. `hashBody` does the same for the machine's own bytes, unless `isWhole` says of those from `start` on that all of them count.
 */
export function hashAnswer(
  bytes: Uint8Array,
  hashBody: (body: Uint8Array, start: number) => number,
  isWhole: (bytes: Uint8Array, start: number) => boolean = () => false,
): number {
  // A sum over everything is that over its parts, and costs as much as one of them.
  if (bytes[1] === DONE && isWhole(bytes, HEAD_BYTES)) return crc32(bytes);
  const start = crc32(bytes.subarray(0, HEAD_BYTES));
  return bytes[1] === DONE
    ? hashBody(bytes.subarray(HEAD_BYTES), start)
    : start;
}
