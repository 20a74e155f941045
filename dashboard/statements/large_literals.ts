import { tokenAt } from "../../src/state/sqlite/statement/tokens.ts";
import { leadingWords } from "./script_look.ts";

/** A statement whose largest literals are parameters. */
export interface LightStatement {
  readonly sql: string;
  /** In the wire's form: a text, or `{"$blob": "<base64>"}`. */
  readonly params: readonly unknown[];
}

/** Shorter statements go as they are, characters. */
const SQL_LENGTH = 500_000;
/** Shorter literals stay where they are, characters. */
const LITERAL_LENGTH = 10_000;

/** Takes large texts and blobs out of a statement that writes rows: its text may have a mebibyte, its values sixteen. */
export function lightened(sql: string): LightStatement {
  const [verb = ""] = leadingWords(sql);
  const plain = { sql, params: [] };
  if (sql.length < SQL_LENGTH) return plain;
  if (!["INSERT", "REPLACE", "UPDATE"].includes(verb)) return plain;
  const params: unknown[] = [];
  let text = "";
  let copied = 0;
  for (let at = 0; at < sql.length;) {
    const { kind, start, end } = tokenAt(sql, at);
    at = end;
    // It has parameters already, of which nobody knows the values.
    if (kind === "variable") return plain;
    if (kind !== "string" || end - start < LITERAL_LENGTH) continue;
    const isBlob = /(?:^|[^\w$\u0080-\uffff])x$/i.test(
      sql.slice(Math.max(0, start - 2), start),
    );
    const inner = sql.slice(start + 1, end - 1);
    if (isBlob && !/^(?:[0-9a-f]{2})*$/i.test(inner)) return plain;
    text += `${sql.slice(copied, isBlob ? start - 1 : start)}?`;
    params.push(
      isBlob
        ? { $blob: Uint8Array.fromHex(inner).toBase64() }
        : inner.replaceAll("''", "'"),
    );
    copied = end;
  }
  return { sql: text + sql.slice(copied), params };
}
