/** How a command ended: `code` is null if it was too quiet for too long and was ended. */
export interface Ending {
  readonly code: number | null;
  readonly lines: readonly string[];
}

/** The process groups of the commands that run. */
const running = new Set<number>();

/**
 * Runs `deno` in a folder and ends it once it has printed nothing for
 * `quietMs`, with every process that it began: a planted bug may leave some.
 * Returns what it wrote to its standard output, without colours.
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
    detached: true,
  }).spawn();
  running.add(child.pid);
  let quiet = false;
  const end = () => {
    quiet = true;
    endGroup(child.pid);
  };
  // A process that outlives the command keeps the pipe open.
  const ended = child.status.finally(() => endGroup(child.pid));
  let timer = setTimeout(end, quietMs);
  let text = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    clearTimeout(timer);
    text += part;
    timer = setTimeout(end, quietMs);
  }
  clearTimeout(timer);
  const { code } = await ended;
  running.delete(child.pid);
  return { code: quiet ? null : code, lines: text.trimEnd().split("\n") };
}

/** Ends every command that runs, with all that it began. */
export function endAll(): void {
  for (const pid of running) endGroup(pid);
}

function endGroup(pid: number): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch (error) {
    // All of it has ended.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
