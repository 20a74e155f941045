import type { ExactValue } from "./exact_value.ts";
import { integerOf, realOf } from "./literal.ts";

/** What a column makes of values, by its declared type. */
export type Affinity = "INTEGER" | "TEXT" | "BLOB" | "REAL" | "NUMERIC";

/** The affinity of a declared type, by the rules of SQLite. */
export function affinityOf(declaredType: string): Affinity {
  const type = declaredType.toUpperCase();
  if (type.includes("INT")) return "INTEGER";
  if (/CHAR|CLOB|TEXT/.test(type)) return "TEXT";
  if (type === "" || type.includes("BLOB")) return "BLOB";
  if (/REAL|FLOA|DOUB/.test(type)) return "REAL";
  return "NUMERIC";
}

/** What somebody means who writes this without quotes for a column of that affinity. */
export function valueAsWritten(text: string, affinity: Affinity): ExactValue {
  if (affinity !== "TEXT") {
    const integer = integerOf(text);
    if (integer !== null) {
      return affinity === "REAL"
        ? { type: "real", value: Number(integer) }
        : { type: "integer", value: integer };
    }
    const real = realOf(text);
    if (real !== null) return { type: "real", value: real };
  }
  return { type: "text", value: text };
}
