import {
  type JsonSqlValue,
  valueFromJson,
  valueToJson,
} from "../../src/api/json.ts";

/** How SQLite stores a value, as its `typeof()` says. */
export type StorageClass = "null" | "integer" | "real" | "text" | "blob";

/** A value with its storage class: JavaScript alone cannot tell 2 from 2.0. */
export type ExactValue =
  | { readonly type: "null" }
  | { readonly type: "integer"; readonly value: bigint }
  | { readonly type: "real"; readonly value: number }
  | { readonly type: "text"; readonly value: string }
  | { readonly type: "blob"; readonly value: Uint8Array };

/** The value that is none. */
export const NULL_VALUE: ExactValue = { type: "null" };

/** What the wire carries, with the storage class that `typeof()` told. */
export function exactValue(json: unknown, type: StorageClass): ExactValue {
  const value = valueFromJson(json, "value");
  switch (type) {
    case "null":
      return NULL_VALUE;
    case "integer":
      return { type, value: BigInt(value as number | bigint) };
    case "real":
      return { type, value: Number(value) };
    case "text":
      return { type, value: value as string };
    case "blob":
      return { type, value: value as Uint8Array };
  }
}

/** What the wire carries, where no `typeof()` was asked for: a whole number is taken for an integer. */
export function likelyValue(json: unknown): ExactValue {
  const value = valueFromJson(json, "value");
  if (value === null) return NULL_VALUE;
  if (typeof value === "string") return { type: "text", value };
  if (typeof value === "bigint") return { type: "integer", value };
  if (value instanceof Uint8Array) return { type: "blob", value };
  const number = Number(value);
  // The wire marks a number whose text would be an integer's; -0 is no integer.
  return Number.isSafeInteger(number) && !Object.is(number, -0)
    ? { type: "integer", value: BigInt(number) }
    : { type: "real", value: number };
}

/** A piece of SQL with what is bound in it. */
export interface BoundSql {
  /** The text. */
  readonly sql: string;
  /** Its parameters, in order. */
  readonly params: readonly JsonSqlValue[];
}

/** A value as a parameter that keeps its storage class, and has no affinity in comparisons. */
export function boundValue(value: ExactValue): BoundSql {
  switch (value.type) {
    case "null":
      return { sql: "?", params: [null] };
    case "real":
      // Whole numbers are bound as integers. The sign takes the affinity of the CAST away.
      return Object.is(value.value, -0)
        ? { sql: "-0.0", params: [] }
        : { sql: "+CAST(? AS REAL)", params: [valueToJson(value.value, "")] };
    default:
      return { sql: "?", params: [valueToJson(value.value, "value")] };
  }
}

/** Whether two values are the same: 2 is not 2.0, and `''` not NULL. */
export function sameValue(a: ExactValue, b: ExactValue): boolean {
  if (a.type !== b.type) return false;
  if (a.type === "null") return true;
  if (a.type === "blob" && b.type === "blob") {
    return a.value.length === b.value.length &&
      a.value.every((byte, at) => byte === b.value[at]);
  }
  return Object.is(a.value, (b as { value: unknown }).value);
}
