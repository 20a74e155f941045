import type { SqlValue } from "../../../sql/types.ts";
import { isBlank } from "../../statement/text.ts";
import {
  type Authorizer,
  COPIED_PAGES,
  type FunctionResult,
  NO_BINDINGS,
  type SqliteCapabilities,
  type SqliteConnection,
  SqliteError,
} from "../driver.ts";
import {
  authorizerCallback,
  type Callback,
  functionCallback,
} from "./callbacks.ts";
import {
  Code,
  configure,
  cText,
  OUT,
  outPointer,
  type Pointer,
  type Sqlite,
  textAt,
} from "./library.ts";
import { FfiStatement, type StatementHome } from "./statement.ts";
import { noMemory } from "./values.ts";

const Open = {
  readOnly: 0x1,
  readWrite: 0x2,
  create: 0x4,
  /** A connection belongs to one thread, which needs no lock for it. */
  noMutex: 0x8000,
  extendedCodes: 0x2000000,
} as const;

const Config = {
  loadExtension: 1005,
  defensive: 1010,
  doubleQuotedTextInDml: 1013,
  doubleQuotedTextInDdl: 1014,
} as const;

const BUSY_TIMEOUT_MS = 5000;
const PREPARE_PERSISTENT = 1;
const UTF8 = 1;
const DETERMINISTIC = 0x800;
const ANY_COUNT = -1;
const LIMIT_LENGTH = 0;
const LIMIT_SQL_LENGTH = 1;
const DEFERRED_FOREIGN_KEYS = 10;
const ALL_PAGES = -1;
const MAIN = cText("main");

/** What may stay compiled before the oldest are freed: whoever drops a statement need not tell. */
const STATEMENTS_MAX = 4096;
const STATEMENT_UNITS_MAX = 8 * 1024 * 1024;

/** What every such library can do. */
export const CAPABILITIES: SqliteCapabilities = {
  interrupt: true,
  heapLimit: true,
  rowErrors: true,
  owedForeignKeys: true,
  statementTraits: true,
};

/** Opens a database. @throws {SqliteError} */
export function openConnection(
  sqlite: Sqlite,
  path: string,
  readOnly: boolean,
): FfiConnection {
  const flags = (readOnly ? Open.readOnly : Open.readWrite | Open.create) |
    Open.noMutex | Open.extendedCodes;
  const code = sqlite.sqlite3_open_v2(cText(path), OUT, flags, null);
  const pointer = outPointer();
  if (pointer === null) return noMemory();
  const connection = new FfiConnection(sqlite, pointer);
  if (code === Code.ok) return connection;
  const error = connection.failure(code);
  connection.close();
  throw error;
}

/** A connection, and the statements that are compiled on it. */
export class FfiConnection implements SqliteConnection, StatementHome {
  readonly capabilities = CAPABILITIES;
  readonly sqlite: Sqlite;
  readonly pointer: Pointer;
  readonly #commands = new Map<string, FfiStatement>();
  /** Compiled statements, the oldest first. */
  readonly #compiled = new Set<FfiStatement>();
  #units = 0;
  readonly #callbacks: Callback[] = [];
  #closed = false;

  /** Takes over an open connection. */
  constructor(sqlite: Sqlite, pointer: Pointer) {
    this.sqlite = sqlite;
    this.pointer = pointer;
    sqlite.sqlite3_busy_timeout(pointer, BUSY_TIMEOUT_MS);
    this.defend(true);
    configure(sqlite, pointer, Config.loadExtension, false);
    configure(sqlite, pointer, Config.doubleQuotedTextInDml, false);
    configure(sqlite, pointer, Config.doubleQuotedTextInDdl, false);
  }

  defend(active: boolean): void {
    configure(this.sqlite, this.pointer, Config.defensive, active);
  }

  get inTransaction(): boolean {
    return !this.#closed &&
      this.sqlite.sqlite3_get_autocommit(this.pointer) === 0;
  }

  /** See `SqliteConnection`. */
  get handle(): bigint {
    return Deno.UnsafePointer.value(this.pointer);
  }

  exec(sql: string): void {
    this.#check(
      this.sqlite.sqlite3_exec(this.#open(), cText(sql), null, null, null),
    );
  }

  command(sql: string): void {
    let statement = this.#commands.get(sql);
    if (statement === undefined) {
      statement = this.#prepare(sql);
      this.#commands.set(sql, statement);
    }
    statement.run(NO_BINDINGS);
  }

  prepare(sql: string): FfiStatement | null {
    return isBlank(sql) || sql.includes("\0") ? null : this.#prepare(sql);
  }

