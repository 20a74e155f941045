import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../../cli.ts", import.meta.url));

/** The program in a process of its own, its output line by line. */
export class Program implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #copied: Promise<unknown>;
  #ended = false;
  /** How it ended. */
  readonly status: Promise<Deno.CommandStatus>;

  /** Starts `hiqlite <args>`; `hosts` are those that it may reach, `through` the program that starts it. */
  constructor(
    args: readonly string[],
    env: Record<string, string> = {},
    hosts: readonly string[] = ["127.0.0.1"],
    { through = [] }: { readonly through?: readonly string[] } = {},
  ) {
    const [program, ...before] = [...through, Deno.execPath()];
    this.#process = new Deno.Command(program!, {
      args: [
        ...before,
        "run",
        "--no-prompt",
        "--quiet",
        `--allow-net=${hosts.join(",")}`,
        "--allow-read",
        "--allow-write",
        "--allow-env",
        "--allow-sys=hostname,uid,statfs,osRelease,setPriority",
        // By its path, as the tasks do: `deno` on the PATH may be a script around it.
        `--allow-run=${Deno.execPath()}`,
        CLI,
        ...args,
      ],
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#copied = Promise.all([
      this.#copy(this.#process.stdout),
      this.#copy(this.#process.stderr),
    ]);
    this.status = this.#process.status.then(async (status) => {
      await this.#copied;
      this.#ended = true;
      this.#wake();
      return status;
    });
  }

  /** Everything it wrote. */
  get output(): string {
    return this.#lines.join("\n");
  }

  /** Waits for a line. @throws {Error} if the process ends or `timeoutMs` is over. */
  async line(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, timeoutMs);
    try {
      while (true) {
        for (const line of this.#lines) {
          const match = pattern.exec(line);
          if (match !== null) return match;
        }
        if (late || this.#ended) {
          throw new Error(`no line like ${pattern} in:\n${this.output}`);
        }
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a signal. */
  signal(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Ends it by force if it runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) {
      try {
        this.#process.kill("SIGKILL");
      } catch {
        // It has just ended.
      }
    }
    await this.status;
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }

  async #copy(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.#lines.push(...lines);
      this.#wake();
    }
    if (rest !== "") this.#lines.push(rest);
  }
}
