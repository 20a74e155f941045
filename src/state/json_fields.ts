import { MalformedBytesError } from "../util/bytes.ts";

/** A check of one field of what an entry holds as JSON. */
export type FieldCheck = (value: unknown) => boolean;

/** An integer from 0 to 2^53 - 1. */
export const isCount: FieldCheck = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0;

/** A text of so many characters at most. */
export function isTextOf(value: unknown, most: number): boolean {
  return typeof value === "string" && value.length <= most;
}

/** The object in a JSON text. @throws {MalformedBytesError} if there is none. */
export function objectIn(text: string): object {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Told below.
  }
  throw new MalformedBytesError("not a JSON object");
}

/** Whether a value has these fields and no other, each as its check says. */
export function hasFields(
  value: unknown,
  fields: Readonly<Record<string, FieldCheck>>,
): boolean {
  if (typeof value !== "object" || value === null) return false;
  const names = Object.keys(value);
  return names.length === Object.keys(fields).length &&
    names.every((name) =>
      Object.hasOwn(fields, name) &&
      fields[name]!((value as Record<string, unknown>)[name])
    );
}

/** The fields of each kind of operation: entries hold these and no other. */
export type OperationFields<Kind extends string> = Readonly<
  Record<Kind, Readonly<Record<string, FieldCheck>>>
>;

/**
 * The operation in a JSON text, of a kind and with the fields that are named.
 * @throws {MalformedBytesError} with `malformed` for anything else.
 */
export function operationIn<Operation extends { readonly kind: string }>(
  text: string,
  kinds: OperationFields<Operation["kind"]>,
  malformed: string,
): Operation {
  const { kind, ...rest } = objectIn(text) as {
    readonly kind: Operation["kind"];
  };
  if (!Object.hasOwn(kinds, kind) || !hasFields(rest, kinds[kind])) {
    throw new MalformedBytesError(malformed);
  }
  return { kind, ...rest } as Operation;
}
