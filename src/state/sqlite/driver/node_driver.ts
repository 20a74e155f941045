import { backup, DatabaseSync, type StatementSync } from "node:sqlite";
import type { SqlValue } from "../../sql/types.ts";
import { narrowRow } from "../../sql/values.ts";
import {
  type Authorizer,
  type Bindings,
  COPIED_PAGES,
  FAIL,
  type FunctionResult,
  requireSqlite,
  type RunResult,
  type SpendValue,
  type SqliteCapabilities,
  type SqliteConnection,
  type SqliteDriver,
  SqliteError,
  type SqliteRow,
  type SqliteStatement,
} from "./driver.ts";
import { noteCompiled } from "./dropped_statements.ts";
import { isBlank } from "../statement/text.ts";

const SQLITE_ERROR = 1;
const SQLITE_RANGE = 25;
/** An integer that no number can hold. */
const OUT_OF_RANGE = "ERR_OUT_OF_RANGE";

/** How SQLite's own sentences begin, for the errors that come without a code. */
const CODES: readonly (readonly [string, number])[] = [
  ["database is locked", 5],
  ["out of memory", 7],
  ["disk I/O error", 10],
  ["database disk image is malformed", 11],
  ["database or disk is full", 13],
  ["unable to open database file", 14],
  ["file is not a database", 26],
];

function codeOf(message: string): number {
  const known = CODES.find(([start]) => message.startsWith(start));
  return known?.[1] ?? SQLITE_ERROR;
}

/** Errors of node:sqlite carry the result code except after opening and `exec`; JavaScript errors pass unchanged. */
export function toSqliteError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, errcode } = error as Error & {
    code?: string;
    errcode?: number;
  };
  // node:sqlite knows no such parameter: the statement's fault, on every member.
  if (code === "ERR_INVALID_STATE" && /named parameter/.test(error.message)) {
    return new SqliteError(error.message, SQLITE_RANGE, { cause: error });
  }
  if (code !== "ERR_SQLITE_ERROR") return error;
  return new SqliteError(error.message, errcode ?? codeOf(error.message), {
    cause: error,
  });
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toSqliteError(error);
  }
}

/** What the typings of node:sqlite lack. */
interface NativeStatement extends StatementSync {
  setReturnArrays(enabled: boolean): void;
}

/** What failed within a function that a statement called: the runtime would hang if that were thrown through it. */
class FailedWithin {
  #error: SqliteError | null = null;

  /** A statement begins. */
  forget(): void {
    this.#error = null;
  }

  /** The function so that it fails its statement, which says why by {@linkcode meaning}. */
  around(call: (...args: SqlValue[]) => FunctionResult): typeof call {
    return (...args) => {
      try {
        return call(...args);
      } catch (error) {
        if (error instanceof SqliteError) this.#error = error;
        return FAIL;
      }
    };
  }

  /** Why the statement failed. */
  meaning(error: unknown): unknown {
    return this.#error ?? toSqliteError(error);
  }
}

class NodeStatement implements SqliteStatement {
  readonly #statement: NativeStatement;
  readonly #within: FailedWithin;
  readonly source: string;
  readonly columns: readonly string[];
  #bigInts = false;

  constructor(statement: NativeStatement, within: FailedWithin) {
    this.#statement = statement;
    this.#within = within;
    this.source = statement.sourceSQL;
    statement.setReturnArrays(true);
    statement.setAllowBareNamedParameters(false);
    this.columns = statement.columns().map((column) => column.name);
  }

  run(bindings: Bindings): RunResult {
    this.#begin(true);
    try {
      const { changes, lastInsertRowid } = bindings.named === null
        ? this.#statement.run(...bindings.anonymous)
        : this.#statement.run(bindings.named, ...bindings.anonymous);
      return {
        changes: Number(changes),
        lastInsertRowid: lastInsertRowid as bigint,
      };
    } catch (error) {
      throw this.#within.meaning(error);
    }
  }

  all(bindings: Bindings): SqliteRow[] {
    this.#begin(false);
    try {
      return this.#all(bindings);
    } catch (error) {
      if ((error as { code?: unknown }).code !== OUT_OF_RANGE) throw error;
    }
    return this.allBigInt(bindings).map(narrowRow);
  }

  allBigInt(bindings: Bindings): SqliteRow[] {
    this.#begin(true);
    return this.#all(bindings);
  }

  *rows(bindings: Bindings, spend?: SpendValue): Iterable<SqliteRow> {
    this.#begin(true);
    try {
      const rows = bindings.named === null
        ? this.#statement.iterate(...bindings.anonymous)
        : this.#statement.iterate(bindings.named, ...bindings.anonymous);
      for (const row of rows as Iterable<unknown> as Iterable<SqliteRow>) {
        if (spend !== undefined) row.forEach(spend);
        yield row;
      }
    } catch (error) {
      throw this.#within.meaning(error);
    }
  }

  /** The runtime frees it with the object. */
  release(): void {}

