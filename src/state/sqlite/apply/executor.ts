import { HiqliteError } from "../../../errors.ts";
import { narrowRow } from "../../sql/values.ts";
import {
  COMMAND_LIMITS,
  type SqlParameters,
  type SqlValue,
  type StatementResult,
} from "../../sql/types.ts";
import { bind, type Resolve } from "../statement/bindings.ts";
import type { AnswerBudget } from "./answer_budget.ts";
import { EntryCounters } from "./counters.ts";
import {
  type Bindings,
  type RunResult,
  SQL_VALUE_BYTES_MAX,
  type SqliteConnection,
  type SqliteRow,
} from "../driver/driver.ts";
import { changeOf, SCHEMA_CHANGED, tablesOf } from "./entry_events.ts";
import type { EntryContext } from "./entry_context.ts";
import { explained, shadowsWritten } from "./rowid_guards.ts";
import { Policy } from "../statement/policy.ts";
import { datesDependedOn, type SchemaTraits } from "./schema_traits.ts";
import { refuseShadows } from "./shadow_tables.ts";
import type { TableSets } from "./table_sets.ts";
import { tablesTouched, tablesWritten } from "./touched_tables.ts";
import { refuseNotify } from "../topics/notify_function.ts";
import { refuseVirtualTable } from "./virtual_tables.ts";
import { VirtualWrites } from "./virtual_writes.ts";
import { WriterSchema } from "./writer_schema.ts";
import { openVirtualTables } from "../statement/open_virtual_tables.ts";
import { type Compiled, StatementCache } from "../statement/cache.ts";

/** Runs one statement of an entry after another on the writing connection. */
export class Executor {
  readonly #connection: SqliteConnection;
  readonly #context: EntryContext;
  readonly #cache: StatementCache;
  readonly #counters: EntryCounters;
  readonly #schema: WriterSchema;
  /** What the open transaction wrote to virtual tables. */
  readonly virtualWrites: VirtualWrites;
  /** What the writer allows. */
  readonly policy: Policy = new Policy({ readOnly: false });
  /** The statement run last has done its work, so that an error after it does not undo it. */
  completed = false;
  /** A statement of the entry changed the schema. */
  schemaChanged = false;
  /** A statement of the entry deferred its foreign keys. */
  deferredForeignKeys = false;
  /** What the entry changed so far; see `changeOf`. */
  change = 0;
  readonly #tables: TableSets;

  /** Prepares `connection`, which must allow everything so far. */
  constructor(
    connection: SqliteConnection,
    context: EntryContext,
    statementCacheCapacity: number,
    tables: TableSets,
  ) {
    this.#tables = tables;
    this.#connection = connection;
    this.#context = context;
    connection.limit(SQL_VALUE_BYTES_MAX, COMMAND_LIMITS.sqlBytes);
    this.#counters = new EntryCounters(connection);
    this.virtualWrites = new VirtualWrites(connection, this.#counters);
    this.#schema = new WriterSchema(connection, context, this.policy);
    connection.authorize(this.policy.authorize);
    connection.defend(false); // See `compile`.
    this.#cache = new StatementCache(
      connection,
      this.policy,
      statementCacheCapacity,
      refuseKeyword,
      (keyword, sql, { reads }) =>
        refuseNotify(keyword, sql) ?? refuseVirtualTable(keyword, sql) ??
          refuseShadows(this.schema, keyword, sql, reads),
    );
  }

  /** The schema as it is now, within the open transaction. */
  get schema(): SchemaTraits {
    return this.#schema.traits;
  }

  /** Forgets what depends on the schema, after its change was undone. */
  forgetSchema(): void {
    this.#schema.forget();
    this.#cache.clear();
  }

  /** The transaction was rolled back. */
  rolledBack(): void {
    this.virtualWrites.rolledBack();
    this.forgetSchema();
  }

