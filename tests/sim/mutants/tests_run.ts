import { type Ending, runDeno } from "./command.ts";

/** Longest silence of tests before they count as hanging. */
const TEST_MS = 120_000;

/** Runs tests of these sources: `what` are arguments of `deno test`. */
export function runTests(
  sources: string,
  what: readonly string[],
): Promise<Ending> {
  return runDeno(
    sources,
    [
      "test",
      "--allow-all",
      "--no-check",
      "--parallel",
      "--permit-no-files",
      ...what,
    ],
    TEST_MS,
  );
}
