import { fitsInt64 } from "../util/int64.ts";
import { HiqliteError } from "../errors.ts";
import type { SqlParameter, SqlValue } from "../state/sql/types.ts";

/** A value of a column or parameter in JSON. */
export type JsonSqlValue =
  | null
  | boolean
  | number
  | string
  /** An integer beyond ±(2^53 - 1), in decimal. */
  | { readonly $int: string }
  /** A number JSON has no text for (`Infinity`), or whose text would be an integer's (`1e20`). */
  | { readonly $float: string }
  /** Bytes in base64. */
  | { readonly $blob: string }
  | { readonly $ref: { readonly statement: number; readonly column: unknown } };

/** The JSON form of a value. @throws {HiqliteError} `invalid` for what SQLite cannot store. */
export function valueToJson(value: SqlParameter, path: string): JsonSqlValue {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return numberToJson(value);
    case "bigint": {
      const fitting = integer(value, path);
      return typeof fitting === "number" ? fitting : { $int: `${value}` };
    }
  }
  if (value === null) return null;
  if (value instanceof Uint8Array) return { $blob: toBase64(value) };
  if (typeof value === "object" && Object.hasOwn(value, "$ref")) {
    return { $ref: value.$ref };
  }
  throw invalid(
    path,
    `expected null, a boolean, number, bigint, string or Uint8Array, got ${
      kindOf(value)
    }`,
  );
}

function numberToJson(value: number): JsonSqlValue {
  const plain = Number.isFinite(value) &&
    (!Number.isInteger(value) || Number.isSafeInteger(value)) &&
    !Object.is(value, -0);
  if (plain) return value;
  return { $float: Object.is(value, -0) ? "-0" : `${value}` };
}

/** A value from JSON. @throws {HiqliteError} `invalid`, beginning with `path`. */
export function valueFromJson(
  json: unknown,
  path: string,
): SqlValue | boolean {
  switch (typeof json) {
    case "string":
    case "boolean":
      return json;
    case "number":
      if (Number.isFinite(json)) return json;
      throw invalid(path, "the number is beyond what a double holds");
    case "bigint":
      return integer(json, path);
  }
  if (json === null) return null;
  const [tag, content, ...more] = Array.isArray(json)
    ? []
    : Object.entries(json as object).flat();
  if (typeof content === "string" && more.length === 0) {
    if (tag === "$int" && /^-?\d{1,19}$/.test(content)) {
      return integer(BigInt(content), path);
    }
    if (tag === "$float" && content !== "" && !/\s/.test(content)) {
      const value = Number(content);
      if (!Number.isNaN(value) || content === "NaN") return value;
    }
    if (tag === "$blob") return fromBase64(content, path);
  }
  throw invalid(
    path,
    `expected null, true, false, a number, a string, {"$int": "<decimal, 64 bits>"}, {"$float": "<number>"} or {"$blob": "<base64>"}, got ${
      kindOf(json)
    }`,
  );
}

function integer(value: bigint, path: string): number | bigint {
  if (!fitsInt64(value)) {
    throw invalid(path, `${value} does not fit into 64 bits`);
  }
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** Rows in JSON. */
export function rowsToJson(
  rows: readonly (readonly SqlValue[])[],
): JsonSqlValue[][] {
  return rows.map((row) => row.map((value) => valueToJson(value, "row")));
}

/** Rows from JSON. */
export function rowsFromJson(json: unknown): SqlValue[][] {
  if (!Array.isArray(json)) throw invalid("rows", "expected an array");
  return json.map((row) => {
    if (!Array.isArray(row)) throw invalid("rows", "expected arrays");
    return row.map((value) => valueFromJson(value, "row") as SqlValue);
  });
}

/** What JSON calls a value, for messages. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object") return `a ${typeof value}`;
  const keys = Object.keys(value).slice(0, 3).map((key) =>
    JSON.stringify(key.slice(0, 32))
  );
  return keys.length === 0 ? "an object" : `an object with ${keys.join(", ")}`;
}

/** An error of a request, at a place in it. */
export function invalid(path: string, problem: string): HiqliteError {
  return new HiqliteError("invalid", `${path}: ${problem}`);
}

/** Standard base64, padded. */
function toBase64(bytes: Uint8Array): string {
  if (typeof bytes.toBase64 === "function") return bytes.toBase64();
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x2000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x2000));
  }
  return btoa(binary);
}

function fromBase64(text: string, path: string): Uint8Array {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = decodeBase64(text);
  // Space within it would be taken, but is missing in the length.
  if (bytes?.length === text.length / 4 * 3 - padding) return bytes;
  throw invalid(path, "$blob is not base64 with padding");
}

/** Null for what is not base64. */
function decodeBase64(text: string): Uint8Array | null {
  try {
    if (typeof Uint8Array.fromBase64 === "function") {
      return Uint8Array.fromBase64(text);
    }
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}