  define(
    name: string,
    deterministic: boolean,
    call: (...args: SqlValue[]) => FunctionResult,
    exactly = false,
  ): void {
    const callback = functionCallback(this.sqlite, call);
    this.#callbacks.push(callback);
    const flags = UTF8 | (deterministic ? DETERMINISTIC : 0);
    this.#check(
      this.sqlite.sqlite3_create_function_v2(
        this.#open(),
        cText(name),
        exactly ? call.length : ANY_COUNT,
        flags,
        null,
        callback.pointer,
        null,
        null,
        null,
      ),
    );
  }

  authorize(authorizer: Authorizer): void {
    const callback = authorizerCallback(authorizer);
    this.#callbacks.push(callback);
    this.#check(
      this.sqlite.sqlite3_set_authorizer(
        this.#open(),
        callback.pointer,
        null,
      ),
    );
  }

  limit(valueBytes: number, sqlBytes: number): void {
    const { sqlite } = this;
    sqlite.sqlite3_limit(this.#open(), LIMIT_LENGTH, valueBytes);
    sqlite.sqlite3_limit(this.pointer, LIMIT_SQL_LENGTH, sqlBytes);
  }

  /** See `SqliteConnection`. */
  owesForeignKeys(): boolean {
    const status = new Int32Array(2);
    const { sqlite } = this;
    this.#check(
      sqlite.sqlite3_db_status(
        this.#open(),
        DEFERRED_FOREIGN_KEYS,
        status.subarray(0, 1),
        status.subarray(1),
        0,
      ),
    );
    return status[0] !== 0;
  }

  // deno-lint-ignore require-await
  async backup(target: string, between?: () => void): Promise<void> {
    this.#open();
    const copy = openConnection(this.sqlite, target, false);
    try {
      copy.#copyFrom(this.pointer, between);
    } finally {
      copy.close();
    }
  }

  close(): void {
    if (this.#closed) return;
    for (const statement of this.#compiled) statement.release();
    this.#check(this.sqlite.sqlite3_close(this.pointer));
    this.#closed = true;
    for (const callback of this.#callbacks) callback.close();
  }

  /** See `StatementHome`. */
  compile(statement: FfiStatement): Pointer {
    const pointer = this.#compile(statement.source);
    this.#keep(statement);
    return pointer!;
  }

  /** See `StatementHome`. */
  free(statement: FfiStatement, pointer: Pointer): void {
    this.#compiled.delete(statement);
    this.#units -= statement.source.length;
    this.sqlite.sqlite3_finalize(pointer);
  }

  /** See `StatementHome`. */
  failure(code: number): SqliteError {
    const { sqlite, pointer } = this;
    const extended = sqlite.sqlite3_extended_errcode(pointer);
    // Some errors are only returned, and what the connection says is of an earlier one.
    return (extended & 0xff) === (code & 0xff)
      ? new SqliteError(textAt(sqlite.sqlite3_errmsg(pointer)!), extended)
      : new SqliteError(textAt(sqlite.sqlite3_errstr(code)!), code);
  }

  #prepare(sql: string): FfiStatement {
    const pointer = this.#compile(sql);
    if (pointer === null) {
      throw new SqliteError("The SQL contains no statement", Code.misuse);
    }
    const source = textAt(this.sqlite.sqlite3_sql(pointer)!);
    const statement = new FfiStatement(this, pointer, source);
    this.#keep(statement);
    return statement;
  }

  #compile(sql: string): Pointer | null {
    const { sqlite } = this;
    const connection = this.#open();
    // Compiling may call back, which needs the memory that values go through: this text has its own.
    const bytes = cText(sql);
    this.#check(
      sqlite.sqlite3_prepare_v3(
        connection,
        bytes,
        bytes.length,
        PREPARE_PERSISTENT,
        OUT,
        null,
      ),
    );
    return outPointer();
  }

  #keep(statement: FfiStatement): void {
    this.#compiled.add(statement);
    this.#units += statement.source.length;
    for (const oldest of this.#compiled) {
      const fits = this.#compiled.size <= STATEMENTS_MAX &&
        this.#units <= STATEMENT_UNITS_MAX;
      if (fits || oldest === statement) return;
      oldest.release();
    }
  }

  #copyFrom(source: Pointer, between?: () => void): void {
    const { sqlite, pointer } = this;
    const backup = sqlite.sqlite3_backup_init(pointer, MAIN, source, MAIN);
    if (backup === null) throw this.failure(Code.error);
    const pages = between === undefined ? ALL_PAGES : COPIED_PAGES;
    while (sqlite.sqlite3_backup_step(backup, pages) === Code.ok) between?.();
    // Its result is that of the step, if that failed.
    this.#check(sqlite.sqlite3_backup_finish(backup));
  }

  #check(code: number): void {
    if (code !== Code.ok) throw this.failure(code);
  }

  #open(): Pointer {
    if (!this.#closed) return this.pointer;
    throw new SqliteError("The connection is closed", Code.misuse);
  }
}
