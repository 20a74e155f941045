import { HiqliteError } from "../errors.ts";
import type { SeenValue } from "../state/kv/types.ts";
import type { StoredValue, ValueKind } from "../state/stored_value.ts";
import { shortAscii, shortAsciiBytes } from "../util/latin1.ts";
import { jsonText } from "./cache/json_text.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What is stored for bytes, a text, or what JSON can say. @throws {HiqliteError} `invalid` for anything else. */
export function storedOf(value: unknown): StoredValue {
  // Sent later, and perhaps again: by then the caller may have other bytes in its buffer.
  if (value instanceof Uint8Array) {
    return { kind: "bytes", bytes: new Uint8Array(value) };
  }
  if (typeof value === "string") return ofText("text", value);
  return ofText("json", jsonText(value));
}

/** What {@linkcode storedOf} was given; bytes are those that are stored. */
export function plainOf(kind: ValueKind, bytes: Uint8Array): unknown {
  return kind === "bytes" ? bytes : textIn(kind, bytes, 0, bytes.length);
}

/** The same of a part of some bytes that soon change. */
export function plainIn({ kind, bytes, start, end }: SeenValue): unknown {
  return kind === "bytes"
    ? bytes.slice(start, end)
    : textIn(kind, bytes, start, end);
}

function textIn(
  kind: "text" | "json",
  bytes: Uint8Array,
  start: number,
  end: number,
): unknown {
  const text = shortAscii(bytes, start, end) ??
    decoder.decode(bytes.subarray(start, end));
  return kind === "text" ? text : JSON.parse(text);
}

function ofText(kind: "text" | "json", text: string): StoredValue {
  const short = shortAsciiBytes(text);
  if (short !== null) return { kind, bytes: short };
  if (text.isWellFormed()) return { kind, bytes: encoder.encode(text) };
  throw new HiqliteError(
    "invalid",
    "The value is not well-formed Unicode: put its bytes instead",
  );
}
