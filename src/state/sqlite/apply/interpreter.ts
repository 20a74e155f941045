import { createHash } from "node:crypto";
import { HiqliteError } from "../../../errors.ts";
import { assert } from "../../../util/assert.ts";
import type { LogIndex } from "../../../raft/types.ts";
import type {
  CommandBody,
  CommandFailure,
  CommandResult,
  Migration,
  SqlValue,
  Statement,
  StatementReference,
  StatementResult,
  WriteNotice,
} from "../../sql/types.ts";
import { eventDataOf } from "../../sql/event_data.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteError,
} from "../driver/driver.ts";
import type { Notice } from "../../topics/notice.ts";
import type { EntryContext } from "./entry_context.ts";
import { AnswerBudget } from "./answer_budget.ts";
import { EntryUndone } from "./entry_undone.ts";
import { Executor } from "./executor.ts";
import {
  failureOf,
  isMachineError,
  looksFull,
  USED_UP,
} from "../driver/result_codes.ts";
import { hasRoom } from "../driver/room.ts";
import type { TableSets } from "./table_sets.ts";
import type { SchemaTraits } from "./schema_traits.ts";
import type { Policy } from "../statement/policy.ts";
import { refuseReference } from "../statement/bindings.ts";
import { splitStatements } from "../statement/text.ts";

/** The table of the migrations that were applied; users may read it. */
const MIGRATIONS = "_hql_migrations";

/** Which entry runs, and how an earlier attempt at it ended. */
export interface Circumstances {
  readonly index: LogIndex;
  readonly timeMs: number;
  /** The number of the event published last before it. */
  readonly lastEvent: number;
  readonly undone: EntryUndone | null;
}

/** Carries out what commands ask of the database, inside the open transaction. */
export class Interpreter {
  readonly #connection: SqliteConnection;
  readonly #context: EntryContext;
  readonly #executor: Executor;
  /** How often the schema has changed. */
  schemaChanges = 0;

