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
  type SqliteConnection,
  type SqliteStatement,
  VALUE_BYTES_MAX,
} from "../driver/driver.ts";
import { changeOf, SCHEMA_CHANGED, tablesOf } from "./entry_events.ts";
import type { EntryContext } from "./entry_context.ts";
import { RowidGuards } from "./rowid_guards.ts";
import { Policy } from "../statement/policy.ts";
import {
  datesDependedOn,
  readSchema,
  type SchemaTraits,
} from "./schema_traits.ts";
import { checkShadows, refuseShadows } from "./shadow_tables.ts";
import type { TableSets } from "./table_sets.ts";
import { foldName } from "../statement/text.ts";
import { type Compiled, StatementCache } from "../statement/cache.ts";

/** Runs one statement of an entry after another on the writing connection. */
export class Executor {
  readonly #connection: SqliteConnection;
  readonly #context: EntryContext;
  readonly #cache: StatementCache;
  readonly #counters: EntryCounters;
  readonly #guards: RowidGuards;
  #schema: SchemaTraits | null = null;
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
    connection.limit(VALUE_BYTES_MAX, COMMAND_LIMITS.sqlBytes);
    this.#counters = new EntryCounters(connection);
    this.#guards = new RowidGuards(connection);
    connection.authorize(this.policy.authorize);
    this.#cache = new StatementCache(
      connection,
      this.policy,
      statementCacheCapacity,
      refuseKeyword,
      (keyword, sql, { reads }) =>
        refuseShadows(this.schema, keyword, sql, reads),
    );
  }

  /** The schema as it is now, within the open transaction. */
  get schema(): SchemaTraits {
    if (this.#schema === null) {
      this.#schema = readSchema(this.#connection);
      this.#context.pureFunctions = this.#schema.pureFunctions;
      this.#guards.install(this.#schema);
    }
    return this.#schema;
  }

  /** Forgets what depends on the schema, after it changed or its change was undone. */
  forgetSchema(): void {
    this.#schema = null;
    this.#cache.clear();
    this.#guards.forget();
  }

  /** Starts an entry, of one statement or of `several`: its counters are its own. */
  begin(several: boolean): void {
    void this.schema; // What it sets up must not be undone with a statement.
    this.#counters.begin(several);
    this.change = 0;
    this.schemaChanged = false;
    this.deferredForeignKeys = false;
  }

  /** Compiles a statement; see `StatementCache.get` for errors. */
  compile(sql: string): Compiled {
    this.completed = false;
    this.#context.failure = null;
    const before = this.policy.observed;
    try {
      return this.#cache.get(sql);
    } finally {
      // SQLite defers them when it compiles that, whatever becomes of the statement.
      const { observed } = this.policy;
      if (observed !== before && observed.defersForeignKeys) {
        this.deferredForeignKeys = true;
      }
    }
  }

  /** Whether a failure of the statement could leave something behind, so that a savepoint pays. */
  needsSavepoint(compiled: Compiled): boolean {
    const { statement, observed, mentions } = compiled;
    return statement.columns.length > 0 || observed.schema ||
      this.schema.mayFailPartly || mentions.fail;
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
    const { statement, observed } = compiled;
    this.#counters.prepare(compiled, this.schema);
    if (observed.schema) return this.#changeSchema(compiled, bindings, budget);
    if (!observed.data) {
      return {
        rowsAffected: 0,
        lastInsertRowid: null,
        ...this.#read(compiled, bindings, budget),
      };
    }
    const result = statement.columns.length > 0
      ? this.#runReturning(compiled, bindings, budget)
      : this.#runPlain(compiled, bindings);
    this.#guards.check(compiled, this.schema, result);
    if (result.rowsAffected > 0 || observed.indirect) this.#wrote(compiled);
    return result;
  }

  #wrote(compiled: Compiled): void {
    compiled.tables ??= this.#tables.numberOf(this.#tablesIn(compiled));
    const { change } = this;
    const tables = this.#tables.union(tablesOf(change), compiled.tables);
    this.change = changeOf(tables, (change & SCHEMA_CHANGED) !== 0);
  }

  /** The users' tables among what compiling saw: no views, and nothing that a virtual table keeps its data in. */
  *#tablesIn({ observed }: Compiled): Generator<string> {
    for (const name of observed.writes) {
      const table = this.schema.tables.get(foldName(name));
      if (table !== undefined) yield table;
    }
  }

  #changeSchema(
    compiled: Compiled,
    bindings: Bindings,
    budget: AnswerBudget,
  ): StatementResult {
    this.schemaChanged = true;
    const depended = datesDependedOn(compiled.statement.source);
    if (depended.length > 0) {
      this.#context.pureFunctions = this.schema.pureFunctions
        .union(new Set(depended));
    }
    try {
      const table = this.#read(compiled, bindings, budget);
      this.forgetSchema();
      checkShadows(this.#connection, this.schema);
      this.#guards.requireNames(this.schema);
      this.change |= SCHEMA_CHANGED;
      return { rowsAffected: 0, lastInsertRowid: null, ...table };
    } finally {
      this.forgetSchema();
    }
  }

  #runPlain(compiled: Compiled, bindings: Bindings): StatementResult {
    const { changes, lastInsertRowid } = compiled.statement.run(bindings);
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
    const [changes, rowid] = this.#counters.read();
    return {
      rowsAffected: changes,
      lastInsertRowid: this.#counters.inserted(compiled, changes, rowid),
      ...table,
    };
  }

  #read(
    { statement, observed }: Compiled,
    bindings: Bindings,
    budget: AnswerBudget,
  ): { columns: readonly string[]; rows: SqlValue[][] } {
    const { columns } = statement;
    if (columns.length === 0) {
      statement.run(bindings);
      return { columns, rows: [] };
    }
    if (!observed.data) {
      const marked = this.#context.mark();
      this.#rowsOf(statement, bindings, budget);
      return { columns, rows: this.#readAgain(statement, bindings, marked) };
    }
    this.#connection.command("SAVEPOINT _hql_read");
    try {
      const marked = this.#context.mark();
      const rows = this.#rowsOf(statement, bindings, budget);
      // The work of RETURNING is done before its first row.
      if (rows.length > 0) return { columns, rows };
      if (!this.#connection.inTransaction) throw rolledBack();
      this.#connection.command("ROLLBACK TO _hql_read");
      return { columns, rows: this.#readAgain(statement, bindings, marked) };
    } finally {
      if (this.#connection.inTransaction) {
        this.#connection.command("RELEASE _hql_read");
      }
    }
  }

  /** Row by row, so that the budget bounds memory; but the driver shows an error as the end of the rows. */
  #rowsOf(
    statement: SqliteStatement,
    bindings: Bindings,
    budget: AnswerBudget,
  ): SqlValue[][] {
    const rows: SqlValue[][] = [];
    for (const row of statement.rows(bindings)) {
      this.completed = true;
      budget.spend(row);
      rows.push(narrowRow(row));
    }
    return rows;
  }

  /** The same rows at once, or the error that ended them; nothing of the first time may be left. */
  #readAgain(
    statement: SqliteStatement,
    bindings: Bindings,
    marked: ReturnType<EntryContext["mark"]>,
  ): SqlValue[][] {
    this.#context.rewind(marked);
    return statement.allBigInt(bindings).map(narrowRow);
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
