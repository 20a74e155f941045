import { HiqliteError } from "../../../errors.ts";
import type { LogIndex } from "../../../raft/types.ts";
import type { AnalysisRequest, StatementAnalysis } from "../../sql/analysis.ts";
import { Analyzer } from "./analyzer.ts";
import { narrowRow } from "../../sql/values.ts";
import {
  COMMAND_LIMITS,
  type QueryResult,
  type SqlParameters,
  type SqlValue,
} from "../../sql/types.ts";
import { bind, refuseReference } from "../statement/bindings.ts";
import {
  type Bindings,
  FAIL,
  NO_BINDINGS,
  SQL_VALUE_BYTES_MAX,
  type SqliteConnection,
  type SqliteDriver,
  type SqliteStatement,
} from "../driver/driver.ts";
import { defineLockFunctions } from "../locks/functions.ts";
import { isMomentary, readFailure } from "../driver/result_codes.ts";
import { NOTIFY_FUNCTION } from "../statement/rules.ts";
import { Policy } from "../statement/policy.ts";
import { openVirtualTables } from "../statement/open_virtual_tables.ts";
import { boundedRows } from "./bounded_rows.ts";
import type { ReadLimits } from "./query_codec.ts";
import {
  heedInterrupts,
  type Interrupts,
  NO_INTERRUPTS,
  undoSpared,
} from "../thread/interrupts.ts";
import type { SchemaEpoch } from "../thread/schema_epoch.ts";
import { type Compiled, StatementCache } from "../statement/cache.ts";
import { foldName, quotedName } from "../statement/text.ts";
import { dependenciesOf } from "./dependencies.ts";
import { Spool } from "./spool.ts";

const BUSY_TIMEOUT_MS = 5000;
/** How long a thread may stand still for an entry that is being committed, ms. */
const REACH_MS = 1000;
const PAUSE = new Int32Array(new SharedArrayBuffer(4));
const PAUSE_MS = 0.05;

/** What the text of a query begins with that can be part of an INSERT. */
const SPOOLED_KEYWORDS: ReadonlySet<string> = new Set([
  "SELECT",
  "VALUES",
  "WITH",
]);

/** A read-only connection with its statements. */
export class Reader {
  readonly #driver: SqliteDriver;
  readonly #path: string;
  readonly #connection: SqliteConnection;
  readonly #policy = new Policy({ readOnly: true });
  readonly #cache: StatementCache;
  readonly #epoch: SchemaEpoch | null;
  readonly #interrupts: Interrupts;
  readonly #position: SqliteStatement;
  readonly #virtual: SqliteStatement;
  /** The texts of virtual tables by their folded names. */
  #virtualTexts: ReadonlyMap<string, string> = new Map();
  #cachedEpoch = -1;

