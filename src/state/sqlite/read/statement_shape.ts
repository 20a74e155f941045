import { tokenAt } from "../statement/tokens.ts";

/** What can follow common table expressions. */
const VERBS: ReadonlySet<string> = new Set([
  "SELECT",
  "VALUES",
  "INSERT",
  "REPLACE",
  "UPDATE",
  "DELETE",
]);

/** Whether an UPDATE or DELETE says which rows it changes; null of other statements. What stands in parentheses is not asked. */
export function changesWhere(sql: string): boolean | null {
  const words = [...outerWords(sql)];
  const first = words[0] === "EXPLAIN" ? "" : words[0];
  const verb = first === "WITH" ? words.find((word) => VERBS.has(word)) : first;
  if (verb !== "UPDATE" && verb !== "DELETE") return null;
  return words.includes("WHERE");
}

/** Whether an ALTER TABLE drops a column. */
export function dropsColumn(sql: string): boolean {
  const words = [...outerWords(sql)];
  return words[0] === "ALTER" && words.includes("DROP");
}

/**
 * Where in a statement the compiler's message points to: at the only place of the word that it quotes. Undefined if it
 * quotes none, or there are several such places.
 */
export function placeInText(sql: string, message: string): number | undefined {
  const [, near, named] =
    /^near "(.+)": syntax error$|^(?:no such (?:table|column|function|view|index|trigger)|ambiguous column name): (.+)$/
      .exec(message) ?? [];
  const wanted = near ?? named?.split(".").at(-1);
  if (wanted === undefined) return undefined;
  const places: number[] = [];
  for (let at = 0; at < sql.length;) {
    const { kind, start, end } = tokenAt(sql, at);
    at = end;
    const text = sql.slice(start, end);
    const inner = kind === "quoted" ? text.slice(1, -1) : text;
    if (
      kind !== "space" && sameName(near === undefined ? inner : text, wanted)
    ) {
      places.push(start);
    }
  }
  return places.length === 1 ? places[0] : undefined;
}

function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** The words outside of parentheses, in capitals. */
function* outerWords(sql: string): Generator<string> {
  let depth = 0;
  for (let at = 0; at < sql.length;) {
    const { kind, start, end } = tokenAt(sql, at);
    at = end;
    const text = sql.slice(start, end);
    if (text === "(") depth++;
    else if (text === ")") depth--;
    else if (kind === "word" && depth === 0) yield text.toUpperCase();
  }
}
