import { writeKvAnswer } from "../../../src/state/kv/answer.ts";
import type { KvAnswer } from "../../../src/state/kv/types.ts";
import type { ByteWriter } from "../../../src/util/bytes.ts";

/** Appends the answers to the units of an entry, in their order. */
export function writeKvAnswers(
  writer: ByteWriter,
  answers: readonly KvAnswer[],
): void {
  writer.natural(answers.length);
  for (const answer of answers) writeKvAnswer(writer, answer);
}