  /** The statements since the last {@linkcode VirtualWrites.begin} were undone. */
  undone(): void {
    const reopened = this.virtualWrites.undone();
    if (this.schemaChanged) this.forgetSchema();
    else if (this.#schema.undone() || reopened) this.#cache.clear();
  }

  /** Starts an entry, of one statement or of `several`: its counters are its own. */
  begin(several: boolean): void {
    void this.schema; // What it sets up must not be undone with a statement.
    this.#counters.begin(several);
    this.change = 0;
    this.schemaChanged = false;
    this.deferredForeignKeys = false;
  }

  /**
   * Compiles a statement; see `StatementCache.get` for errors. Only meanwhile the connection is defended
   * against what writes to the tables of virtual tables.
   */
  compile(sql: string): Compiled {
    this.completed = false;
    this.#context.failure = null;
    this.#context.strict = false;
    void this.schema;
    const before = this.policy.observed;
    try {
      const compiled = this.#compileDefended(sql);
      // What is kept was guarded when it was compiled.
      if (this.policy.observed === before || !this.#schema.guard(compiled)) {
        return compiled;
      }
      this.#cache.clear();
      return this.#compileDefended(sql);
    } finally {
      // SQLite defers them when it compiles that, whatever becomes of the statement.
      const { observed } = this.policy;
      if (observed !== before && observed.defersForeignKeys) {
        this.deferredForeignKeys = true;
      }
    }
  }

  #compileDefended(sql: string): Compiled {
    if (this.#cache.has(sql)) return this.#cache.get(sql);
    // A defended connection would drop the guards of virtual tables when it reads its schema again.
    this.#connection.command(
      "SELECT 1 FROM main.sqlite_schema, temp.sqlite_schema LIMIT 0",
    );
    openVirtualTables(this.#connection, this.#schema.virtualTables);
    this.#connection.defend(true);
    try {
      return this.#cache.get(sql);
    } finally {
      this.#connection.defend(false);
    }
  }

  /** Whether a failure of the statement could leave something behind, so that a savepoint pays. */
  needsSavepoint(compiled: Compiled): boolean {
    const { statement, observed, mentions } = compiled;
    return statement.columns.length > 0 || observed.schema ||
      this.#touchesVirtual(compiled) ||
      this.schema.mayFailPartly || mentions.fail;
  }

  #touchesVirtual(compiled: Compiled): boolean {
    compiled.shadows ??= shadowsWritten(compiled.observed, this.schema);
    return compiled.shadows.length > 0;
  }

  /**
   * Runs a compiled statement.
   * @throws {HiqliteError} `invalid`, `too_large`, `constraint`, or {@linkcode SqliteError}, when it failed, or must be undone though it did not fail.
   */
  run(
    compiled: Compiled,
    params: SqlParameters | undefined,
    resolve: Resolve,
    budget: AnswerBudget,
  ): StatementResult {
    this.completed = false;
    const bindings = bind(compiled.slots, params, resolve);
    this.virtualWrites.before(compiled, this.schema);
    this.#counters.prepare(compiled, this.schema);
    try {
      return this.#run(compiled, bindings, budget);
    } catch (error) {
      throw explained(error);
    }
  }

