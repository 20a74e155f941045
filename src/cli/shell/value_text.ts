import { Real, type ShownValue } from "./reals.ts";
import { UNSEEN } from "../terminal.ts";

/** A value as SQL has it, exactly. */
export function literalOf(value: ShownValue): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return `'${value.replaceAll("'", "''")}'`;
  if (value instanceof Uint8Array) return blobOf(value);
  if (value === Infinity) return "9e999";
  if (value === -Infinity) return "-9e999";
  return String(value);
}

/** A value for people: text as it is, bytes as SQL. */
export function shownValue(value: ShownValue, nullValue: string): string {
  if (value === null) return nullValue;
  return value instanceof Uint8Array ? blobOf(value) : String(value);
}

/** What would move a terminal's cursor, or worse, as a picture of it. */
export function printable(text: string): string {
  return text.replaceAll(UNSEEN, (character) => {
    const code = character.charCodeAt(0);
    if (code === 0x7f) return "\u2421";
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : "\ufffd";
  });
}

/** A value as JSON has it: 64-bit integers as digits, bytes as SQL in a text. */
export function jsonOf(value: ShownValue): string {
  if (typeof value === "bigint" || value instanceof Real) return String(value);
  if (value instanceof Uint8Array) return JSON.stringify(blobOf(value));
  if (value === Infinity) return "1e999";
  if (value === -Infinity) return "-1e999";
  return JSON.stringify(value);
}

function blobOf(bytes: Uint8Array): string {
  return `x'${bytes.toHex()}'`;
}
