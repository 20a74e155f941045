import { type ReadonlySignal, signal } from "@preact/signals";
import { ApiError, call, newIdempotencyKey } from "../api.ts";
import { loadSchema } from "../state/schema.ts";
import {
  BODY_LATE,
  mayHaveWritten,
  refusedOne,
  writeError,
  wrote,
} from "../state/written.ts";
import { lightened } from "../statements/large_literals.ts";
import { isFrame } from "../statements/script_look.ts";
import { type NumberedStatement, statementsIn } from "./script_file.ts";

/** Statements and characters of one batch. */
const BATCH_STATEMENTS = 500;
const BATCH_LENGTH = 700_000;
/** Characters of a script that is run as one transaction. */
const WHOLE_LENGTH = 16 * 1024 * 1024;

/** How a file is run: up to the first statement that is refused, or as one transaction. */
export type ScriptMode = "each" | "whole";

/** How far it is. */
export interface ScriptState {
  readonly phase: "ready" | "running" | "stopped" | "done";
  /** Statements that were applied. */
  readonly statements: number;
  /** Rows that they changed. */
  readonly rows: number;
  /** Statements that somebody passed over. */
  readonly skipped: number;
  readonly failure: ScriptFailure | null;
}

/** Why it does not go on. */
export interface ScriptFailure {
  /** Null: it is no single one's fault. */
  readonly statement: NumberedStatement | null;
  readonly error: unknown;
}

/** Statements that are sent together, and the key under which they are applied once. */
interface Batch {
  readonly statements: readonly NumberedStatement[];
  readonly key: string;
}

const READY: ScriptState = {
  phase: "ready",
  statements: 0,
  rows: 0,
  skipped: 0,
  failure: null,
};

/** Names the statement that was refused, as far as one is named. */
class Refusal extends Error {
  readonly failure: ScriptFailure;

  constructor(statement: NumberedStatement | null, error: unknown) {
    super("refused");
    this.failure = { statement, error };
  }
}

/**
 * Runs the statements of a file in their order. Each batch is a transaction; where one statement of it is refused, those
 * before it are applied, as if each had been sent alone.
 */
export class ScriptRun {
  readonly #file: File;
  /** What the audit trail knows all of it by. */
  readonly #id = newIdempotencyKey();
  readonly #mode: ScriptMode;
  readonly #state = signal<ScriptState>(READY);
  /** The number of the last statement that needs nothing more. */
  #past = 0;
  /** Nobody knows whether it was applied: it goes first when this goes on. */
  #unsure: Batch | null = null;
  #abort = new AbortController();

  /** Runs nothing yet. */
  constructor(file: File, mode: ScriptMode) {
    this.#file = file;
    this.#mode = mode;
  }

  /** How far it is. */
  get state(): ReadonlySignal<ScriptState> {
    return this.#state;
  }

  /** Begins, or goes on where it stopped. Resolves when it has ended or stopped. */
  async start(): Promise<void> {
    this.#abort = new AbortController();
    this.#set({ phase: "running", failure: null });
    try {
      if (this.#unsure !== null) await this.#apply(this.#unsure);
      await (this.#mode === "whole" ? this.#runWhole() : this.#runEach());
      this.#set({ phase: "done" });
    } catch (error) {
      const failure = error instanceof Refusal
        ? error.failure
        : { statement: null, error };
      this.#set({
        phase: "stopped",
        failure: this.#abort.signal.aborted ? null : failure,
      });
    }
    void loadSchema();
  }

  /** Stops behind the batch that is on its way: nobody would know what became of it. */
  stop(): void {
    this.#abort.abort();
  }

  /** Goes on behind the statement that was refused. */
  async skip(): Promise<void> {
    const { failure, skipped } = this.#state.value;
    if ((failure?.statement ?? null) === null) return;
    this.#past = failure!.statement!.number;
    this.#set({ skipped: skipped + 1 });
    await this.start();
  }

  async #runEach(): Promise<void> {
    let batch: NumberedStatement[] = [];
    let length = 0;
    const flush = async (): Promise<void> => {
      if (batch.length > 0) await this.#applyAll(batch);
      batch = [];
      length = 0;
    };
    for await (const statement of statementsIn(this.#file)) {
      if (statement.number <= this.#past || isFrame(statement.sql)) continue;
      batch.push(statement);
      length += statement.sql.length;
      const full = batch.length === BATCH_STATEMENTS || length > BATCH_LENGTH;
      if (!full) continue;
      await flush();
      this.#abort.signal.throwIfAborted();
    }
    await flush();
  }

  async #runWhole(): Promise<void> {
    if (this.#past > 0) return;
    const statements: NumberedStatement[] = [];
    let length = 0;
    for await (const statement of statementsIn(this.#file)) {
      if (!isFrame(statement.sql)) statements.push(statement);
      length += statement.sql.length;
      if (length <= WHOLE_LENGTH) continue;
      throw new ApiError(
        "too_large",
        `One transaction takes up to ${WHOLE_LENGTH} characters, and this file has more: run it statement by statement`,
        0,
      );
    }
    if (statements.length > 0) await this.#applyAll(statements);
  }

  #applyAll(statements: readonly NumberedStatement[]): Promise<void> {
    return this.#apply({ statements, key: newIdempotencyKey() });
  }

  /** @throws {Refusal} What came before the statement is applied then, unless all of it is one transaction. */
  async #apply(batch: Batch): Promise<void> {
    const { statements } = batch;
    try {
      return await this.#send(batch);
    } catch (error) {
      if (mayHaveWritten(error)) throw new Refusal(null, error);
      const at = refusedOne(error);
      const refused = at === null ? null : statements[at] ?? null;
      if (this.#mode === "whole") throw new Refusal(refused, error);
      if (refused !== null) {
        if (at! > 0) await this.#applyAll(statements.slice(0, at!));
        throw new Refusal(refused, error);
      }
      if (!isOfStatements(error)) throw new Refusal(null, error);
      if (statements.length === 1) throw new Refusal(statements[0]!, error);
      const half = statements.length >> 1;
      await this.#applyAll(statements.slice(0, half));
      await this.#applyAll(statements.slice(half));
    }
  }

  async #send(batch: Batch): Promise<void> {
    const isAgain = this.#unsure === batch;
    this.#unsure = batch;
    const { results, index } = await call("write", {
      query: { run: this.#id, file: this.#file.name },
      body: {
        statements: batch.statements.map(({ sql }) => lightened(sql)),
      },
      idempotencyKey: batch.key,
    }).catch((error) => {
      const told = writeError(error, isAgain);
      if (!mayHaveWritten(told)) this.#unsure = null;
      throw told;
    });
    this.#unsure = null;
    wrote(index);
    this.#past = batch.statements.at(-1)!.number;
    const { statements, rows } = this.#state.value;
    this.#set({
      statements: statements + batch.statements.length,
      rows: rows + results.reduce((sum, each) => sum + each.rows_affected, 0),
    });
  }

  #set(change: Partial<ScriptState>): void {
    this.#state.value = { ...this.#state.value, ...change };
  }
}

/** With these a batch is refused for what is in it, also where no statement is named: half of it may be little enough, or well. */
const OF_STATEMENTS: ReadonlySet<string> = new Set([
  "timeout",
  "too_large",
  "invalid",
  "constraint",
  "sql",
]);

function isOfStatements(error: unknown): boolean {
  return error instanceof ApiError && OF_STATEMENTS.has(error.code) &&
    error.status !== BODY_LATE;
}
