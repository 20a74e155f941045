import { createInterface } from "node:readline";
import { cpuUsage, stdin } from "node:process";

/** What a child process can be asked; arguments and answers are JSON. */
// deno-lint-ignore no-explicit-any
export type Handlers = Record<string, (argument: any) => unknown>;

/**
 * The child's side: answers one JSON line for each JSON line on its input, in
 * order, until the input ends; so a child never outlives its parent. `cpu` is answered for all.
 */
export async function serveCommands(given: Handlers): Promise<void> {
  const handlers: Handlers = { ...given, cpu: processorTime };
  const encoder = new TextEncoder();
  for await (const line of createInterface({ input: stdin })) {
    const answer = JSON.stringify(await answerTo(handlers, line)) + "\n";
    let bytes = encoder.encode(answer);
    while (bytes.length > 0) {
      bytes = bytes.subarray(await Deno.stdout.write(bytes));
    }
  }
}

/** Processor time of this process so far, all threads, µs. */
function processorTime(): number {
  const { user, system } = cpuUsage();
  return user + system;
}

async function answerTo(handlers: Handlers, line: string): Promise<unknown> {
  try {
    const { command, argument } = JSON.parse(line);
    const handler = handlers[command];
    if (handler === undefined) throw new Error(`unknown command ${command}`);
    return { value: await handler(argument) ?? null };
  } catch (error) {
    return { error: error instanceof Error ? error.stack : String(error) };
  }
}
