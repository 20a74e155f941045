import fc from "fast-check";
import type { ExactValue } from "../../dashboard/values/exact_value.ts";

/** Texts that were a trap somewhere: quotes, literals that are none, controls. SQLite's texts have no NUL here. */
const text = fc.oneof(
  fc.constantFrom(
    "",
    "NULL",
    "null",
    "x'00'",
    "'",
    '"',
    "1",
    "2.0",
    "a,b",
    "a\r\nb",
    "007",
    "=1+1",
    "%_\\",
    "é",
    "A",
    "a",
  ),
  fc.string({ unit: "binary", maxLength: 12 }).map((each) =>
    each.replaceAll("\0", "\u0001")
  ),
);

/** Any value that SQLite stores, often an edge. */
export const anyValue: fc.Arbitrary<ExactValue> = fc.oneof(
  fc.constant<ExactValue>({ type: "null" }),
  fc.oneof(
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    fc.bigInt(-3n, 3n),
    fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 1n - 2n ** 53n),
  ).map((value): ExactValue => ({ type: "integer", value })),
  fc.oneof(
    fc.double({ noNaN: true }),
    fc.constantFrom(
      2,
      -2,
      0,
      1e308,
      5e-324,
      Infinity,
      -Infinity,
      2 ** 53,
      1e20,
    ),
  ).map((value): ExactValue => ({
    type: "real",
    // SQLite keeps -0.0 as 0.0 in most places.
    value: value === 0 ? 0 : value,
  })),
  text.map((value): ExactValue => ({ type: "text", value })),
  fc.uint8Array({ maxLength: 6 }).map((value): ExactValue => ({
    type: "blob",
    value,
  })),
);
