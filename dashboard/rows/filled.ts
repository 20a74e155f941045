import type { JsonSqlValue } from "../../src/api/json.ts";
import { tokenAt } from "../../src/state/sqlite/statement/tokens.ts";
import { likelyValue } from "../values/exact_value.ts";
import { literalOf } from "../values/literal.ts";

/** Characters of a literal that are shown; longer ones would hide the statement. */
const SHOWN_MAX = 200;

/** A statement for people: its parameters filled in as literals, long ones cut. Nothing runs this text. */
export function filledIn(
  { sql, params }: {
    readonly sql: string;
    readonly params: readonly JsonSqlValue[];
  },
): string {
  let text = "";
  let next = 0;
  for (let at = 0; at < sql.length;) {
    const { kind, start, end } = tokenAt(sql, at);
    at = end;
    const placed = kind === "variable" && sql.slice(start, end) === "?";
    text += placed ? shownLiteral(params[next++]) : sql.slice(start, end);
  }
  return text;
}

function shownLiteral(param: JsonSqlValue | undefined): string {
  if (typeof param === "object" && param !== null && "$ref" in param) {
    return `/* what statement ${param.$ref.statement + 1} returned */`;
  }
  const literal = literalOf(likelyValue(param ?? null));
  return literal.length <= SHOWN_MAX
    ? literal
    : `${literal.slice(0, SHOWN_MAX)}…`;
}
