import { HiqliteError } from "../errors.ts";

/** An integer that a double may not hold. */
const LONG_INTEGER = /(?<![\d.])\d{16,}(?![\d.eE])/;

/**
 * Parses JSON; integers beyond ±(2^53 - 1) become bigint, never rounded.
 *
 * @throws {HiqliteError} `invalid`
 */
export function parseJson(text: string): unknown {
  try {
    // Looking at every number's text takes ten times as long.
    return LONG_INTEGER.test(text) && hasLongInteger(text)
      ? JSON.parse(text, exactInteger)
      : JSON.parse(text);
  } catch (cause) {
    if (cause instanceof HiqliteError) throw cause;
    throw new HiqliteError(
      "invalid",
      text === ""
        ? "The body is empty, expected JSON"
        : `The body is not JSON: ${(cause as Error).message.slice(0, 120)}`,
      { cause },
    );
  }
}

/** Whether one of the numbers, not the strings, is a long integer. */
function hasLongInteger(text: string): boolean {
  let at = 0;
  while (true) {
    const opening = text.indexOf('"', at);
    const end = opening < 0 ? text.length : opening;
    if (end - at >= 16 && LONG_INTEGER.test(text.slice(at, end))) return true;
    if (opening < 0) return false;
    at = closingQuote(text, opening) + 1;
    if (at === 0) return false;
  }
}

/** Where the string that begins at `opening` ends; -1 if it does not. */
function closingQuote(text: string, opening: number): number {
  let at = text.indexOf('"', opening + 1);
  while (at >= 0) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return at;
    at = text.indexOf('"', at + 1);
  }
  return -1;
}

function exactInteger(
  _key: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  const { source } = context;
  if (Number.isSafeInteger(value) || !/^-?\d+$/.test(source)) return value;
  if (source.length <= 20) return BigInt(source);
  throw new HiqliteError(
    "invalid",
    `The integer ${
      source.slice(0, 40)
    } does not fit into 64 bits; write {"$float": "…"} for a number like it`,
  );
}
