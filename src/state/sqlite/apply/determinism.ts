import type { SqlValue } from "../../sql/types.ts";
import { INT64_MAX } from "../../../util/int64.ts";
import { sizeOf } from "../../sql/values.ts";
import {
  FAIL,
  type FunctionResult,
  SQL_VALUE_BYTES_MAX,
  type SqliteConnection,
  type SqliteStatement,
} from "../driver/driver.ts";
import { isMomentary } from "../driver/result_codes.ts";
import type { EntryContext } from "./entry_context.ts";

/** Functions that read a time from their arguments, and which of these hold one; without it they mean now. */
const DATE_FUNCTIONS: Readonly<Record<string, readonly number[]>> = {
  date: [0],
  time: [0],
  datetime: [0],
  julianday: [0],
  unixepoch: [0],
  strftime: [1],
  timediff: [0, 1],
};

/** The names whose use in indexes and generated columns must not depend on the current time. */
export const DATE_FUNCTION_NAMES: ReadonlySet<string> = new Set(
  Object.keys(DATE_FUNCTIONS),
);

/** More than the longest word that the date functions know. */
const WORD_BYTES = 16;
/** The longest format that strftime() takes, by `sizeOf`: its answer may be many times as long. */
const FORMAT_SIZE_MAX = 1024;
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Overrides everything that would answer differently on another member: chance
 * and time come from the entry, also in DEFAULTs, triggers and views. Other uses of
 * the date functions are answered by the originals on `originals`, a connection
 * without overrides.
 */
export function overrideFunctions(
  connection: SqliteConnection,
  originals: SqliteConnection,
  context: EntryContext,
): void {
  const fail = (message: string): typeof FAIL => {
    context.failure = message;
    return FAIL;
  };
  const exactly = (
    name: string,
    count: number,
    call: (...args: SqlValue[]) => FunctionResult,
  ) =>
  (...args: SqlValue[]): FunctionResult =>
    args.length === count
      ? call(...args)
      : fail(`wrong number of arguments to function ${name}()`);

  connection.define(
    "random",
    false,
    exactly("random", 0, () => randomInteger(context)),
  );
  connection.define(
    "randomblob",
    false,
    exactly("randomblob", 1, (size) => {
      const length = byteCount(size ?? null);
      return length > SQL_VALUE_BYTES_MAX
        ? fail("string or blob too big")
        : randomBytes(context, length);
    }),
  );
  const currents: readonly [string, number, number][] = [
    ["current_date", 0, 10],
    ["current_time", 11, 19],
    ["current_timestamp", 0, 19],
  ];
  for (const [name, start, end] of currents) {
    connection.define(
      name,
      false,
      exactly(name, 0, () => context.now.slice(start, end)),
    );
  }
  const original = originalFunctions(originals);
  for (const [name, times] of Object.entries(DATE_FUNCTIONS)) {
    connection.define(name, true, (...args) => {
      if (name === "timediff" && args.length !== 2) {
        return fail("wrong number of arguments to function timediff()");
      }
      const size = sizeOf(args[0] ?? null);
      if (name === "strftime" && size > FORMAT_SIZE_MAX) {
        return fail(
          `strftime(): the format is too long (${size}, the limit is ${FORMAT_SIZE_MAX})`,
        );
      }
      const fixed = fixTime(name, args, times, context);
      if (typeof fixed === "string") return fail(fixed);
      try {
        return original(name, fixed);
      } catch (error) {
        if (isMomentary(error)) throw error;
        return fail(`${name}(): ${(error as Error).message}`);
      }
    });
  }
}

/** The arguments without a current time or a time zone, or why they are refused. */
function fixTime(
  name: string,
  args: readonly SqlValue[],
  times: readonly number[],
  context: EntryContext,
): SqlValue[] | string {
  const fixed = [...args];
  if (name !== "timediff") {
    for (let i = times[0]! + 1; i < args.length; i++) {
      const modifier = lower(args[i]!);
      if (modifier === "localtime" || modifier === "utc") {
        return `${name}(): '${modifier}' depends on the member's time zone; convert in the application`;
      }
    }
  }
  let current = false;
  for (const at of times) {
    if (at >= args.length) {
      if (at > args.length) continue; // strftime() without a format is NULL
      fixed.push(context.now);
      current = true;
    } else if (lower(args[at]!) === "now") {
      fixed[at] = context.now;
      current = true;
    } else if (isSubsecond(args[at]!)) {
      fixed.splice(at, 1, context.now, "subsec");
      current = true;
    }
  }
  if (current && (context.strict || context.pureFunctions.has(name))) {
    return `${name}(): an index or a generated column must not depend on the current time`;
  }
  return fixed;
}

function isSubsecond(value: SqlValue): boolean {
  const text = lower(value);
  return text === "subsec" || text === "subsecond";
}

/** A word as the date functions read it: up to the first NUL. */
function lower(value: SqlValue): string | null {
  const text = value instanceof Uint8Array
    ? UTF8.decode(value.subarray(0, WORD_BYTES))
    : value;
  return typeof text === "string"
    ? text.slice(0, WORD_BYTES).split("\0", 1)[0]!.toLowerCase()
    : null;
}

function originalFunctions(
  originals: SqliteConnection,
): (name: string, args: readonly SqlValue[]) => SqlValue {
  const prepared = new Map<string, SqliteStatement>();
  return (name, args) => {
    const key = `${name}/${args.length}`;
    let statement = prepared.get(key);
    if (statement === undefined) {
      const marks = args.map(() => "?").join(",");
      statement = originals.prepare(`SELECT ${name}(${marks})`)!;
      prepared.set(key, statement);
    }
    return statement.allBigInt({ anonymous: args, named: null })[0]![0]!;
  };
}

/** As SQLite's own: never the smallest integer, whose absolute value does not exist. */
function randomInteger(context: EntryContext): bigint {
  const bits = (BigInt(context.uint32()) << 32n) | BigInt(context.uint32());
  const value = BigInt.asIntN(64, bits);
  return value < 0n ? -(value & INT64_MAX) : value;
}

function randomBytes(context: EntryContext, length: number): Uint8Array {
  const words = new Uint8Array(Math.ceil(length / 4) * 4);
  const view = new DataView(words.buffer);
  for (let at = 0; at < words.length; at += 4) {
    view.setUint32(at, context.uint32(), true);
  }
  return words.subarray(0, length);
}

function byteCount(value: SqlValue): number {
  const number = typeof value === "string"
    ? Number.parseInt(value, 10)
    : value instanceof Uint8Array
    ? 0
    : Number(value ?? 0);
  return Number.isNaN(number) || number < 1 ? 1 : Math.trunc(number);
}
