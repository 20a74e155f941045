import { HiqliteError } from "../../errors.ts";
import { named, tagOf } from "./describe.ts";

/** What JSON would make `{}` of, or a list of numbers, by the name that the language has for it. */
const UNSAYABLE: ReadonlySet<string> = new Set([
  "Map",
  "Set",
  "WeakMap",
  "WeakSet",
  "WeakRef",
  "Promise",
  "Error",
  "RegExp",
]);

/**
 * The JSON of a value, which reads back as what it was: what JSON would drop or change is
 * refused, but for two of its rules: what has `toJSON` (a `Date`) is what that returns, and a
 * property that is undefined is left out.
 * @throws {HiqliteError} `invalid`
 */
export function jsonText(value: unknown): string {
  if (value === undefined) {
    throw new HiqliteError(
      "invalid",
      "The value is undefined: put null, or delete the entry",
    );
  }
  try {
    return JSON.stringify(value, sayable);
  } catch (cause) {
    if (cause instanceof HiqliteError) throw cause;
    throw new HiqliteError(
      "invalid",
      `The value cannot be written as JSON: ${
        cause instanceof Error ? cause.message : cause
      }`,
      { cause },
    );
  }
}

/** Called for each value within a value, after its `toJSON`; `this` is what it is in. */
function sayable(
  this: Record<string, unknown>,
  name: string,
  value: unknown,
): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      throw refusal(name, `${value}`, "put null or its text");
    case "undefined":
      if (!Array.isArray(this)) return value;
      throw refusal(name, "undefined in a list", "put null");
    case "object": {
      // Of bytes with `toJSON` (Buffer) and of a Date that is none, what counts is what was given.
      const given = this[name];
      if (given !== value || !isPlain(value)) assertSayable(name, given);
      return value;
    }
    case "bigint":
      throw refusal(name, `the bigint ${value}`, "put its text, or a counter");
    default:
      throw refusal(name, `a ${typeof value}`, "put what JSON can say");
  }
}

/** Whether JSON says an object as it is: nearly all are. */
function isPlain(value: object | null): boolean {
  if (value === null || Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function assertSayable(name: string, given: unknown): void {
  if (typeof given !== "object" || given === null) return;
  const tag = tagOf(given);
  if (ArrayBuffer.isView(given) || /^(Shared)?ArrayBuffer$/.test(tag)) {
    throw refusal(name, named(tag), adviceOnBytes(name, given));
  }
  if (given instanceof Date) {
    if (!Number.isNaN(given.getTime())) return;
    throw refusal(name, "a Date that is no time", "put null or its text");
  }
  if ("toJSON" in given) return;
  const error = given instanceof Error;
  if (!error && !UNSAYABLE.has(tag) && !saysNothing(given)) return;
  throw refusal(
    name,
    named(error ? "Error" : tag),
    "give the cache a codec, or put what JSON can say",
  );
}

/** An object of a class of which JSON sees no field. */
function saysNothing(given: object): boolean {
  return !isPlain(given) && Object.keys(given).length === 0;
}

function adviceOnBytes(name: string, given: object): string {
  if (name !== "") return "put their base64, or bytes alone as a Uint8Array";
  return ArrayBuffer.isView(given)
    ? "put new Uint8Array(value.buffer, value.byteOffset, value.byteLength)"
    : "put new Uint8Array(value)";
}

function refusal(name: string, what: string, advice: string): HiqliteError {
  const where = name === ""
    ? "The value"
    : `${JSON.stringify(name.slice(0, 80))} in the value`;
  return new HiqliteError(
    "invalid",
    `${where} is ${what}, which JSON cannot say: ${advice}`,
  );
}
