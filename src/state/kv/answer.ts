import {
  ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import { UNIT_PARTS_MAX } from "./limits.ts";
import { readInteger, writeInteger } from "./numbers.ts";
import type { KvAnswer, KvResult } from "./types.ts";
import { readKvValue, writeKvValue } from "./values.ts";

/** By their number, which is never used again for another one. */
const REFUSALS = ["cache_full", "conflict", "invalid"] as const;
const DONE = 0;
const CONFLICT = 1;
const REFUSED = 2;

/** What a result says: bits of one byte. */
const Said = {
  found: 1,
  version: 2,
  previous: 4,
  counter: 8,
  all: 15,
} as const;

/** The result of what has nothing to say. */
export const NO_RESULT: KvResult = Object.freeze({
  version: 0,
  found: false,
  previous: null,
  counter: 0n,
});

/**
 * Reads the answers to the units of an entry, in their order: how many, then what {@linkcode writeKvAnswer} wrote; values are views into `body`.
 * @throws {MalformedBytesError} for anything else.
 */
export function readKvAnswers(body: Uint8Array): KvAnswer[] {
  const reader = new ByteReader(body);
  const answers: KvAnswer[] = [];
  for (let left = reader.natural(reader.remaining); left > 0; left--) {
    answers.push(readAnswer(reader));
  }
  reader.end();
  return answers;
}

/** Appends the answer to a unit. */
export function writeKvAnswer(writer: ByteWriter, answer: KvAnswer): void {
  switch (answer.kind) {
    case "done":
      writer.u8(DONE);
      writer.natural(answer.results.length);
      for (const result of answer.results) writeResult(writer, result);
      return;
    case "conflict":
      writer.u8(CONFLICT);
      writer.natural(answer.at);
      writer.natural(answer.version);
      return;
    case "refused":
      writer.u8(REFUSED).u8(REFUSALS.indexOf(answer.code));
      writer.text(answer.message);
  }
}

/** Appends the answer to a unit that is one put, which made this version. */
export function writePutAnswer(writer: ByteWriter, version: number): void {
  writer.u8(DONE).u8(1).u8(Said.version).natural(version);
}

function readAnswer(reader: ByteReader): KvAnswer {
  const kind = reader.u8();
  switch (kind) {
    case DONE: {
      const results: KvResult[] = [];
      const count = reader.natural(UNIT_PARTS_MAX);
      for (let i = 0; i < count; i++) results.push(readResult(reader));
      return { kind: "done", results };
    }
    case CONFLICT:
      return {
        kind: "conflict",
        at: reader.natural(),
        version: reader.natural(),
      };
    case REFUSED: {
      const code = REFUSALS[reader.u8()];
      if (code === undefined) {
        throw new MalformedBytesError("unknown code of a refusal");
      }
      return { kind: "refused", code, message: reader.text() };
    }
    default:
      throw new MalformedBytesError(`unknown kind of answer ${kind}`);
  }
}

function writeResult(writer: ByteWriter, result: KvResult): void {
  const { version, found, previous, counter } = result;
  writer.u8(
    (found ? Said.found : 0) | (version === 0 ? 0 : Said.version) |
      (previous === null ? 0 : Said.previous) |
      (counter === 0n ? 0 : Said.counter),
  );
  if (version !== 0) writer.natural(version);
  if (previous !== null) writeKvValue(writer, previous);
  if (counter !== 0n) writeInteger(writer, counter);
}

function readResult(reader: ByteReader): KvResult {
  const said = reader.u8();
  if (said > Said.all) {
    throw new MalformedBytesError(`unknown fields of a result ${said}`);
  }
  return {
    version: (said & Said.version) === 0 ? 0 : reader.natural(),
    found: (said & Said.found) !== 0,
    previous: (said & Said.previous) === 0 ? null : readKvValue(reader),
    counter: (said & Said.counter) === 0 ? 0n : readInteger(reader),
  };
}