  #run(
    compiled: Compiled,
    bindings: Bindings,
    budget: AnswerBudget,
  ): StatementResult {
    const { statement, observed } = compiled;
    if (observed.schema) return this.#changeSchema(compiled, bindings);
    if (!observed.data) {
      return {
        rowsAffected: 0,
        lastInsertRowid: null,
        ...this.#read(compiled, bindings, budget),
      };
    }
    if (this.#touchesVirtual(compiled)) this.virtualWrites.note();
    const result = statement.columns.length > 0
      ? this.#runReturning(compiled, bindings, budget)
      : this.#runPlain(compiled, bindings);
    this.#schema.check(compiled, result.lastInsertRowid);
    if (result.rowsAffected > 0 || observed.indirect) this.#wrote(compiled);
    return result;
  }

  #wrote(compiled: Compiled): void {
    compiled.tables ??= this.#tables.numberOf(
      tablesWritten(compiled, this.schema),
    );
    this.#note(compiled.tables);
  }

  /** Tables were changed otherwise than by a statement that writes rows. */
  note(tables: readonly string[]): void {
    this.#note(this.#tables.numberOf(tables));
  }

  #note(set: number): void {
    const { change } = this;
    const tables = this.#tables.union(tablesOf(change), set);
    this.change = changeOf(tables, (change & SCHEMA_CHANGED) !== 0);
  }

  #changeSchema(compiled: Compiled, bindings: Bindings): StatementResult {
    this.schemaChanged = true;
    const { source } = compiled.statement;
    this.#context.pureFunctions = new Set(datesDependedOn(source));
    try {
      // ALTER TABLE shows columns of what SQLite asks for it, and never a row. It runs once: a second time it would find its own work.
      if (compiled.statement.columns.length === 0) {
        this.#step(compiled, bindings);
      } else this.#allRows(compiled, bindings);
    } finally {
      this.#context.pureFunctions = new Set();
    }
    this.#cache.clear();
    this.note(tablesTouched(
      compiled,
      () => this.schema,
      () => this.#schema.follow(compiled),
    ));
    this.change |= SCHEMA_CHANGED;
    return { rowsAffected: 0, lastInsertRowid: null, columns: [], rows: [] };
  }

  #runPlain(compiled: Compiled, bindings: Bindings): StatementResult {
    const { changes, lastInsertRowid } = this.#step(compiled, bindings);
    this.completed = true;
    return {
      rowsAffected: changes,
      lastInsertRowid: this.#counters.inserted(
        compiled,
        changes,
        lastInsertRowid,
      ),
      columns: [],
      rows: [],
    };
  }

  #runReturning(
    compiled: Compiled,
    bindings: Bindings,
    budget: AnswerBudget,
  ): StatementResult {
    const table = this.#read(compiled, bindings, budget);
    const [changes, rowid] = this.#counters.latest;
    return {
      rowsAffected: changes,
      lastInsertRowid: this.#counters.inserted(compiled, changes, rowid),
      ...table,
    };
  }

  /**
   * Rows one by one, so that the budget bounds memory, and then again all at once, since only that tells of an error:
   * always for what only reads, and for what returned nothing and was undone. A statement with another effect never comes here.
   */
  #read(
    compiled: Compiled,
    bindings: Bindings,
    budget: AnswerBudget,
  ): { columns: readonly string[]; rows: SqlValue[][] } {
    const { statement, observed } = compiled;
    const { columns } = statement;
    if (columns.length === 0) {
      this.#step(compiled, bindings);
      return { columns, rows: [] };
    }
    if (this.#connection.capabilities.rowErrors) {
      return { columns, rows: this.#rowsOf(compiled, bindings, budget) };
    }
    const marked = this.#context.mark();
    if (!observed.data) {
      this.#rowsOf(compiled, bindings, budget);
      return { columns, rows: this.#readAgain(compiled, bindings, marked) };
    }
    const counters = this.#counters.hold(compiled, this.schema);
    this.#connection.command("SAVEPOINT _hql_read");
    try {
      const rows = this.#rowsOf(compiled, bindings, budget);
      // The work of RETURNING is done before its first row.
      if (rows.length > 0) return { columns, rows };
      if (!this.#connection.inTransaction) throw rolledBack();
      this.#connection.command("ROLLBACK TO _hql_read");
      if (this.virtualWrites.unsettledUndone()) this.virtualWrites.note();
      this.#counters.putBack(counters);
      return { columns, rows: this.#readAgain(compiled, bindings, marked) };
    } finally {
      if (this.#connection.inTransaction) {
        const release = () => this.#connection.command("RELEASE _hql_read");
        this.virtualWrites.quietly(release);
      }
    }
  }

  /** Row by row, so that the budget bounds memory; but some drivers show an error as the end of the rows. */
  #rowsOf(
    { statement, keyword, observed }: Compiled,
    bindings: Bindings,
    budget: AnswerBudget,
  ): SqlValue[][] {
    const rows: SqlValue[][] = [];
    this.policy.enter(keyword, observed, this.#schema.storage);
    try {
      const spend = (value: SqlValue): void => budget.spend(value);
      for (const row of statement.rows(bindings, spend)) {
        this.completed = true;
        budget.row();
        rows.push(narrowRow(row));
      }
    } finally {
      this.policy.leave();
    }
    return rows;
  }

  /** Runs it for its effect, with the policy on for what virtual tables compile meanwhile. */
  #step(
    { statement, keyword, observed }: Compiled,
    bindings: Bindings,
  ): RunResult {
    this.policy.enter(keyword, observed, this.#schema.storage);
    try {
      return statement.run(bindings);
    } finally {
      this.policy.leave();
    }
  }

  /** The same rows at once, or the error that ended them; nothing of the first time may be left. */
  #readAgain(
    compiled: Compiled,
    bindings: Bindings,
    marked: ReturnType<EntryContext["mark"]>,
  ): SqlValue[][] {
    this.#context.rewind(marked);
    return this.#allRows(compiled, bindings).map(narrowRow);
  }

  #allRows(
    { statement, keyword, observed }: Compiled,
    bindings: Bindings,
  ): SqliteRow[] {
    this.policy.enter(keyword, observed, this.#schema.storage);
    try {
      return statement.allBigInt(bindings);
    } finally {
      this.policy.leave();
    }
  }
}

/** Why there are no rows is not known any more. */
function rolledBack(): HiqliteError {
  return new HiqliteError(
    "constraint",
    "The statement failed and ended the transaction (ROLLBACK)",
  );
}

function refuseKeyword(keyword: string): string | null {
  switch (keyword) {
    case "EXPLAIN":
      return "EXPLAIN is not allowed in a write; use query";
    case "VACUUM":
      return "VACUUM is not allowed: every member takes care of its own file";
    default:
      return null;
  }
}
