import { type ReadonlySignal, signal } from "@preact/signals";
import { keep, readKept } from "./kept.ts";

/** A statement that was run. */
export interface PastRun {
  readonly sql: string;
  /** ms since 1970, by the browser's clock. */
  readonly at: number;
  /** How it ended, in words. */
  readonly ended: string;
  readonly ok: boolean;
}

/** Runs that are kept, and characters of one. */
const RUNS_MAX = 500;
const SQL_MAX = 10_000;

/** What was run on this device, the newest first. */
export class Past {
  readonly #cluster: string;
  readonly #runs;

  /** That of a cluster. */
  constructor(cluster: string) {
    this.#cluster = cluster;
    const kept = readKept(cluster, "history");
    this.#runs = signal<readonly PastRun[]>(
      (Array.isArray(kept) ? kept : []).filter((run): run is PastRun =>
        typeof run?.sql === "string" && typeof run.at === "number" &&
        typeof run.ended === "string"
      ),
    );
  }

  /** All of it now. */
  get runs(): ReadonlySignal<readonly PastRun[]> {
    return this.#runs;
  }

  /** A statement was run. */
  add(run: PastRun): void {
    this.#runs.value = [
      { ...run, sql: run.sql.slice(0, SQL_MAX) },
      ...this.#runs.value,
    ].slice(0, RUNS_MAX);
    keep(this.#cluster, "history", this.#runs.value);
  }

  /** Forgets all of it. */
  clear(): void {
    this.#runs.value = [];
    keep(this.#cluster, "history", []);
  }
}