  #all(bindings: Bindings): SqliteRow[] {
    try {
      const rows = bindings.named === null
        ? this.#statement.all(...bindings.anonymous)
        : this.#statement.all(bindings.named, ...bindings.anonymous);
      return rows as unknown[] as SqliteRow[];
    } catch (error) {
      throw this.#within.meaning(error);
    }
  }

  #begin(wanted: boolean): void {
    this.#within.forget();
    if (wanted === this.#bigInts) return;
    this.#statement.setReadBigInts(wanted);
    this.#bigInts = wanted;
  }
}

const SQLITE_OK = 0;
const ALL_PAGES = 0x7fff_ffff;
const SQLITE_DENY = 1;

/** What the typings of node:sqlite lack. */
interface NativeDatabase extends DatabaseSync {
  readonly limits: { length: number; sqlLength: number };
  enableDefensive(active: boolean): void;
  setAuthorizer(
    callback: (
      action: number,
      first: string | null,
      second: string | null,
      database: string | null,
      trigger: string | null,
    ) => number,
  ): void;
}

const CAPABILITIES: SqliteCapabilities = {
  interrupt: false,
  heapLimit: false,
  rowErrors: false,
  owedForeignKeys: false,
  statementTraits: false,
};

class NodeConnection implements SqliteConnection {
  readonly capabilities = CAPABILITIES;
  readonly #database: NativeDatabase;
  readonly #commands = new Map<string, StatementSync>();
  readonly #held: Held[] = [];
  readonly #within = new FailedWithin();

  constructor(path: string, readOnly: boolean) {
    this.#database = attempt(() =>
      new DatabaseSync(path, { readOnly }) as NativeDatabase
    );
    this.defend(true);
  }

  defend(active: boolean): void {
    this.#database.enableDefensive(active);
  }

  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  exec(sql: string): void {
    attempt(() => this.#database.exec(sql));
  }

  command(sql: string): void {
    const known = this.#commands.get(sql);
    attempt(() => (known ?? this.#compiled(sql)).run());
  }

  #compiled(sql: string): StatementSync {
    const statement = this.#database.prepare(sql);
    this.#commands.set(sql, statement);
    return statement;
  }

  prepare(sql: string): SqliteStatement | null {
    // node:sqlite crashes when it is asked about a statement that is none.
    if (isBlank(sql) || sql.includes("\0")) return null;
    noteCompiled(sql.length);
    const statement = attempt(() =>
      this.#database.prepare(sql)
    ) as NativeStatement;
    return new NodeStatement(statement, this.#within);
  }

  define(
    name: string,
    deterministic: boolean,
    call: (...args: SqlValue[]) => FunctionResult,
    exactly = false,
  ): void {
    const held: Held = { call: this.#within.around(call) };
    this.#held.push(held);
    this.#database.function(
      name,
      { deterministic, varargs: !exactly, useBigIntArguments: true },
      callOf(held, call.length),
    );
  }

  authorize(authorizer: Authorizer): void {
    this.#database.setAuthorizer((action, first, second, database, trigger) =>
      authorizer(action, first, second, database, trigger)
        ? SQLITE_OK
        : SQLITE_DENY
    );
  }

  limit(valueBytes: number, sqlBytes: number): void {
    this.#database.limits.length = valueBytes;
    this.#database.limits.sqlLength = sqlBytes;
  }

  async backup(target: string, between?: () => void): Promise<void> {
    const inSteps = {
      rate: COPIED_PAGES,
      progress({ remainingPages }: { readonly remainingPages: number }): void {
        if (remainingPages > 0) between?.();
      },
    };
    const inOneGo = { rate: ALL_PAGES };
    try {
      await backup(
        this.#database,
        target,
        between === undefined ? inOneGo : inSteps,
      );
    } catch (error) {
      throw toSqliteError(error);
    }
  }

  close(): void {
    attempt(() => this.#database.close());
    for (const held of this.#held) held.call = GONE;
  }
}

/** A function that statements call. The runtime never forgets what it was given for one, so it is given no more than this. */
interface Held {
  call: (...args: SqlValue[]) => FunctionResult;
}

/** In a scope of its own, which holds nothing else. SQLite is told of as many arguments as `length` says. */
function callOf(held: Held, length: number): (...args: SqlValue[]) => SqlValue {
  const call = (...args: SqlValue[]) => held.call(...args) as SqlValue;
  return Object.defineProperty(call, "length", { value: length });
}

/** Of a connection that is closed, nobody calls any. */
const GONE = (): FunctionResult => FAIL;

/** SQLite as it is inside the runtime (`node:sqlite`). */
export const nodeDriver: SqliteDriver = {
  name: "node:sqlite",
  capabilities: CAPABILITIES,
  version: bundledVersion(),
  open(path, { readOnly }): SqliteConnection {
    requireSqlite(nodeDriver.version);
    return new NodeConnection(path, readOnly);
  },
};

function bundledVersion(): string {
  const database = new DatabaseSync(":memory:");
  const row = database.prepare("SELECT sqlite_version() AS version").get();
  database.close();
  return String(row?.version);
}
