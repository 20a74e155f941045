import type { LogIndex } from "../raft/types.ts";
import { ByteReader, encodeShared } from "../util/bytes.ts";
import {
  type ForgottenKey,
  readForgottenKeys,
  writeForgottenKeys,
} from "./forgotten_keys.ts";

/** What is known of an answer beside its bytes. */
export interface AnswerHead {
  readonly index: LogIndex;
  readonly clockMs: number;
  readonly session: number;
  readonly sequence: number;
  readonly key: string;
  /** Checksum of the command's body, to notice a key that is used for something else. */
  readonly bodyHash: number;
  /** The row that stores it; 0 until its batch is written. */
  readonly row: LogIndex;
}

/** The answer to a write, kept for a repetition of it. */
export interface RememberedAnswer extends AnswerHead {
  readonly bytes: Uint8Array;
  row: LogIndex;
}

/** What one row stores: answers of a batch, and keys of it whose answers are forgotten. */
export interface RememberedRow {
  readonly answers: readonly RememberedAnswer[];
  readonly keys: readonly ForgottenKey[];
}

/** Encodes a row; rows live about equally long. */
export function encodeRow({ answers, keys }: RememberedRow): Uint8Array {
  return encodeShared((writer) => {
    writer.u32(answers.length);
    for (const answer of answers) {
      writer.u53(answer.index).u53(answer.clockMs);
      writer.u53(answer.session).u53(answer.sequence);
      writer.text(answer.key).u32(answer.bodyHash).bytes(answer.bytes);
    }
    writeForgottenKeys(writer, keys);
  });
}

/** Reads what {@linkcode encodeRow} wrote; it is stored under `row`. Bytes of answers are views into `data`. */
export function decodeRow(data: Uint8Array, row: LogIndex): RememberedRow {
  const reader = new ByteReader(data);
  const answers: RememberedAnswer[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    answers.push({
      index: reader.u53(),
      clockMs: reader.u53(),
      session: reader.u53(),
      sequence: reader.u53(),
      key: reader.text(),
      bodyHash: reader.u32(),
      bytes: reader.bytes(),
      row,
    });
  }
  return { answers, keys: readForgottenKeys(reader, row) };
}
