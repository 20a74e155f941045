/**
 * The `hiqlite` program: `serve`, `generate-config`, `cluster`, `cache`, `dev`.
 *
 * @module
 */
import deno from "./deno.json" with { type: "json" };
import type { HiddenInput } from "./src/cli/hidden_input.ts";

const encoder = new TextEncoder();

/** Signals that ask to stop; Windows has only the first. */
const STOP_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM"];

/** Commands that run until they are stopped. */
const LASTING: readonly string[] = ["serve", "proxy", "dev"];

/** Keeps what was typed ahead. */
let hiddenInput: HiddenInput | undefined;

/** Writes a whole line; a reader that has gone away is no reason to stop. */
function write(
  stream: { writeSync(bytes: Uint8Array): number },
  line: string,
): void {
  let rest = encoder.encode(`${line}\n`);
  try {
    while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Calls `stop` with every signal that asks to stop, until the returned function is called. */
function onStopSignal(stop: (signal: Deno.Signal) => void): () => void {
  const listeners = STOP_SIGNALS.map((signal) => {
    const listener = (): void => stop(signal);
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  return () => listeners.forEach((remove) => remove());
}

/** The lines that come through a pipe. */
async function* stdinLines(): AsyncGenerator<string> {
  let rest = "";
  const texts = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  for await (const text of texts) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield line.replace(/\r$/, "");
  }
  if (rest !== "") yield rest;
}

/** Asks for a line that is not shown. Prompts go where messages go, so that the result can go into a file. */
async function hiddenLine(prompt: string): Promise<string | null> {
  const { HiddenInput } = await import("./src/cli/hidden_input.ts");
  hiddenInput ??= new HiddenInput(
    Deno.stdin,
    (text) => Deno.stderr.writeSync(encoder.encode(text)),
  );
  return await hiddenInput.line(prompt);
}

/** Calls `reload` with every SIGHUP, until the returned function is called. */
function onReloadSignal(reload: () => void): () => void {
  if (Deno.build.os === "windows") return () => {};
  Deno.addSignalListener("SIGHUP", reload);
  return () => Deno.removeSignalListener("SIGHUP", reload);
}

/** Runs a command and ends the process with its code. */
async function runCommand(): Promise<never> {
  // What runs until it is stopped may be stopped before it runs: there is nothing to finish then.
  let forgetEarly = LASTING.includes(Deno.args[0] ?? "")
    ? onStopSignal(() => Deno.exit(0))
    : () => {};
  const { main } = await import("./src/cli/main.ts");
  const code = await main({
    args: Deno.args,
    env: Deno.env.toObject(),
    version: deno.version,
    interactive: Deno.stderr.isTerminal(),
    input: {
      typed: Deno.stdin.isTerminal() && Deno.stdout.isTerminal(),
      lines: stdinLines,
      hidden: Deno.stdin.isTerminal() ? hiddenLine : null,
    },
    out: (line) => write(Deno.stdout, line),
    error: (line) => write(Deno.stderr, line),
    onStop: (stop) => {
      forgetEarly();
      forgetEarly = () => {};
      return onStopSignal(stop);
    },
    onReload: onReloadSignal,
    exit: (code) => Deno.exit(code),
  });
  Deno.exit(code);
}

if (import.meta.main) {
  // Nothing of the server is loaded for a child of a compiled member, so that it starts fast: the import does not return.
  if (Deno.args[0]?.startsWith("__hiqlite_")) {
    await import("./src/state/sqlite/child.ts");
  }
  await runCommand();
}
