import { formatEvent, type HistoryEvent } from "../checker/history.ts";

/** What is said when an operation begins. */
export interface Invocation {
  readonly f: string;
  readonly key?: string;
  readonly value: unknown;
  readonly node?: number;
}

/** How an operation ended. */
export type Ending =
  | { readonly type: "ok"; readonly value: unknown }
  | { readonly type: "fail" | "info"; readonly error: string };

/** Counts of endings. */
export type Tally = Record<"ok" | "fail" | "info", number>;

/** Writes down a history as it happens, in one order for all clients. */
export class Recorder {
  readonly #events: HistoryEvent[] = [];
  readonly #tally: Tally = { ok: 0, fail: 0, info: 0 };
  #processes = 0;
  /** How long each operation took that ended well, ms. */
  readonly latenciesMs: number[] = [];
  /** Operations that failed in a way that no client expects: lost rows, answers that are none. */
  readonly problems: string[] = [];

  /** All events so far. */
  get events(): readonly HistoryEvent[] {
    return this.#events;
  }

  /** How the operations ended so far. */
  get tally(): Readonly<Tally> {
    return this.#tally;
  }

  /** A process number that nobody has had. */
  newProcess(): number {
    return this.#processes++;
  }

  /** Records one operation of a process around `call`. */
  async record(
    process: number,
    invocation: Invocation,
    call: () => Promise<Ending>,
  ): Promise<Ending> {
    const { f, key, node } = invocation;
    const common = {
      process,
      f,
      ...key === undefined ? {} : { key },
      ...node === undefined ? {} : { node },
    };
    const now = (): number => Math.round(performance.now() * 1000) / 1000;
    const begun = now();
    this.#events.push({
      ...common,
      type: "invoke",
      value: invocation.value,
      time: begun,
    });
    const ending = await call().catch((error): Ending => {
      this.problems.push(`${f} ended with ${(error as Error).stack}`);
      return { type: "info", error: `${error}` };
    });
    this.#tally[ending.type]++;
    if (ending.type === "ok") this.latenciesMs.push(now() - begun);
    this.#events.push({
      ...common,
      type: ending.type,
      value: ending.type === "ok" ? ending.value : null,
      time: now(),
      ...ending.type === "ok" ? {} : { error: ending.error.slice(0, 300) },
    });
    return ending;
  }

  /** Writes the history as newline-delimited JSON. */
  async save(path: string): Promise<void> {
    await Deno.writeTextFile(
      path,
      this.#events.map((event) => `${formatEvent(event)}\n`).join(""),
    );
  }
}
