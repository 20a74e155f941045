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
import { VALUE_BYTES_MAX } from "./determinism.ts";
import type {
  Bindings,
  RunResult,
  SqliteConnection,
} from "../driver/driver.ts";
import { changeOf, SCHEMA_CHANGED, tablesOf } from "./entry_events.ts";
import type { EntryContext } from "./entry_context.ts";
import { explained, RowidGuards, shadowsWritten } from "./rowid_guards.ts";
import { Policy } from "../statement/policy.ts";
import {
  datesDependedOn,
  readSchema,
  type SchemaTraits,
} from "./schema_traits.ts";
import { checkShadows, refuseShadows } from "./shadow_tables.ts";
import type { TableSets } from "./table_sets.ts";
import {
  checkContents,
  refuseVirtualTable,
  storageOf,
} from "./virtual_tables.ts";
import { foldName } from "../statement/text.ts";
import { openVirtualTables } from "../statement/open_virtual_tables.ts";
import { type Compiled, StatementCache } from "../statement/cache.ts";

/** Runs one statement of an entry after another on the writing connection. */
export class Executor {
  readonly #connection: SqliteConnection;
  readonly #context: EntryContext;
  readonly #cache: StatementCache;
  readonly #counters: EntryCounters;
  readonly #guards: RowidGuards;
  #schema: SchemaTraits | null = null;
  /** The names of virtual tables. */
  #virtual: readonly string[] = [];
  /** See `storageOf`. */
  #storage: ReadonlySet<string> | null = null;
  /** A statement wrote to a virtual table, which may not have all of it in the database yet. */
  #unsettled = false;
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
    this.#guards = new RowidGuards(connection, context);
    connection.authorize(this.policy.authorize);
    connection.defend(false); // See `compile`.
    this.#cache = new StatementCache(
      connection,
      this.policy,
      statementCacheCapacity,
      refuseKeyword,
      (keyword, sql, { reads }) =>
        refuseVirtualTable(keyword, sql) ??
          refuseShadows(this.schema, keyword, sql, reads),
    );
  }

  /** The schema as it is now, within the open transaction. */
  get schema(): SchemaTraits {
    if (this.#schema === null) {
      this.#schema = readSchema(this.#connection);
      this.#storage = storageOf(this.#schema);
      this.#virtual = [...this.#schema.rowidTables.values()]
        .filter(({ virtual }) => virtual).map(({ name }) => name);
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

  /**
   * Compiles a statement; see `StatementCache.get` for errors. Only meanwhile the connection is defended
   * against what writes to the tables of virtual tables.
   */
  compile(sql: string): Compiled {
    this.completed = false;
    this.#context.failure = null;
    this.#context.strict = false;
    void this.schema; // Guards that are made later would have SQLite compile the statement again.
    const before = this.policy.observed;
    const known = this.#cache.has(sql);
    if (!known) {
      // This reads the schema, if need be: a defended connection would drop the guards of virtual tables then.
      openVirtualTables(this.#connection, this.#virtual);
      this.#connection.defend(true);
    }
    try {
      return this.#cache.get(sql);
    } finally {
      if (!known) this.#connection.defend(false);
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
      this.#touchesVirtual(compiled) ||
      this.schema.mayFailPartly || mentions.fail;
  }

  #touchesVirtual(compiled: Compiled): boolean {
    compiled.shadows ??= shadowsWritten(compiled.observed, this.schema);
    return compiled.shadows.length > 0;
  }

  /**
   * Makes full-text search write what it holds back, so that when it does depends on the entries and not on
   * the batch: its writes change `changes()`, and the shape of its index.
   */
  settle(): void {
    if (!this.#unsettled) return;
    this.#unsettled = false;
    this.#connection.command("SAVEPOINT _hql_settle");
    this.#connection.command("RELEASE _hql_settle");
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
    if (observed.schema) return this.#changeSchema(compiled, bindings, budget);
    if (!observed.data) {
      return {
        rowsAffected: 0,
        lastInsertRowid: null,
        ...this.#read(compiled, bindings, budget),
      };
    }
    if (this.#touchesVirtual(compiled)) this.#unsettled = true;
    const result = statement.columns.length > 0
      ? this.#runReturning(compiled, bindings, budget)
      : this.#runPlain(compiled, bindings);
    this.#guards.check(compiled);
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
    const { source } = compiled.statement;
    this.#context.pureFunctions = new Set(datesDependedOn(source));
    try {
      const table = this.#read(compiled, bindings, budget);
      this.forgetSchema();
      checkShadows(this.#connection, this.schema);
      if (this.#storage !== null) checkContents(this.#connection, this.policy);
      this.#guards.requireNames(this.schema);
      this.change |= SCHEMA_CHANGED;
      return { rowsAffected: 0, lastInsertRowid: null, ...table };
    } finally {
      this.#context.pureFunctions = new Set();
      this.forgetSchema();
    }
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
    const [changes, rowid] = this.#counters.read();
    return {
      rowsAffected: changes,
      lastInsertRowid: this.#counters.inserted(compiled, changes, rowid),
      ...table,
    };
  }

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
    if (!observed.data) {
      const marked = this.#context.mark();
      this.#rowsOf(compiled, bindings, budget);
      return { columns, rows: this.#readAgain(compiled, bindings, marked) };
    }
    this.#connection.command("SAVEPOINT _hql_read");
    try {
      const marked = this.#context.mark();
      const rows = this.#rowsOf(compiled, bindings, budget);
      // The work of RETURNING is done before its first row.
      if (rows.length > 0) return { columns, rows };
      if (!this.#connection.inTransaction) throw rolledBack();
      this.#connection.command("ROLLBACK TO _hql_read");
      return { columns, rows: this.#readAgain(compiled, bindings, marked) };
    } finally {
      if (this.#connection.inTransaction) {
        this.#connection.command("RELEASE _hql_read");
      }
    }
  }

  /** Row by row, so that the budget bounds memory; but the driver shows an error as the end of the rows. */
  #rowsOf(
    { statement, keyword, observed }: Compiled,
    bindings: Bindings,
    budget: AnswerBudget,
  ): SqlValue[][] {
    const rows: SqlValue[][] = [];
    this.policy.enter(keyword, observed, this.#storage);
    try {
      for (const row of statement.rows(bindings)) {
        this.completed = true;
        budget.spend(row);
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
    this.policy.enter(keyword, observed, this.#storage);
    try {
      return statement.run(bindings);
    } finally {
      this.policy.leave();
    }
  }

  /** The same rows at once, or the error that ended them; nothing of the first time may be left. */
  #readAgain(
    { statement, keyword, observed }: Compiled,
    bindings: Bindings,
    marked: ReturnType<EntryContext["mark"]>,
  ): SqlValue[][] {
    this.#context.rewind(marked);
    this.policy.enter(keyword, observed, this.#storage);
    try {
      return statement.allBigInt(bindings).map(narrowRow);
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
