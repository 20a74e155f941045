import { parseExact, parsePlain } from "./json_stream.ts";

/** An integer that a double may not hold. */
const LONG_INTEGER = /(?<![\d.])\d{16,}(?![\d.eE])/;

/** A short text cannot hold more than it has characters. */
const SHORT = { values: Infinity, depth: 1000 };

/**
 * Parses a short JSON text; integers beyond ±(2^53 - 1) become bigint, never rounded.
 *
 * @throws {HiqliteError} `invalid`
 */
export function parseJson(text: string): unknown {
  // What may be a long integer, or digits in a string, takes the slower way.
  return LONG_INTEGER.test(text) ? parseExact(text, SHORT) : parsePlain(text);
}
