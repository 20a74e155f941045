import { HiqliteError } from "../../errors.ts";
import type { StoredValue } from "../stored_value.ts";
import type { SqlValue } from "./types.ts";

const encoder = new TextEncoder();

/**
 * What an event carries that publishes a value of SQL: a text and a blob as they are, a number and NULL as JSON.
 * With `json` a text is taken for JSON, too.
 * @throws {HiqliteError} `invalid` for what is no JSON.
 */
export function eventDataOf(value: SqlValue, json = false): StoredValue {
  if (value instanceof Uint8Array) return { kind: "bytes", bytes: value };
  if (typeof value !== "string") {
    return { kind: "json", bytes: encoder.encode(numberText(value)) };
  }
  if (json) assertJsonText(value);
  return { kind: json ? "json" : "text", bytes: encoder.encode(value) };
}

function numberText(value: null | number | bigint): string {
  if (typeof value !== "number" || Number.isFinite(value)) return String(value);
  throw new HiqliteError("invalid", `JSON has no text for ${value}`);
}

function assertJsonText(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new HiqliteError("invalid", "The data is not JSON");
  }
}
