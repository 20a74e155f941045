import { main } from "../../src/cli/main.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

/** What a command printed and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs a command line in this process. */
export async function run(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const out: string[] = [];
  const error: string[] = [];
  const terminal: Terminal = {
    args,
    env,
    version: "1.2.3",
    interactive: false,
    out: (line) => out.push(line),
    error: (line) => error.push(line),
    onStop: () => () => {},
    exit: (code) => {
      throw new Error(`exit ${code}`);
    },
  };
  const code = await main(terminal);
  return { code, out: out.join("\n"), error: error.join("\n") };
}
