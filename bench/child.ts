/** How long a child may take to end after its input ended, ms. */
const GRACE_MS = 10_000;

/** How to start a child. */
export interface ChildOptions {
  /** The script, relative to this folder. */
  readonly script: string;
  /** The only folder it may write to. */
  readonly dir: string;
  /** Write a CPU profile of the child into this folder. */
  readonly profileDir?: string;
  /** Permissions beyond those that every child has; with `--allow-all`, which Deno takes alone, there are no others. */
  readonly permissions: readonly string[];
}

/** The parent's side of a process that runs `serveCommands`. */
export class Child {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();

  /** Starts the process. */
  constructor({ script, dir, profileDir, permissions }: ChildOptions) {
    const path = new URL(script, import.meta.url).pathname;
    const usual = [
      "--allow-net=127.0.0.1",
      "--allow-read",
      `--allow-write=${dir}`,
      "--allow-env",
      "--allow-sys",
      ...permissions,
    ];
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        ...(permissions.includes("--allow-all") ? ["--allow-all"] : usual),
        ...(profileDir === undefined
          ? []
          : [`--cpu-prof-dir=${profileDir}`, "--cpu-prof-md"]),
        path,
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#lines = lines(this.#process.stdout);
  }

  /** Asks and waits; questions are answered in their order. */
  ask<T>(command: string, argument: unknown = null): Promise<T> {
    const line = JSON.stringify({ command, argument }) + "\n";
    const answer = this.#last.then(async () => {
      await this.#input.write(new TextEncoder().encode(line));
      const { done, value } = await this.#lines.next();
      if (done) throw new Error(`${command}: the process ended`);
      const parsed = JSON.parse(value);
      if ("error" in parsed) throw new Error(`${command}: ${parsed.error}`);
      return parsed.value as T;
    });
    this.#last = answer.catch(() => {});
    return answer;
  }

  /** Ends the process: by the end of its input, or by force. */
  async close(): Promise<void> {
    await this.#last;
    await this.#input.close().catch(() => {});
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), GRACE_MS);
    await this.#process.status;
    clearTimeout(timer);
    await this.#lines.return?.();
  }

  /** Ends the process at once. */
  kill(): void {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  }
}

async function* lines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}
