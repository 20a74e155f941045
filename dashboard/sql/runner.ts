import { type ReadonlySignal, signal } from "@preact/signals";
import type { JsonAnalyzed } from "../../src/api/dashboard/analysis.ts";
import type { JsonDashboardRows } from "../../src/api/dashboard/sql.ts";
import { ApiError, call, newIdempotencyKey } from "../api.ts";
import { loadSchema } from "../state/schema.ts";
import {
  mayHaveWritten,
  newestWrite,
  writeError,
  wrote,
} from "../state/written.ts";
import { statementsOf, type ToRun } from "../statements/at_cursor.ts";
import { type PlanStep, planTree } from "../statements/plan.ts";
import type { Past } from "./past.ts";

/** How reads are asked for. */
export interface ReadOptions {
  readonly consistency: "local" | "linearizable";
  /** Rows that are shown. */
  readonly limit: number;
}

/** Rows of an answer, of a query or of a write with RETURNING. */
export interface ShownResult extends Omit<JsonDashboardRows, "ms" | "node_id"> {
  readonly sql: string;
  readonly ms: number | null;
  readonly totalMs: number;
  readonly nodeId: number | null;
}

/** What a write would do, before anybody has allowed it. */
export interface Held {
  readonly run: ToRun;
  readonly statements: readonly JsonAnalyzed[];
}

/** A line of what happened. */
export interface Message {
  readonly id: number;
  readonly at: number;
  readonly text: string;
  readonly ok: boolean;
}

/** What is going on, and what came of it. */
export interface RunState {
  /** Since when something runs, by `performance.now()`; null: nothing does. */
  readonly since: number | null;
  /** A write is on its way: it is in the log and cannot be cancelled. */
  readonly writing: boolean;
  readonly result: ShownResult | null;
  readonly plan:
    | readonly { readonly sql: string; readonly steps: readonly PlanStep[] }[]
    | null;
  readonly error: unknown;
  /** Where in the editor's text the error is. */
  readonly errorAt: number | null;
  /** A write that waits for write mode, or for a name to be typed. */
  readonly held: Held | null;
  /** A write whose outcome is not known: the same attempt can be asked for again. */
  readonly unknown: Attempt | null;
}

interface Attempt {
  readonly run: ToRun;
  readonly key: string;
}

const IDLE: RunState = {
  since: null,
  writing: false,
  result: null,
  plan: null,
  error: null,
  errorAt: null,
  held: null,
  unknown: null,
};

const MESSAGES_MAX = 200;
let lastMessage = 0;

/** Runs statements: looks first at what they would do, then reads, or writes what was allowed. */
export class Runner {
  readonly #past: Past;
  readonly #state = signal<RunState>(IDLE);
  readonly #messages = signal<readonly Message[]>([]);
  #running: AbortController | null = null;

  /** Tells `past` of what was run. */
  constructor(past: Past) {
    this.#past = past;
  }

  /** What is going on. */
  get state(): ReadonlySignal<RunState> {
    return this.#state;
  }

  /** What happened since the page was loaded, the newest first. */
  get messages(): ReadonlySignal<readonly Message[]> {
    return this.#messages;
  }

