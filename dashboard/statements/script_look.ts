import { tokenAt } from "../../src/state/sqlite/statement/tokens.ts";

/** With these a statement begins that brings rows or things and takes none away. */
const HARMLESS: ReadonlySet<string> = new Set([
  "SELECT",
  "VALUES",
  "INSERT",
  "REPLACE",
  "CREATE",
]);

/** The first words of a statement in capitals, two at most. */
export function leadingWords(sql: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < sql.length && words.length < 2;) {
    const { kind, start, end } = tokenAt(sql, at);
    at = end;
    if (kind === "word") words.push(sql.slice(start, end).toUpperCase());
    else if (kind !== "space") break;
  }
  return words;
}

/** What tools put around a script that is a transaction anyway here. */
export function isFrame(sql: string): boolean {
  const [first = "", second] = leadingWords(sql);
  return ["BEGIN", "COMMIT", "END"].includes(first) ||
    (first === "PRAGMA" && second === "FOREIGN_KEYS");
}

/** Whether a statement drops something, or changes or deletes rows without saying which. */
export function destroys(sql: string): boolean {
  let depth = 0;
  let verb = "";
  for (let at = 0; at < sql.length;) {
    const { kind, start, end } = tokenAt(sql, at);
    at = end;
    if (kind === "other") {
      if (sql[start] === "(") depth++;
      if (sql[start] === ")") depth--;
    }
    if (kind !== "word" || depth > 0) continue;
    const word = sql.slice(start, end).toUpperCase();
    if (word === "DROP") return true;
    if (verb === "" && HARMLESS.has(word)) return false;
    if (["DELETE", "UPDATE", "ALTER"].includes(word)) verb ||= word;
    if (word === "WHERE") return false;
  }
  return verb === "DELETE" || verb === "UPDATE";
}
