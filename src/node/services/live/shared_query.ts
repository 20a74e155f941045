import type { LogIndex } from "../../../raft/types.ts";
import type { Observation, SqlQuery } from "../../../state/sql/port.ts";
import type { LiveEvent } from "../../live_port.ts";
import type { RunSlots } from "./run_slots.ts";

/** What running queries needs from the service. */
export interface RunPorts {
  /** Runs a query once. */
  observe(query: SqlQuery, known: string): Promise<Observation>;
  /** Everything up to here is applied here. */
  applied(): LogIndex;
  history(): string;
}

/** What a run found. */
export interface LiveAnswer {
  readonly observation: Observation;
  /** The same object for all that waited for this run. */
  readonly event: LiveEvent;
}

/** A run on its way. */
interface Run {
  /** The hash of the rows that whoever began it has. */
  readonly known: string;
  /** What was applied when it began to read; null while it waits for its turn. */
  readonly turn: { begun: LogIndex | null };
  readonly found: Promise<LiveAnswer>;
}

/** A query that one or more live queries ask: one run at a time, which all share whom its answer serves. */
export class SharedQuery {
  readonly #query: SqlQuery;
  readonly #slots: RunSlots;
  readonly #ports: RunPorts;
  #run: Run | null = null;
  /** Live queries that ask it. */
  askers = 0;
  /** How often it was run. */
  runs = 0;

  /** Runs `query` in `slots`. */
  constructor(query: SqlQuery, slots: RunSlots, ports: RunPorts) {
    this.#query = query;
    this.#slots = slots;
    this.#ports = ports;
  }

  /** What it answers at `least` or later, without the rows if their hash is `known`. @throws {HiqliteError} as queries do. */
  async ask(known: string, least: LogIndex): Promise<LiveAnswer> {
    for (;;) {
      const run = this.#run;
      if (run === null) return await this.#start(known);
      const { begun } = run.turn;
      const fresh = begun === null || begun >= least;
      if (fresh && run.known === known) return await run.found;
      // Whoever waits for it hears of its error.
      await run.found.catch(() => {});
    }
  }

  async #start(known: string): Promise<LiveAnswer> {
    const turn: Run["turn"] = { begun: null };
    const found = this.#slots.run(() => {
      turn.begun = this.#ports.applied();
      this.runs++;
      return this.#observe(known);
    });
    this.#run = { known, turn, found };
    try {
      return await found;
    } finally {
      this.#run = null;
    }
  }

  async #observe(known: string): Promise<LiveAnswer> {
    const observation = await this.#ports.observe(this.#query, known);
    const { index, hash, result } = observation;
    const place = { history: this.#ports.history(), index };
    const event: LiveEvent = result === null
      ? { kind: "same", place, hash }
      : { kind: "rows", place, hash, result };
    return { observation, event };
  }
}
