import type { ByteWriter } from "../../../util/bytes.ts";
import { type ReadRequest, writeAnswer, writeObserved } from "./query_codec.ts";
import type { Reader } from "./reader.ts";

/** Runs a query and appends its answer. @throws as {@linkcode Reader.query}. */
export function answerQuery(
  answer: ByteWriter,
  reader: Reader,
  { statement: { sql, params }, limits, known, analysis }: ReadRequest,
): void {
  if (analysis !== undefined) {
    const text = JSON.stringify(reader.analyze(sql, analysis));
    return writeAnswer(answer, { columns: ["analysis"], rows: [[text]] });
  }
  if (known === undefined) {
    return writeAnswer(answer, reader.query(sql, params, limits));
  }
  const { result, tables } = reader.observe(sql, params, limits);
  writeObserved(answer, result, tables, known);
}
