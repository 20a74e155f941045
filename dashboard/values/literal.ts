import { fitsInt64 } from "../../src/util/int64.ts";
import { type ExactValue, NULL_VALUE } from "./exact_value.ts";

/** A value as an SQL literal that SQLite reads back exactly. */
export function literalOf(value: ExactValue): string {
  switch (value.type) {
    case "null":
      return "NULL";
    case "integer":
      // Without its sign the smallest integer is none.
      return value.value === -(2n ** 63n)
        ? "(-9223372036854775807 - 1)"
        : `${value.value}`;
    case "real":
      return realText(value.value);
    case "text":
      return textLiteral(value.value);
    case "blob":
      return blobLiteral(value.value);
  }
}

/** A double as text that is no integer's: `2.0`, `1e+300`, `-0.0`, `9e999` for infinity. */
export function realText(value: number): string {
  if (value === Infinity) return "9e999";
  if (value === -Infinity) return "-9e999";
  if (Object.is(value, -0)) return "-0.0";
  const text = `${value}`;
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** Bytes as SQL writes them. */
export function blobLiteral(bytes: Uint8Array): string {
  return `x'${hexOf(bytes)}'`;
}

/** Bytes as hex digits. */
export function hexOf(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

/** The bytes that hex digits stand for, or null. Space between them is nothing. */
export function bytesOfHex(text: string): Uint8Array | null {
  const digits = text.replaceAll(/\s+/g, "");
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) return null;
  const bytes = new Uint8Array(digits.length / 2);
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  }
  return bytes;
}

/** A text as SQL writes it; SQLite's text cannot hold a NUL. */
export function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** An integer of 64 bits in decimal, or null. */
export function integerOf(text: string): bigint | null {
  if (!/^[+-]?\d{1,30}$/.test(text)) return null;
  const value = BigInt(text.replace("+", ""));
  return fitsInt64(value) ? value : null;
}

/** A double in decimal, or null: an integer beyond 64 bits is one, too. */
export function realOf(text: string): number | null {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,5})?$/.test(text)) return null;
  return Number(text);
}

/** A literal without space around it: `NULL`, a number, `'text'`, `x'00'`; null for anything else. */
export function valueOfLiteral(text: string): ExactValue | null {
  if (/^null$/i.test(text)) return NULL_VALUE;
  if (/^'(?:[^']|'')*'$/.test(text)) {
    return { type: "text", value: text.slice(1, -1).replaceAll("''", "'") };
  }
  if (/^x'[0-9a-f]*'$/i.test(text)) {
    const bytes = bytesOfHex(text.slice(2, -1));
    return bytes === null ? null : { type: "blob", value: bytes };
  }
  const integer = integerOf(text);
  if (integer !== null) return { type: "integer", value: integer };
  const real = realOf(text);
  return real === null ? null : { type: "real", value: real };
}
