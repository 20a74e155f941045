import { HiqliteError } from "../../../errors.ts";
import { noSqlType } from "../../sql/validate.ts";
import type { SqlParameter, SqlParameters, SqlValue } from "../../sql/types.ts";
import { type Bindings, NO_BINDINGS } from "../driver/driver.ts";
import type { ParameterSlot } from "./text.ts";

/** Turns a parameter that is not a plain value (a reference) into one. */
export type Resolve = (
  parameter: Exclude<SqlParameter, SqlValue | boolean>,
) => SqlValue;

/** The {@linkcode Resolve} of a statement that has none before it. */
export function refuseReference(): never {
  throw new HiqliteError(
    "invalid",
    "Only a transaction can refer to earlier statements",
  );
}

/**
 * Assigns parameters to a statement's slots; exactly as many as it has.
 * @throws {HiqliteError} `invalid`, naming the count or the parameter.
 */
export function bind(
  slots: readonly ParameterSlot[],
  params: SqlParameters | undefined,
  resolve: Resolve,
): Bindings {
  if (params === undefined || Array.isArray(params)) {
    return bindList(slots, params ?? [], resolve);
  }
  return bindNamed(
    slots,
    params as Readonly<Record<string, SqlParameter>>,
    resolve,
  );
}

function bindList(
  slots: readonly ParameterSlot[],
  params: readonly SqlParameter[],
  resolve: Resolve,
): Bindings {
  if (params.length !== slots.length) {
    throw new HiqliteError(
      "invalid",
      `The statement has ${slots.length} parameters, ${params.length} were given`,
    );
  }
  if (slots.length === 0) return NO_BINDINGS;
  const anonymous: SqlValue[] = [];
  let named: Record<string, SqlValue> | null = null;
  for (let i = 0; i < slots.length; i++) {
    const value = valueOf(params[i]!, resolve);
    const name = slots[i]!;
    if (name === null) anonymous.push(value);
    else {(named ??= Object.create(null) as Record<string, SqlValue>)[name] =
        value;}
  }
  return { anonymous, named };
}

function bindNamed(
  slots: readonly ParameterSlot[],
  params: Readonly<Record<string, SqlParameter>>,
  resolve: Resolve,
): Bindings {
  const named = Object.create(null) as Record<string, SqlValue>;
  const used = new Set<string>();
  for (const slot of slots) {
    if (slot === null) {
      throw new HiqliteError(
        "invalid",
        "The statement has unnamed parameters; give a list",
      );
    }
    const key = Object.hasOwn(params, slot) ? slot : slot.slice(1);
    if (!Object.hasOwn(params, key)) {
      throw new HiqliteError("invalid", `The parameter ${slot} was not given`);
    }
    used.add(key);
    named[slot] = valueOf(params[key]!, resolve);
  }
  for (const key of Object.keys(params)) {
    if (!used.has(key)) {
      throw new HiqliteError(
        "invalid",
        `The statement has no parameter named ${key}`,
      );
    }
  }
  return slots.length === 0 ? NO_BINDINGS : { anonymous: [], named };
}

/** Safe integers go in as bigint, since node:sqlite stores every number as REAL. */
function valueOf(parameter: SqlParameter, resolve: Resolve): SqlValue {
  switch (typeof parameter) {
    case "number":
      return Number.isSafeInteger(parameter)
        ? BigInt(parameter)
        : Number.isNaN(parameter)
        ? null
        : parameter;
    case "boolean":
      return parameter ? 1n : 0n;
    case "object": {
      if (parameter === null || parameter instanceof Uint8Array) {
        return parameter;
      }
      if (!("$ref" in parameter)) throw noSqlType("A parameter", parameter);
      const value = resolve(parameter);
      return typeof value === "number" && Number.isSafeInteger(value)
        ? BigInt(value)
        : value;
    }
    case "undefined":
      throw noSqlType("A parameter", parameter);
    default:
      return parameter;
  }
}
