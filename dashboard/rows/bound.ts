import type { BoundSql } from "../values/exact_value.ts";

/** Pieces of SQL, one after the other. */
export function joined(
  pieces: readonly (BoundSql | string)[],
  separator = "",
): BoundSql {
  const params = [];
  const texts = [];
  for (const piece of pieces) {
    if (typeof piece === "string") {
      texts.push(piece);
      continue;
    }
    texts.push(piece.sql);
    params.push(...piece.params);
  }
  return { sql: texts.join(separator), params };
}
