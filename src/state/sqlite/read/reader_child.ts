import { HiqliteError } from "../../../errors.ts";

/** What the heap of such a process may hold, in MiB. */
export const HEAP_MIB_MAX = 512;

/** The first argument with which a compiled binary runs `runReaderProcess` instead of itself. */
export const READER_ARGUMENT = "__reader";

/** Whether this process may start reader processes. */
export function maySpawnReaders(): boolean {
  try {
    const command = Deno.execPath();
    const { state } = Deno.permissions.querySync({ name: "run", command });
    return state === "granted";
  } catch {
    return false;
  }
}

/** A child process that answers one query at a time. */
export class ReaderChild {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;
  #rest = new Uint8Array(0);
  #ended: Promise<void> | null = null;

  /** Starts a process that may only touch the files in `folder`. */
  constructor(folder: string) {
    const scope = folder.replaceAll(",", ",,");
    this.#child = new Deno.Command(Deno.execPath(), {
      args: Deno.build.standalone ? [READER_ARGUMENT] : [
        "run",
        "--quiet",
        "--no-check",
        "--no-config",
        "--no-prompt",
        `--allow-read=${scope}`,
        `--allow-write=${scope}`,
        `--v8-flags=--max-old-space-size=${HEAP_MIB_MAX}`,
        new URL("./reader_process.ts", import.meta.url).href,
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.getReader();
  }

  /** Sends a frame and waits for the answer; rejects when the process has ended. */
  async ask(request: Uint8Array, answerBytesMax: number): Promise<Uint8Array> {
    const frame = new Uint8Array(4 + request.length);
    new DataView(frame.buffer).setUint32(0, request.length, true);
    frame.set(request, 4);
    await this.#input.write(frame);
    const header = await this.#take(4);
    const length = new DataView(header.buffer, header.byteOffset)
      .getUint32(0, true);
    if (length > answerBytesMax) {
      throw new HiqliteError(
        "too_large",
        `The answer has ${length} bytes, the limit is ${answerBytesMax}`,
      );
    }
    return await this.#take(length);
  }

  /** Kills the process and waits for its end; idempotent. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await Promise.allSettled([
      this.#input.abort(),
      this.#output.cancel(),
      this.#child.status,
    ]);
  }

  async #take(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [this.#rest];
    let have = this.#rest.length;
    while (have < length) {
      const { value, done } = await this.#output.read();
      if (done) throw new Error("The reader process has ended");
      parts.push(value);
      have += value.length;
    }
    const bytes = new Uint8Array(have);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    this.#rest = bytes.slice(length);
    return bytes.subarray(0, length);
  }
}
