/** How a command ended: `code` is null if it was too quiet for too long and was ended. */
export interface Ending {
  readonly code: number | null;
  readonly lines: readonly string[];
}

/**
 * Runs `deno` in a folder and ends it once it has printed nothing for
 * `quietMs`. Returns what it wrote to its standard output, without colours.
 */
export async function runDeno(
  cwd: string,
  args: string[],
  quietMs: number,
): Promise<Ending> {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let quiet = false;
  const end = () => {
    quiet = true;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(end, quietMs);
  let text = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    clearTimeout(timer);
    text += part;
    timer = setTimeout(end, quietMs);
  }
  clearTimeout(timer);
  const { code } = await child.status;
  return { code: quiet ? null : code, lines: text.trimEnd().split("\n") };
}
