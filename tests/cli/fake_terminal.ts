import { main } from "../../src/cli/main.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

/** What a command printed and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs a command line in this process; `typed` are lines of a person, null if the input is a pipe. */
export async function run(
  args: readonly string[],
  env: Record<string, string> = {},
  piped: readonly string[] = [],
  typed: string[] | null = null,
): Promise<Outcome> {
  const out: string[] = [];
  const error: string[] = [];
  const terminal: Terminal = {
    args,
    env,
    version: "1.2.3",
    interactive: false,
    input: {
      typed: false,
      async *lines() {
        yield* piped;
      },
      hidden: typed === null ? null : (prompt) => {
        error.push(prompt);
        return Promise.resolve(typed.shift() ?? null);
      },
    },
    out: (line) => out.push(line),
    error: (line) => error.push(line),
    onStop: () => () => {},
    onReload: () => () => {},
    exit: (code) => {
      throw new Error(`exit ${code}`);
    },
  };
  const code = await main(terminal);
  return { code, out: out.join("\n"), error: error.join("\n") };
}
