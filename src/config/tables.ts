import { parse, TomlError } from "smol-toml";
import { ConfigError } from "../errors.ts";

/** The `[hiqlite]` table of a TOML text, keys as written. @throws {ConfigError} naming the file. */
export function hiqliteTable(
  text: string,
  path: string,
): ReadonlyMap<string, unknown> {
  let root: Record<string, unknown>;
  try {
    root = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The error's code block quotes the file, which holds secrets.
    throw new ConfigError(
      path,
      `not valid TOML at line ${error.line}, column ${error.column}`,
    );
  }
  let table: unknown;
  for (const [key, value] of Object.entries(root)) {
    if (key === "hiqlite") table = value;
    else if (!isTable(value)) {
      throw new ConfigError(key, `belongs below [hiqlite] in ${path}`);
    }
  }
  if (!isTable(table)) {
    throw new ConfigError(path, "has no [hiqlite] table");
  }
  return new Map(Object.entries(table));
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    !Array.isArray(value) && !(value instanceof Date);
}

/** The name among `known` that was probably meant, if one is close or the only one that begins so. */
export function closest(
  name: string,
  known: Iterable<string>,
): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 4)) + 1;
  const begun: string[] = [];
  for (const candidate of known) {
    if (candidate.startsWith(name)) begun.push(candidate);
    const distance = editDistance(
      name.toLowerCase(),
      candidate.toLowerCase(),
    );
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best ?? (begun.length === 1 ? begun[0] : undefined);
}

/** Insertions, deletions and substitutions from `a` to `b` (Levenshtein). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      current.push(Math.min(
        previous[column]! + 1,
        current[column - 1]! + 1,
        previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1),
      ));
    }
    previous = current;
  }
  return previous[b.length]!;
}