  /** Runs it if it only reads; a write is held, until {@linkcode write} is called. */
  async run(run: ToRun, options: ReadOptions): Promise<void> {
    await this.#during(run, async (signal) => {
      const { statements } = await call("analyze", {
        body: { sql: run.sql },
        signal,
      });
      const refused = statements.find(({ kind }) => kind === "refused");
      if (refused !== undefined) return this.#refuse(run, refused);
      if (statements.some(({ kind }) => kind !== "read")) {
        this.#set({ held: { run, statements } });
        return;
      }
      for (const { sql } of statementsOf(run.sql)) {
        await this.#query(sql, options, signal);
      }
    });
  }

  /** Writes what was held: all statements, or none. With an attempt whose outcome is not known: the same once more. */
  async write(run: ToRun, again: Attempt | null = null): Promise<void> {
    const attempt = again ?? { run, key: newIdempotencyKey() };
    this.#set({ writing: true });
    await this.#during(run, async () => {
      const began = performance.now();
      const sqls = statementsOf(run.sql).map(({ sql }) => sql);
      const { results, index } = await call("write", {
        body: { statements: sqls.map((sql) => ({ sql })) },
        idempotencyKey: attempt.key,
      }).catch((error) => {
        throw writeError(error, again !== null);
      });
      wrote(index);
      void loadSchema();
      const rows = results.findLast((result) => result.columns !== undefined);
      const affected = results.reduce(
        (sum, each) => sum + each.rows_affected,
        0,
      );
      const totalMs = performance.now() - began;
      this.#set({
        result: rows === undefined ? null : {
          sql: sqls.at(-1)!,
          columns: rows.columns!,
          rows: rows.rows as ShownResult["rows"],
          more: false,
          index,
          ms: null,
          totalMs,
          nodeId: null,
        },
      });
      this.#tell(
        run.sql,
        `${affected} ${
          affected === 1 ? "row" : "rows"
        } written at index ${index}, ${totalMs.toFixed(0)} ms`,
        true,
      );
    }, attempt);
  }

  /** What the statements would do, as plans. Nothing runs. */
  async explain(run: ToRun): Promise<void> {
    await this.#during(run, async (signal) => {
      const { statements } = await call("analyze", {
        body: { sql: run.sql, plan: true },
        signal,
      });
      const refused = statements.find(({ kind }) => kind === "refused");
      if (refused !== undefined) return this.#refuse(run, refused);
      this.#set({
        plan: statements.map(({ start, end, plan }) => ({
          sql: run.sql.slice(start, end),
          steps: planTree(plan ?? []),
        })),
      });
    });
  }

  /** Ends a query: closing its request ends it on the server. */
  cancel(): void {
    this.#running?.abort();
  }

  /** What is held is not run. */
  letGo(): void {
    this.#set({ held: null });
  }

  async #query(
    sql: string,
    options: ReadOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const began = performance.now();
    const { ms, node_id: nodeId, ...rest } = await call("query", {
      body: { sql, ...options, min_index: newestWrite.value },
      signal,
    });
    const totalMs = performance.now() - began;
    this.#set({ result: { ...rest, sql, ms, totalMs, nodeId } });
    const words = `${rest.more ? "the first " : ""}${rest.rows.length} ${
      rest.rows.length === 1 ? "row" : "rows"
    }`;
    this.#tell(sql, `${words}, ${ms.toFixed(0)} ms`, true);
  }

  #refuse(run: ToRun, { message, offset, start }: JsonAnalyzed): void {
    const text = message ?? "The statement is not allowed";
    this.#set({
      error: new ApiError("sql", text, 400),
      errorAt: run.start + (offset ?? start),
    });
    this.#tell(run.sql, text, false);
  }

  /** One at a time: what ran before is ended. */
  async #during(
    run: ToRun,
    work: (signal: AbortSignal) => Promise<void>,
    attempt: Attempt | null = null,
  ): Promise<void> {
    this.cancel();
    const own = new AbortController();
    this.#running = own;
    this.#set({
      since: performance.now(),
      error: null,
      errorAt: null,
      held: null,
      unknown: null,
    });
    try {
      await work(own.signal);
    } catch (error) {
      if (own.signal.aborted) this.#tell(run.sql, "Cancelled", false);
      else {
        this.#set({ error, unknown: mayHaveWritten(error) ? attempt : null });
        this.#tell(
          run.sql,
          error instanceof Error ? error.message : `${error}`,
          false,
        );
      }
    } finally {
      if (this.#running === own) {
        this.#running = null;
        this.#set({ since: null, writing: false });
      }
    }
  }

  #tell(sql: string, ended: string, ok: boolean): void {
    const at = Date.now();
    const line = sql.replaceAll(/\s+/g, " ").trim().slice(0, 120);
    this.#messages.value = [
      { id: ++lastMessage, at, text: `${ended}: ${line}`, ok },
      ...this.#messages.value,
    ].slice(0, MESSAGES_MAX);
    this.#past.add({ sql, at, ended, ok });
  }

  #set(change: Partial<RunState>): void {
    this.#state.value = { ...this.#state.value, ...change };
  }
}
