import type { TestFinder } from "./finder.ts";

/** Between the name of a test and that of its step. */
const STEP = " ... ";

/**
 * The tests that failed, by what `deno test --parallel` printed as it went,
 * each once. (Its summary tells where a test was registered, which may be a file
 * of helpers.) Of a step its test: steps cannot be run alone. A file whose code
 * threw outside of its tests counts as a whole.
 */
export function failuresIn(lines: readonly string[]): TestFinder[] {
  const failures = new Map<string, TestFinder>();
  for (const line of lines) {
    const failure = failureIn(line);
    if (failure !== null) failures.set(JSON.stringify(failure), failure);
  }
  return [...failures.values()];
}

function failureIn(line: string): TestFinder | null {
  const failed = /^\.\/(tests\/\S+) => (.*) \.\.\. FAILED\b/.exec(line);
  if (failed !== null) {
    const [test] = failed[2]!.split(STEP);
    return { file: failed[1]!, test: test! };
  }
  const file = /^\.\/(tests\/\S+) \(uncaught error\)/.exec(line);
  return file === null ? null : { file: file[1]! };
}

/** The arguments of `deno test` that run this and nothing else. */
export function only({ file, test }: TestFinder): string[] {
  if (test === undefined) return [file];
  return ["--filter", `/^${RegExp.escape(test)}$/`, file];
}
