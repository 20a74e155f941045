import type { LogIndex } from "../raft/types.ts";
import { ByteReader, ByteWriter } from "../util/bytes.ts";

/** The answer to a write, kept for a repetition of it. */
export interface RememberedAnswer {
  readonly index: LogIndex;
  readonly clockMs: number;
  readonly session: number;
  readonly sequence: number;
  readonly key: string;
  /** Checksum of the command's body, to notice a key that is used for something else. */
  readonly bodyHash: number;
  readonly bytes: Uint8Array;
  /** The row that stores it; set when its batch is written. */
  row: LogIndex;
}

/** Encodes the answers of one batch, as they are stored. */
export function encodeAnswers(
  answers: readonly RememberedAnswer[],
): Uint8Array {
  const writer = new ByteWriter(64 * answers.length);
  writer.u32(answers.length);
  for (const answer of answers) {
    writer.u53(answer.index).u53(answer.clockMs);
    writer.u53(answer.session).u53(answer.sequence);
    writer.text(answer.key).u32(answer.bodyHash).bytes(answer.bytes);
  }
  return writer.finish();
}

/** Reads what {@linkcode encodeAnswers} wrote; they are stored under `row`. */
export function* decodeAnswers(
  data: Uint8Array,
  row: LogIndex,
): Generator<RememberedAnswer> {
  const reader = new ByteReader(data);
  const count = reader.u32();
  for (let i = 0; i < count; i++) {
    yield {
      index: reader.u53(),
      clockMs: reader.u53(),
      session: reader.u53(),
      sequence: reader.u53(),
      key: reader.text(),
      bodyHash: reader.u32(),
      bytes: reader.bytes().slice(),
      row,
    };
  }
}
