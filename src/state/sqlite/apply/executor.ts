import { HiqliteError } from "../../../errors.ts";
import { narrow } from "../../sql/values.ts";
import {
  COMMAND_LIMITS,
  type SqlParameters,
  type SqlValue,
  type StatementResult,
} from "../../sql/types.ts";
import { bind, type Resolve } from "../statement/bindings.ts";
import { VALUE_BYTES_MAX } from "./determinism.ts";
import type {
  Bindings,
  Row,
  SqliteConnection,
  SqliteStatement,
} from "../driver/driver.ts";
import type { EntryContext } from "./entry_context.ts";
import { Policy, ROWID_GUARD } from "../statement/policy.ts";
import {
  datesDependedOn,
  readSchema,
  type RowidTable,
  type SchemaTraits,
} from "./schema.ts";
import { foldName, namesIn } from "../statement/text.ts";
import { type Compiled, StatementCache } from "../statement/cache.ts";

const NO_BINDINGS: Bindings = { anonymous: [], named: null };
const INT64_MAX = 2n ** 63n - 1n;
/** Set as last rowid to see whether one is inserted; a row inserted under it counts as none, on every member. */
const NO_ROWID = -INT64_MAX;
/** Names no table: a guard does not hear of a new name, and every member must answer the same. */
const RESERVED_ROWID =
  `The rowid ${INT64_MAX} is reserved: SQLite would choose the next ones at random`;
const SEQUENCES = "sqlite_sequence";
const ROW_OVERHEAD_BYTES = 16;

/** Rows that an entry may still return, in bytes. */
export class AnswerBudget {
  #left: number = COMMAND_LIMITS.answerBytes;

  /** @throws {HiqliteError} `too_large` when nothing is left. */
  spend(row: Row): void {
    this.#left -= ROW_OVERHEAD_BYTES;
    for (const value of row) this.#left -= sizeOf(value);
    if (this.#left < 0) {
      throw new HiqliteError(
        "too_large",
        `The answer has more than ${COMMAND_LIMITS.answerBytes} bytes`,
      );
    }
  }
}

function sizeOf(value: SqlValue): number {
  if (typeof value === "string") return 8 + value.length;
  return value instanceof Uint8Array ? 8 + value.length : 8;
}

/** Runs one statement of an entry after another on the writing connection. */
export class Executor {
  readonly #connection: SqliteConnection;
  readonly #context: EntryContext;
  readonly #cache: StatementCache;
  readonly #counters: SqliteStatement;
  readonly #setRowid: SqliteStatement;
  readonly #clearRowid: SqliteStatement;
  readonly #zeroChanges: SqliteStatement;
  #schema: SchemaTraits | null = null;
  #lastRowid = 0n;
  #countersSet = false;
  #several = false;
  /** How many guards were made: a table that is renamed keeps the name of its own. */
  #guards = 0;
  #noneInserted: bigint | null = null;
  /** What `changes()` should say but does not, since the last rowid was put back. */
  #changesLost: number | null = null;
  readonly #largest = new Map<string, SqliteStatement>();
  /** What the writer allows. */
  readonly policy: Policy = new Policy({ readOnly: false });
  /** The statement run last has done its work, so that an error after it does not undo it. */
  completed = false;
  /** A statement of the entry changed the schema. */
  schemaChanged = false;
  /** A statement of the entry deferred its foreign keys. */
  deferredForeignKeys = false;