  /** Opens the database at `path`; without `epoch` nothing is cached. */
  constructor(
    driver: SqliteDriver,
    path: string,
    options: {
      readonly statementCacheCapacity: number;
      readonly schemaEpoch: SchemaEpoch | null;
      /** The most that SQLite's heap may hold in this process, bytes. @default as it is */
      readonly heapBytes?: number;
      /** Of the thread. @default nobody interrupts it */
      readonly interrupts?: Interrupts;
    },
  ) {
    this.#driver = driver;
    this.#path = path;
    this.#connection = driver.open(path, { readOnly: true });
    this.#connection.exec(
      `PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA query_only = ON;
       PRAGMA trusted_schema = ON; PRAGMA cell_size_check = ON;
       PRAGMA temp_store = FILE;`,
    );
    if (options.heapBytes !== undefined) {
      this.#connection.exec(`PRAGMA hard_heap_limit = ${options.heapBytes}`);
    }
    // What a write could store can be read, and no more.
    this.#connection.limit(SQL_VALUE_BYTES_MAX, COMMAND_LIMITS.sqlBytes);
    // Defined, so that it is refused by its name.
    this.#connection.define(NOTIFY_FUNCTION, false, () => FAIL);
    this.#connection.authorize(this.#policy.authorize);
    defineLockFunctions(this.#connection, this.#policy, () => null);
    this.#position = this.#connection.prepare(
      "SELECT idx FROM main._hql_meta",
    )!;
    this.#virtual = this.#connection.prepare(
      "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND rootpage = 0",
    )!;
    this.#epoch = options.schemaEpoch;
    this.#interrupts = options.interrupts ?? NO_INTERRUPTS;
    this.#cache = new StatementCache(
      this.#connection,
      this.#policy,
      options.schemaEpoch === null ? 0 : options.statementCacheCapacity,
      refuseKeyword,
    );
  }

  /**
   * Runs one statement that only reads.
   * @throws {HiqliteError} `sql`, `invalid`, `forbidden`, `too_large`; `storage` for the machine's errors.
   * @throws {StateDamagedError} if SQLite found the file damaged.
   */
  query(
    sql: string,
    params: SqlParameters | undefined,
    limits: ReadLimits | null,
  ): QueryResult {
    return this.#heeding(() => this.#query(sql, params, limits));
  }

  /**
   * The same, with the index at which it is true and the tables that the answer depends on; see `Observation`.
   * @throws as {@linkcode query}.
   */
  observe(
    sql: string,
    params: SqlParameters | undefined,
    limits: ReadLimits | null,
  ): { result: QueryResult; tables: readonly string[] | null } {
    return this.#heeding(() =>
      this.#inView(() => {
        const index = this.#enterView();
        const compiled = this.#cache.get(sql);
        const result = { ...this.#run(compiled, params, limits), index };
        return { result, tables: this.#tablesOf(compiled) };
      })
    );
  }

  /**
   * Runs one SELECT and keeps its rows, once in the life of this reader; they take `bytesMax` bytes at most.
   * @throws as {@linkcode query}; `invalid` for what is no SELECT.
   */
  spool(
    sql: string,
    params: SqlParameters | undefined,
    bytesMax: number,
  ): { readonly spool: Spool; readonly index: number } {
    return this.#heeding(() =>
      this.#inView(() => {
        const index = this.#refreshSchema();
        const { keyword, statement, slots, observed } = this.#cache.get(sql);
        if (!SPOOLED_KEYWORDS.has(keyword)) throw notSpooled(keyword);
        const bindings = bind(slots, params, refuseReference);
        const spool = new Spool(this.#connection, statement, bytesMax);
        this.#policy.enter(keyword, observed, null);
        try {
          spool.fill(bindings);
        } finally {
          this.#policy.leave();
        }
        return { spool, index };
      })
    );
  }

  /**
   * Blocks until entry `index` is in the database; its COMMIT is on its way.
   * @throws {HiqliteError} `timeout` if it does not come for {@linkcode REACH_MS} ms.
   */
  reach(index: LogIndex): void {
    const until = performance.now() + REACH_MS;
    while (this.#position.all(NO_BINDINGS)[0]![0] as number < index) {
      if (performance.now() > until) {
        throw new HiqliteError(
          "timeout",
          `This member has not written entry ${index} into its database within ${REACH_MS} ms: use query(), which waits longer and blocks nothing`,
        );
      }
      Atomics.wait(PAUSE, 0, 0, PAUSE_MS);
    }
  }

  /** What the statements of a text would do. @throws {HiqliteError} as {@linkcode query}. */
  analyze(sql: string, request: AnalysisRequest): StatementAnalysis[] {
    try {
      using analyzer = new Analyzer(this.#driver, this.#path);
      return analyzer.analyze(sql, request);
    } catch (error) {
      throw readFailure(error, null);
    }
  }

  /** See `Served`. */
  get interruptHandle(): bigint {
    return this.#connection.handle ?? 0n;
  }

  /** Releases the file. */
  close(): void {
    this.#connection.close();
  }

  /** Runs `work`; its errors are a caller's. What was found out meanwhile is not believed if it was interrupted. */
  #heeding<T>(work: () => T): T {
    try {
      return heedInterrupts(this.#interrupts, work);
    } catch (error) {
      if (isMomentary(error)) this.#cachedEpoch = -1;
      throw readFailure(error, this.#policy.refusal);
    }
  }

  #query(
    sql: string,
    params: SqlParameters | undefined,
    limits: ReadLimits | null,
  ): QueryResult {
    const epoch = this.#epoch;
    if (epoch === null) return this.#queryInOneView(sql, params, limits);
    const before = epoch.value;
    if (before !== this.#cachedEpoch) {
      this.#refreshSchema();
      this.#cachedEpoch = before;
    }
    if (before % 2 === 0) {
      const result = this.#run(this.#cache.get(sql), params, limits);
      if (epoch.value === before) return result;
    }
    return this.#queryInOneView(sql, params, limits);
  }

  /** The statement is compiled and run in one view of the database, so that its columns are those of its rows. */
  #queryInOneView(
    sql: string,
    params: SqlParameters | undefined,
    limits: ReadLimits | null,
  ): QueryResult {
    try {
      return this.#inView(() => {
        const index = this.#refreshSchema();
        return { ...this.#run(this.#cache.get(sql), params, limits), index };
      });
    } finally {
      this.#cachedEpoch = -1;
    }
  }

  #inView<T>(work: () => T): T {
    this.#connection.command("BEGIN");
    try {
      const result = work();
      this.#connection.command("COMMIT");
      return result;
    } catch (error) {
      undoSpared(this.#interrupts, () => this.#leaveView());
      throw error;
    }
  }

  #leaveView(): void {
    // Some errors have ended the transaction already.
    if (this.#connection.inTransaction) this.#connection.command("ROLLBACK");
  }

  /** Begins the view of an open transaction, with statements that fit its schema; answers how far it is. */
  #enterView(): number {
    const before = this.#epoch?.value ?? -1;
    const [row] = this.#position.all(NO_BINDINGS);
    // Between two looks at the same even number no schema was committed: the view has the schema of that number.
    const known = before >= 0 && before % 2 === 0 &&
      this.#epoch!.value === before;
    if (known && this.#cachedEpoch === before) return row![0] as number;
    this.#cachedEpoch = -1;
    const index = this.#refreshSchema();
    if (known) this.#cachedEpoch = before;
    return index;
  }

  /** Compiling trusts the schema in memory; only running a statement notices that it is old. Answers how far the view is. */
  #refreshSchema(): number {
    const [row] = this.#position.all(NO_BINDINGS);
    this.#cache.clear();
    const virtual = this.#virtual.all(NO_BINDINGS) as [string, string][];
    openVirtualTables(this.#connection, virtual.map(([name]) => name));
    this.#virtualTexts = new Map(
      virtual.map(([name, text]) => [foldName(name), text]),
    );
    return row![0] as number;
  }

  /** Kept with the statement, which goes when the schema does. */
  #tablesOf(compiled: Compiled): readonly string[] | null {
    if (compiled.dependencies === undefined) {
      const { keyword, observed } = compiled;
      compiled.dependencies = dependenciesOf(keyword, observed.reads, {
        virtual: this.#virtualTexts,
        readsOf: (name) => this.#readsOf(name),
      });
    }
    return compiled.dependencies;
  }

  #readsOf(name: string): Iterable<string> {
    const sql = `SELECT * FROM main.${quotedName(name)}`;
    try {
      this.#policy.examine(
        ["SELECT"],
        () => this.#connection.prepare(sql)?.release(),
      );
    } catch (error) {
      if (isMomentary(error)) throw error;
      // It is neither a table nor a view.
      return [];
    }
    return this.#policy.observed.reads;
  }

  #run(
    compiled: Compiled,
    params: SqlParameters | undefined,
    limits: ReadLimits | null,
  ): QueryResult {
    const bindings = bind(compiled.slots, params, refuseReference);
    this.#policy.enter(compiled.keyword, compiled.observed, null);
    try {
      return this.#rows(compiled.statement, bindings, limits);
    } finally {
      this.#policy.leave();
    }
  }

  #rows(
    statement: SqliteStatement,
    bindings: Bindings,
    limits: ReadLimits | null,
  ): QueryResult {
    const { columns } = statement;
    if (limits === null || columns.length === 0) {
      return { columns, rows: statement.all(bindings) };
    }
    const { firstRows = Infinity } = limits;
    if (this.#connection.capabilities.rowErrors || firstRows < Infinity) {
      const rows: SqlValue[][] = [];
      for (const row of boundedRows(statement, bindings, limits)) {
        rows.push(narrowRow(row));
        if (rows.length >= firstRows) return { columns, rows };
      }
      if (this.#connection.capabilities.rowErrors) return { columns, rows };
      // They may have ended at an error, which only this pass tells.
      return { columns, rows: statement.all(bindings) };
    }
    // A first pass that holds one row at a time; it may end early, at an error that the second pass reports.
    for (const _ of boundedRows(statement, bindings, limits)) continue;
    return { columns, rows: statement.all(bindings) };
  }
}

function notSpooled(keyword: string): HiqliteError {
  return new HiqliteError(
    "invalid",
    `${keyword} gives no stream of rows, only SELECT, VALUES and WITH do; use query()`,
  );
}

function refuseKeyword(keyword: string): string | null {
  return keyword === "VACUUM" ? "VACUUM is not allowed" : null;
}
