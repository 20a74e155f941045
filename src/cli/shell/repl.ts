import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import { Completion } from "./completion.ts";
import type { History } from "./history.ts";
import type { ShellRun } from "./shell_run.ts";

/** Reads what a person types until `.quit` or Ctrl-D. */
export class Repl {
  readonly #run: ShellRun;
  readonly #completion: Completion;
  readonly #history: History | null;
  #lines: Interface | null = null;
  /** Lines that are typed and not yet run, the one that runs among them. */
  #waiting = 0;
  /** Rises with every Ctrl-C: lines that were typed before it are not begun any more. */
  #interrupts = 0;

  /** What is typed goes to `run`. */
  constructor(run: ShellRun, history: History | null) {
    this.#run = run;
    this.#history = history;
    this.#completion = new Completion(run.session);
  }

  /** Until the end. */
  async start(): Promise<void> {
    const { session } = this.#run;
    const lines = createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: true,
      historySize: 1_000,
      removeHistoryDuplicates: true,
      history: this.#history?.read() ?? [],
      completer: (line: string) => this.#completion.offer(line),
    });
    this.#lines = lines;
    const closed = new Promise<void>((resolve) => lines.once("close", resolve));
    let running = this.#completion.refresh();
    lines.on("SIGINT", () => this.#interrupt());
    lines.on("line", (line) => {
      this.#waiting++;
      const typed = this.#interrupts;
      running = running.then(() => this.#line(line, typed));
    });
    await running;
    this.#prompt();
    await closed;
    await running;
    const problem = this.#history?.write(historyOf(lines)) ?? null;
    if (problem !== null) session.say(problem);
  }

  async #line(line: string, typed: number): Promise<void> {
    if (!this.#run.quitted) {
      if (typed === this.#interrupts) await this.#run.line(line);
      else this.#run.session.say("Cancelled: it was not begun");
      if (/;\s*$/.test(line)) await this.#completion.refresh();
    }
    this.#waiting--;
    if (this.#run.quitted) this.#lines!.close();
    else this.#prompt();
  }

  #prompt(): void {
    if (this.#waiting > 0) return;
    const { unfinished, session } = this.#run;
    this.#lines!.setPrompt(
      unfinished
        ? "    ...> "
        : session.inTransaction
        ? "hiqlite*> "
        : "hiqlite> ",
    );
    this.#lines!.prompt();
  }

  /** Ends what is under way; else what has been typed. */
  #interrupt(): void {
    this.#interrupts++;
    if (this.#waiting > 0) return this.#run.session.cancel();
    this.#run.drop();
    this.#lines!.write(null, { ctrl: true, name: "u" });
    this.#run.session.say("");
    this.#prompt();
  }
}

/** Node keeps it as a property, the newest first. */
function historyOf(lines: Interface): readonly string[] {
  return (lines as Interface & { readonly history: readonly string[] }).history;
}
