import { UsageError } from "../arguments.ts";
import { HiqliteError } from "../../errors.ts";
import { runDotCommand } from "./dot_commands.ts";
import type { ShellSession } from "./shell_session.ts";
import { type ShellInput, StatementReader } from "./statement_reader.ts";

/** Exit codes of a shell: 0 done, 1 a statement failed, 2 wrong use, 3 nobody was reached or leads. */
export type ShellCode = 0 | 1 | 2 | 3;

/** Files that read files end somewhere. */
const DEPTH_MAX = 16;

/** Runs lines, one after the other. */
export class ShellRun {
  readonly session: ShellSession;
  readonly #bail: boolean;
  #reader = new StatementReader();
  #code: ShellCode = 0;
  #quitted = false;
  #depth = 0;

  /** With `bail` the first error ends it. */
  constructor(session: ShellSession, bail: boolean) {
    this.session = session;
    this.#bail = bail;
  }

  /** The worst that happened. */
  get code(): ShellCode {
    return this.#code;
  }

  /** Nothing more is to be run. */
  get quitted(): boolean {
    return this.#quitted;
  }

  /** A statement has begun and not ended. */
  get unfinished(): boolean {
    return this.#reader.unfinished;
  }

  /** Forgets a statement that has begun. */
  drop(): void {
    this.#reader.drop();
  }

  /** Runs what a line ends. */
  async line(line: string): Promise<void> {
    await this.#inputs(this.#reader.take(line));
  }

  /** Runs what is left when the input ends. A transaction that nobody ended is no more than typed. */
  async end(): Promise<void> {
    if (this.#quitted) return;
    await this.#inputs(this.#reader.end());
    if (this.#quitted || !this.session.inTransaction) return;
    this.#failed(
      new HiqliteError(
        "sql",
        "The input ended before COMMIT: nothing of the transaction was done",
      ),
    );
  }

  /** Runs the lines of a text, apart from a statement that has begun. */
  async text(text: string): Promise<void> {
    if (this.#depth === DEPTH_MAX) {
      throw new UsageError(
        `Files read one another more than ${DEPTH_MAX} deep`,
      );
    }
    const outer = this.#reader;
    this.#reader = new StatementReader();
    this.#depth++;
    try {
      for (const line of text.split(/\r?\n/)) {
        await this.line(line);
        if (this.#quitted) return;
      }
      await this.#inputs(this.#reader.end());
    } finally {
      this.#depth--;
      this.#reader = outer;
    }
  }

  async #inputs(inputs: readonly ShellInput[]): Promise<void> {
    for (const input of inputs) {
      if (this.#quitted) return;
      try {
        await this.#input(input);
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  async #input(input: ShellInput): Promise<void> {
    if (input.kind === "sql") {
      await this.session.run(input.sql);
      return this.session.output.done();
    }
    await runDotCommand(input.line, {
      session: this.session,
      run: (text) => this.text(text),
      quit: () => {
        this.#quitted = true;
      },
    });
  }

  #failed(error: unknown): void {
    this.session.output.done();
    this.session.say(`Error: ${textOf(error)}`);
    const code = codeOf(error);
    if (code > this.#code) this.#code = code;
    if (this.#bail) this.#quitted = true;
  }
}

function textOf(error: unknown): string {
  if (error instanceof UsageError) return error.message;
  if (error instanceof HiqliteError && error.code !== "internal") {
    return `${error.message} (${error.code})`;
  }
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

function codeOf(error: unknown): ShellCode {
  if (error instanceof UsageError) return 2;
  if (!(error instanceof HiqliteError)) return 1;
  return error.code === "no_leader" || error.code === "shutting_down" ? 3 : 1;
}