  /** Prepares `connection`, which must allow everything so far. */
  constructor(
    connection: SqliteConnection,
    context: EntryContext,
    statementCacheCapacity: number,
  ) {
    this.#connection = connection;
    this.#context = context;
    connection.limit(VALUE_BYTES_MAX, COMMAND_LIMITS.sqlBytes);
    connection.exec(
      `CREATE TEMP TABLE _hql_zero (id INTEGER PRIMARY KEY, x);
       CREATE TEMP TABLE _hql_rows (x)`,
    );
    this.#setRowid = connection.prepare(
      "INSERT OR REPLACE INTO temp._hql_zero (id) VALUES (?)",
    )!;
    this.#clearRowid = connection.prepare("DELETE FROM temp._hql_zero")!;
    this.#zeroChanges = connection.prepare(
      "UPDATE temp._hql_zero SET x = 0 WHERE 0",
    )!;
    this.#counters = connection.prepare(
      "SELECT changes(), last_insert_rowid()",
    )!;
    connection.authorize(this.policy.authorize);
    this.#cache = new StatementCache(
      connection,
      this.policy,
      statementCacheCapacity,
      refuseKeyword,
      (keyword, sql, { reads }) => this.#refuseShadows(keyword, sql, reads),
    );
  }

  /** The schema as it is now, within the open transaction. */
  get schema(): SchemaTraits {
    if (this.#schema === null) {
      this.#schema = readSchema(this.#connection);
      this.#context.pureFunctions = this.#schema.pureFunctions;
      this.#guardRowids(this.#schema);
    }
    return this.#schema;
  }

  /**
   * A row under the largest rowid fails at once: within the same statement SQLite
   * would draw the next rowids at random, differently on each member, or, with
   * AUTOINCREMENT, fail like a full disk, which stops a member.
   */
  #guardRowids({ rowidTables }: SchemaTraits): void {
    const guards = new Map(
      this.#connection.prepare(
        "SELECT tbl_name, name, sql FROM temp.sqlite_schema WHERE type = 'trigger'",
      )!.all(NO_BINDINGS).map(([table, ...guard]) =>
        [foldName(table as string), guard as [string, string]] as const
      ),
    );
    for (const [folded, { name, virtual, rowid }] of rowidTables) {
      const [guard, sql = ""] = guards.get(folded) ?? [];
      const when = `WHEN NEW.${rowid} = ${INT64_MAX}`;
      if (virtual || sql.includes(when)) continue;
      // The rowid has another name now that a column has that one.
      if (guard) this.#connection.exec(`DROP TRIGGER temp.${quoted(guard)}`);
      if (rowid === null) continue;
      this.#connection.exec(
        `CREATE TEMP TRIGGER "${ROWID_GUARD}${++this.#guards}"
         AFTER INSERT ON main.${quoted(name)} ${when}
         BEGIN SELECT RAISE(ABORT, '${RESERVED_ROWID}'); END`,
      );
    }
  }

  /** Forgets what depends on the schema, after it changed or its change was undone. */
  forgetSchema(): void {
    this.#schema = null;
    this.#cache.clear();
    this.#largest.clear();
  }

  /** Starts an entry, of one statement or of `several`: its counters are its own. */
  begin(several: boolean): void {
    void this.schema; // What it sets up must not be undone with a statement.
    this.#several = several;
    this.#countersSet = false;
    this.#changesLost = null;
    this.#lastRowid = 0n;
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
    this.#prepareCounters(compiled);
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
    this.#checkRowids(compiled, result);
    return result;
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
      this.#checkShadows();
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
      lastInsertRowid: this.#insertedRowid(compiled, changes, lastInsertRowid),
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
    const [counters] = this.#counters.allBigInt(NO_BINDINGS);
    const [changes, rowid] = counters as [bigint, bigint];
    return {
      rowsAffected: Number(changes),
      lastInsertRowid: this.#insertedRowid(compiled, Number(changes), rowid),
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
      rows.push(row.map(narrowed));
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

  /**
   * `last_insert_rowid()` and `changes()` depend on what this connection did before, so
   * each entry starts from nothing: when a statement asks for them, and at once in an entry of several.
   */
  #prepareCounters({ observed, mentions }: Compiled): void {
    const { insertsInto } = observed;
    const asks = mentions.counters || this.schema.readsCounters;
    if (!this.#countersSet && (asks || this.#several)) {
      this.#setCounters(0n);
      this.#countersSet = true;
    }
    if (asks && this.#changesLost !== null) this.#setChanges(this.#changesLost);
    if (observed.data) this.#changesLost = null;
    this.#noneInserted = null;
    if (insertsInto === null) return;
    if (!mentions.conflict && this.#hasRowid(insertsInto)) return;
    this.#noneInserted = asks ? this.#lastRowid : NO_ROWID;
    if (!asks) this.#setCounters(NO_ROWID);
  }

  #setCounters(rowid: bigint): void {
    this.#setLastRowid(rowid);
    this.#zeroChanges.run(NO_BINDINGS);
  }

  #setLastRowid(rowid: bigint): void {
    this.#setRowid.run({ anonymous: [rowid], named: null });
    this.#clearRowid.run(NO_BINDINGS);
  }

  /** Rows are updated that nobody sees, as many as there should have been. */
  #setChanges(count: number): void {
    const run = (sql: string): void => {
      this.#connection.prepare(sql)!.run(NO_BINDINGS);
    };
    run("DELETE FROM temp._hql_rows");
    if (count > 0) {
      run(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
         INSERT INTO temp._hql_rows SELECT i FROM n`,
      );
    }
    this.#setLastRowid(this.#lastRowid);
    run("UPDATE temp._hql_rows SET x = 0");
  }

  #insertedRowid(
    { observed }: Compiled,
    changes: number,
    rowid: bigint,
  ): number | bigint | null {
    if (rowid === this.#noneInserted) {
      if (rowid === NO_ROWID && this.#countersSet) {
        this.#setLastRowid(this.#lastRowid);
        this.#changesLost = changes;
      }
      return null;
    }
    if (observed.insertsInto === null || changes === 0) return null;
    this.#lastRowid = rowid;
    return narrow(rowid);
  }

  #hasRowid(table: string): boolean {
    return this.schema.rowidTables.has(foldName(table));
  }

  /** With the largest rowid in use SQLite draws the next ones at random, differently on each member. */
  #checkRowids(compiled: Compiled, result: StatementResult): void {
    const { insertsInto, touches, triggers } = compiled.observed;
    const single = insertsInto !== null && !triggers &&
      touches.size === 1 && result.rowsAffected <= 1 &&
      insertsInto !== SEQUENCES;
    if (single) {
      if (result.lastInsertRowid === INT64_MAX) throw largestRowid();
      return;
    }
    for (const touched of touches) {
      const [table, column] = foldName(touched).split("\0") as [
        string,
        string?,
      ];
      if (table === SEQUENCES) this.#checkSequences();
      const known = this.schema.rowidTables.get(table);
      if (known === undefined) continue;
      if (column !== undefined && !known.keys.includes(column)) continue;
      if (this.#hasLargestRowid(known)) throw largestRowid();
    }
  }

  /** An exhausted AUTOINCREMENT would fail like a full disk, which stops a member. */
  #checkSequences(): void {
    const exhausted = this.#connection.prepare(
      `SELECT 1 FROM main.${SEQUENCES} WHERE CAST(seq AS INTEGER) = ${INT64_MAX}`,
    )!.all(NO_BINDINGS);
    if (exhausted.length > 0) throw largestRowid();
  }

  #hasLargestRowid({ name, rowid }: RowidTable): boolean {
    let statement = this.#largest.get(name);
    if (statement === undefined) {
      statement = this.#connection.prepare(
        `SELECT 1 FROM main.${quoted(name)} WHERE ${
          rowid ?? "rowid"
        } = ${INT64_MAX}`,
      )!;
      this.#largest.set(name, statement);
    }
    return statement.all(NO_BINDINGS).length > 0;
  }

  /**
   * Where virtual tables keep their data differs between members. They read it
   * themselves, so it is the text that must not name it; views and triggers show
   * nothing else when they are made.
   */
  #refuseShadows(
    keyword: string,
    sql: string,
    reads: ReadonlySet<string>,
  ): string | null {
    const { shadowTables } = this.schema;
    if (shadowTables.size === 0) return null;
    for (const name of namesIn(sql)) {
      if (!shadowTables.has(name)) continue;
      if (keyword === "CREATE" || reads.has(name)) return differs(name);
    }
    return null;
  }

  /** A view that is there already may name what a new virtual table keeps its data in. */
  #checkShadows(): void {
    const { shadowTables } = this.schema;
    if (shadowTables.size === 0) return;
    const texts = this.#connection.prepare(
      "SELECT sql FROM main.sqlite_schema WHERE type IN ('view', 'trigger')",
    )!.all(NO_BINDINGS);
    for (const [sql] of texts) {
      for (const name of namesIn(sql as string)) {
        if (shadowTables.has(name)) {
          throw new HiqliteError("forbidden", differs(name));
        }
      }
    }
  }
}

function differs(table: string): string {
  return `${table} is not allowed in a write: members differ in it`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function largestRowid(): HiqliteError {
  return new HiqliteError("constraint", RESERVED_ROWID);
}

/** Why there are no rows is not known any more. */
function rolledBack(): HiqliteError {
  return new HiqliteError(
    "constraint",
    "The statement failed and ended the transaction (ROLLBACK)",
  );
}

function narrowRow(row: Row): SqlValue[] {
  return row.map(narrowed);
}

function narrowed(value: SqlValue): SqlValue {
  return typeof value === "bigint" ? narrow(value) : value;
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
