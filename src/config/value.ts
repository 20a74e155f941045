import { ConfigError } from "../errors.ts";

/** A raw value: text from the environment or a flag, anything from TOML. */
export type RawValue = unknown;

/** How the value of a key is read. Problems complete the sentence "`key`: …". */
export interface ValueType<T> {
  /** What is expected, for messages and documentation: `an integer from 1 to 64`. */
  readonly expects: string;
  /** Reads text of the environment or of a flag; undefined if it is not what is expected. */
  fromText(text: string): T | undefined;
  /** Reads a TOML value; undefined if it is not what is expected. */
  fromToml(value: RawValue): T | undefined;
}

/** Where a value comes from and under which name its writer knows it. */
export interface Origin {
  /** The environment variable, TOML key or flag. */
  readonly key: string;
  readonly kind: "text" | "toml";
  /** Secret values never appear in messages. */
  readonly secret: boolean;
}

/** Reads a raw value. @throws {ConfigError} naming key, value and expectation. */
export function parseValue<T>(
  type: ValueType<T>,
  raw: RawValue,
  origin: Origin,
): T {
  const value = origin.kind === "text"
    ? type.fromText((raw as string).trim())
    : type.fromToml(raw);
  if (value !== undefined) return value;
  throw new ConfigError(
    origin.key,
    `expected ${type.expects}, got ${
      origin.secret ? "something else (not shown)" : shown(raw)
    }`,
  );
}

/** A value as it can stand in a message: quoted, cut at 80 characters. */
function shown(raw: RawValue): string {
  const text = typeof raw === "bigint" ? `${raw}` : JSON.stringify(raw);
  if (text === undefined) return typeof raw;
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}

/** A whole number in a range, both ends included. */
export function integer(low: number, high: number): ValueType<number> {
  const inRange = (value: number): number | undefined =>
    Number.isSafeInteger(value) && value >= low && value <= high
      ? value
      : undefined;
  return {
    expects: `an integer from ${low} to ${high}`,
    fromText: (text) =>
      /^\d{1,16}$/.test(text) ? inRange(Number(text)) : undefined,
    fromToml: (value) => typeof value === "number" ? inRange(value) : undefined,
  };
}

/** `true` or `false`. */
export function boolean(): ValueType<boolean> {
  return {
    expects: "true or false",
    fromText: (text) =>
      text === "true" ? true : text === "false" ? false : undefined,
    fromToml: (value) => typeof value === "boolean" ? value : undefined,
  };
}

/** Text that `accept` turns into a value, or refuses with undefined. */
export function text<T>(
  expects: string,
  accept: (text: string) => T | undefined,
): ValueType<T> {
  return {
    expects,
    fromText: accept,
    fromToml: (value) => typeof value === "string" ? accept(value) : undefined,
  };
}

/** One of a few words. */
export function choice<T extends string>(words: readonly T[]): ValueType<T> {
  return text(
    words.map((word) => `"${word}"`).join(" or "),
    (value) => words.find((word) => word === value),
  );
}
