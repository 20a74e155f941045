/** Who found a planted bug: a seed of the simulator, and the rule it saw broken; or a test. */
export type Finder = SeedFinder | TestFinder;

/** A seed of the simulator, and the rule that it saw broken. */
export interface SeedFinder {
  readonly seed: number;
  readonly how: string;
}

/** A test; without a name the tests of a file or folder that crash or do not end. */
export interface TestFinder {
  readonly file: string;
  readonly test?: string;
}

/** As the table says it. */
export function formatFinder(finder: Finder): string {
  if ("seed" in finder) return `seed ${finder.seed}: ${finder.how}`;
  return finder.test === undefined
    ? `tests of \`${finder.file}\`: crash or no end`
    : `test “${finder.test}”`;
}

/**
 * A finder that was written down.
 * @throws {TypeError} if it is neither a seed nor a test.
 */
export function finderFrom(name: string, value: unknown): Finder {
  const { seed, how, file, test } = Object(value) as Record<string, unknown>;
  if (Number.isSafeInteger(seed) && typeof how === "string") {
    return { seed: seed as number, how };
  }
  if (typeof file === "string" && file.startsWith("tests/")) {
    if (test === undefined) return { file };
    if (typeof test === "string") return { file, test };
  }
  throw new TypeError(
    `Who found “${name}” is neither {seed, how} nor {file, test}: ${
      JSON.stringify(value)
    }. Mend or remove the line`,
  );
}
