import type { Consistency } from "../node/port.ts";
import { addressProblem } from "../config/address.ts";
import { invalid, kindOf } from "./json.ts";

/** Longest wait for a leader that a request may ask for, ms. */
const TIMEOUT_MS_MAX = 120_000;

/** Largest node id. */
const NODE_ID_MAX = 999_999_999;

/** The fields of a JSON object. */
export type Fields = ReadonlyMap<string, unknown>;

/** The fields of a JSON object; refuses what is not named in `known`. */
export function fieldsOf(
  json: unknown,
  known: readonly string[],
  path = "body",
): Fields {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw invalid(path, `expected an object, got ${kindOf(json)}`);
  }
  const fields = new Map(Object.entries(json));
  for (const name of fields.keys()) {
    if (!known.includes(name)) {
      throw invalid(
        path,
        `unknown field ${JSON.stringify(name.slice(0, 40))}, expected ${
          known.join(", ")
        }`,
      );
    }
  }
  return fields;
}

/** A string that must be there. */
export function textField(fields: Fields, name: string, path = name): string {
  const value = fields.get(name);
  if (typeof value === "string") return value;
  throw invalid(
    path,
    value === undefined
      ? "is missing, expected a string"
      : `expected a string, got ${kindOf(value)}`,
  );
}

/** An integer from `low` to `high`, or undefined if it is not there. */
export function integerField(
  fields: Fields,
  name: string,
  low: number,
  high: number,
  path = name,
): number | undefined {
  const value = fields.get(name);
  if (value === undefined) return undefined;
  if (
    typeof value === "number" && Number.isInteger(value) && value >= low &&
    value <= high
  ) return value;
  throw invalid(
    path,
    `expected an integer from ${low} to ${high}, got ${
      typeof value === "number" ? value : kindOf(value)
    }`,
  );
}

/** An array that must be there. */
export function arrayField(fields: Fields, name: string): readonly unknown[] {
  const value = fields.get(name);
  if (Array.isArray(value)) return value;
  throw invalid(
    name,
    value === undefined
      ? "is missing, expected an array"
      : `expected an array, got ${kindOf(value)}`,
  );
}

/** An address `host:port`, or undefined if it is not there. */
export function addressField(fields: Fields, name: string): string | undefined {
  if (!fields.has(name)) return undefined;
  const text = textField(fields, name);
  const problem = addressProblem(text);
  if (problem !== null) throw invalid(name, problem);
  return text;
}

/** `node_id`, or undefined if it is not there. */
export function nodeIdField(fields: Fields): number | undefined {
  return integerField(fields, "node_id", 1, NODE_ID_MAX);
}

/** `max_run_ms`: how long a write may run on the leader, 1 to 2^32 - 1 ms; nothing if it is not there. */
export function maxRunField(fields: Fields): { readonly maxRunMs?: number } {
  const maxRunMs = integerField(fields, "max_run_ms", 1, 2 ** 32 - 1);
  return maxRunMs === undefined ? {} : { maxRunMs };
}

/** `timeout_ms`: how long the sender waits, 1 to 120,000 ms; nothing if it is not there. */
export function timeoutField(
  fields: Fields,
): { readonly timeoutMs?: number } {
  const timeoutMs = integerField(fields, "timeout_ms", 1, TIMEOUT_MS_MAX);
  return timeoutMs === undefined ? {} : { timeoutMs };
}

/** `consistency`, by default `local`. */
export function consistencyField(fields: Fields): Consistency {
  const consistency = fields.get("consistency") ?? "local";
  if (consistency === "local" || consistency === "linearizable") {
    return consistency;
  }
  throw invalid("consistency", 'expected "local" or "linearizable"');
}