  /** See `Executor`. */
  constructor(
    connection: SqliteConnection,
    context: EntryContext,
    statementCacheCapacity: number,
    tables: TableSets,
  ) {
    this.#connection = connection;
    this.#context = context;
    this.#executor = new Executor(
      connection,
      context,
      statementCacheCapacity,
      tables,
    );
  }

  /** The schema as it is now. */
  get schema(): SchemaTraits {
    return this.#executor.schema;
  }

  /** Whether the entry that just ran made its transaction check foreign keys at its end. */
  get defersForeignKeys(): boolean {
    const { deferredForeignKeys, schemaChanged, schema } = this.#executor;
    return deferredForeignKeys || (schemaChanged && schema.defersForeignKeys);
  }

  /** What the entry changed; see `changeOf`. */
  get change(): number {
    return this.#executor.change;
  }

  /** What users' statements may do. */
  get policy(): Policy {
    return this.#executor.policy;
  }

  /** Starts an entry. */
  begin(): void {
    this.#executor.begin(false);
  }

  /** Forgets what depends on the schema, whose tables have other numbers now. */
  forgetSchema(): void {
    this.schemaChanges++;
    this.#executor.forgetSchema();
  }

  /** The transaction was rolled back. */
  rolledBack(): void {
    this.schemaChanges++;
    this.#executor.rolledBack();
  }

  /** The transaction is committed. */
  committed(): void {
    this.#executor.virtualWrites.committed();
  }

  /**
   * Runs a command.
   * @throws {EntryUndone} if the transaction cannot go on.
   */
  run(body: CommandBody, circumstances: Circumstances): CommandResult {
    const result = this.#run(body, circumstances);
    if (this.#executor.schemaChanged) this.schemaChanges++;
    return result;
  }

  #run(
    body: CommandBody,
    { index, timeMs, lastEvent, undone }: Circumstances,
  ): CommandResult {
    this.#executor.begin(body.kind !== "execute");
    if (body.kind === "batch") return this.#runBatch(body.sql, undone);
    if (undone !== null) {
      return { ok: false, error: undone.failure, results: [] };
    }
    const { notify = [] } = body as { notify?: readonly WriteNotice[] };
    switch (body.kind) {
      case "execute":
        return this.#runSingle(body.statement, new AnswerBudget(), notify);
      case "notify":
        return this.#publish(body.notices, lastEvent);
      case "txn":
        return this.#atomically(true, (results, at) => {
          const budget = new AnswerBudget();
          for (const statement of body.statements) {
            at.statement = results.length;
            results.push(this.#runInTxn(statement, results, budget));
          }
          delete at.statement;
          this.#notify(notify, results);
        });
      case "migrate":
        return this.#atomically(true, (results) => {
          for (const migration of this.#pending(body.migrations)) {
            results.push(this.#migrate(migration, index, timeMs));
          }
        });
    }
  }

  #runSingle(
    statement: Statement,
    budget: AnswerBudget,
    notify: readonly WriteNotice[] = [],
  ): CommandResult {
    let compiled;
    try {
      compiled = this.#executor.compile(statement.sql);
    } catch (error) {
      return { ok: false, error: this.#failure(error), results: [] };
    }
    const savepoint = this.#executor.needsSavepoint(compiled);
    return this.#atomically(savepoint, (results) => {
      results.push(
        this.#executor.run(compiled, statement.params, refuseReference, budget),
      );
      this.#notify(notify, results);
    });
  }

  /** Its result is that of an insert into a table of events. */
  #publish(notices: readonly Notice[], lastEvent: number): CommandResult {
    try {
      this.#notify(notices, []);
    } catch (error) {
      this.#context.notices.undo(0);
      return { ok: false, error: this.#failure(error), results: [] };
    }
    const rowsAffected = notices.length;
    const lastInsertRowid = lastEvent + rowsAffected;
    const nothing = { columns: [], rows: [] };
    return {
      ok: true,
      results: [{ rowsAffected, lastInsertRowid, ...nothing }],
    };
  }

  /** Publishes what a write with these results asks for. */
  #notify(
    notices: readonly WriteNotice[],
    results: readonly StatementResult[],
  ): void {
    for (const { topic, data } of notices) {
      this.#context.notices.add({
        topic,
        data: "$ref" in data ? eventDataOf(referred(data.$ref, results)) : data,
      });
    }
  }

  #runInTxn(
    { sql, params }: Statement,
    earlier: readonly StatementResult[],
    budget: AnswerBudget,
  ): StatementResult {
    const compiled = this.#executor.compile(sql);
    return this.#executor.run(
      compiled,
      params,
      ({ $ref }) => referred($ref, earlier),
      budget,
    );
  }

  #runBatch(sql: string, undone: EntryUndone | null): CommandResult {
    const results: StatementResult[] = [];
    const budget = new AnswerBudget();
    for (const statement of splitStatements(sql)) {
      const at = results.length;
      if (undone !== null && at === undone.keep) {
        return { ok: false, error: undone.failure, results };
      }
      try {
        const result = this.#runSingle({ sql: statement }, budget);
        if (!result.ok) {
          return {
            ok: false,
            error: { ...result.error, statement: at },
            results,
          };
        }
        results.push(...result.results);
      } catch (error) {
        if (!(error instanceof EntryUndone)) throw error;
        const failure = { ...error.failure, statement: at };
        throw new EntryUndone(failure, at, error.usedUp);
      }
    }
    if (undone !== null) return { ok: false, error: undone.failure, results };
    return { ok: true, results };
  }

  /** All of `work` or nothing. Without a savepoint it is one statement, which SQLite undoes when it fails. */
  #atomically(
    savepoint: boolean,
    work: (results: StatementResult[], at: { statement?: number }) => void,
  ): CommandResult {
    if (savepoint) this.#connection.command("SAVEPOINT _hql");
    this.#executor.virtualWrites.begin();
    const results: StatementResult[] = [];
    const at: { statement?: number } = {};
    const changedBefore = this.#executor.change;
    const published = this.#context.notices.length;
    try {
      work(results, at);
      this.#executor.virtualWrites.settle();
    } catch (error) {
      const failure = { ...this.#failure(error, at), ...at };
      this.#executor.change = changedBefore;
      this.#context.notices.undo(published);
      if (!this.#connection.inTransaction) {
        throw new EntryUndone(failure, 0);
      }
      if (savepoint) {
        this.#connection.command("ROLLBACK TO _hql");
        this.#connection.command("RELEASE _hql");
        if (this.#executor.schemaChanged) this.schemaChanges++;
        this.#executor.undone();
      } else if (this.#executor.completed) {
        throw new EntryUndone(failure, 0);
      }
      return { ok: false, error: failure, results: [] };
    }
    if (savepoint) this.#connection.command("RELEASE _hql");
    return { ok: true, results };
  }

  /**
   * What an error answers; rethrows what is no answer. What looks like a full disk has its entry undone
   * and run again before it is one, since the disk may have been full a moment ago.
   */
  #failure(error: unknown, at: { statement?: number } = {}): CommandFailure {
    if (looksFull(error) && hasRoom(this.#connection)) {
      throw new EntryUndone({ ...USED_UP, ...at }, 0, true);
    }
    if (isMachineError(error)) throw error;
    return failureOf(error as HiqliteError | SqliteError, {
      refusal: this.#executor.policy.refusal,
      function: this.#context.failure,
    });
  }

  /** The migrations that are not applied yet, after a check of those that are. */
  #pending(migrations: readonly Migration[]): Migration[] {
    const history = this.#connection.prepare(
      "SELECT id, name, hash FROM main._hql_migrations ORDER BY id",
    )!.all(NO_BINDINGS);
    const pending: Migration[] = [];
    for (const migration of migrations) {
      const { id, name, sql } = migration;
      const known = history[id - 1];
      if (known === undefined) {
        const expected = history.length + pending.length + 1;
        if (id !== expected) {
          throw new HiqliteError(
            "conflict",
            `Migration ${id} (${name}) cannot be applied: the next one is ${expected}`,
          );
        }
        pending.push(migration);
      } else if (known[1] !== name || known[2] !== sha256(sql)) {
        throw new HiqliteError(
          "conflict",
          `Migration ${id} (${name}) was applied as "${known[1]}" with ${
            known[2] === sha256(sql) ? "the same" : "another"
          } text; applied migrations must not change`,
        );
      }
    }
    return pending;
  }

  #migrate(
    { id, name, sql }: Migration,
    index: LogIndex,
    timeMs: number,
  ): StatementResult {
    const budget = new AnswerBudget();
    let rowsAffected = 0;
    let at = 0;
    for (const statement of splitStatements(sql)) {
      try {
        const result = this.#runInTxn({ sql: statement }, [], budget);
        rowsAffected += result.rowsAffected;
      } catch (error) {
        const { code, message } = this.#failure(error);
        throw new HiqliteError(
          code,
          `Migration ${id} (${name}), statement ${at}: ${message}`,
        );
      }
      at++;
    }
    this.#connection.prepare(
      "INSERT INTO main._hql_migrations VALUES (?, ?, ?, ?, ?)",
    )!.run({
      anonymous: [BigInt(id), name, sha256(sql), BigInt(index), BigInt(timeMs)],
      named: null,
    });
    this.#executor.note([MIGRATIONS]);
    return { rowsAffected, lastInsertRowid: null, columns: [], rows: [] };
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function referred(
  { statement, column }: StatementReference,
  earlier: readonly StatementResult[],
): SqlValue {
  const result = earlier[statement];
  if (result === undefined) {
    throw new HiqliteError(
      "invalid",
      `Statement ${statement} is not before the one that refers to it`,
    );
  }
  const position = typeof column === "number"
    ? column
    : result.columns.indexOf(column);
  if (position < 0 || position >= result.columns.length) {
    throw new HiqliteError(
      "invalid",
      `Statement ${statement} returned no column ${column}`,
    );
  }
  const row = result.rows[0];
  if (row === undefined) {
    throw new HiqliteError("invalid", `Statement ${statement} returned no row`);
  }
  const value = row[position];
  assert(value !== undefined, "a row is shorter than its columns");
  return value;
}
