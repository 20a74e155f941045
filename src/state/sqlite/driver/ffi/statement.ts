import type { SqlValue } from "../../../sql/types.ts";
import {
  type Bindings,
  type RunResult,
  type SpendValue,
  SqliteError,
  type SqliteRow,
  type SqliteStatement,
} from "../driver.ts";
import { Code, type Pointer, type Sqlite, textAt } from "./library.ts";
import { bindValue, readColumn } from "./values.ts";

/** What a statement needs of its connection. */
export interface StatementHome {
  readonly sqlite: Sqlite;
  /** The connection. */
  readonly pointer: Pointer;
  /** Compiles the statement again. */
  compile(statement: FfiStatement): Pointer;
  /** Frees what was compiled. */
  free(statement: FfiStatement, pointer: Pointer): void;
  /** What SQLite said last. */
  failure(code: number): SqliteError;
}

/** Positions (from 1) of the parameters without a name, and of the others by name. */
interface Parameters {
  readonly anonymous: readonly number[];
  readonly named: ReadonlyMap<string, number>;
}

/** A statement, compiled for as long as its connection has room for it, and again when it is used after that. */
export class FfiStatement implements SqliteStatement {
  readonly #home: StatementHome;
  #pointer: Pointer | null;
  #parameters: Parameters | null = null;
  /** Rows are being taken from it. */
  #busy = false;
  readonly source: string;
  readonly columns: readonly string[];

  /** Takes over what was compiled from `source`. */
  constructor(home: StatementHome, pointer: Pointer, source: string) {
    this.#home = home;
    this.#pointer = pointer;
    this.source = source;
    this.columns = this.#texts(home.sqlite.sqlite3_column_name)
      .map((name) => name ?? "");
  }

  /** See `SqliteStatement`. */
  get readOnly(): boolean {
    return this.#home.sqlite.sqlite3_stmt_readonly(this.#compiled()) !== 0;
  }

  /** See `SqliteStatement`. */
  declaredTypes(): (string | null)[] {
    return this.#texts(this.#home.sqlite.sqlite3_column_decltype);
  }

  run(bindings: Bindings): RunResult {
    const { sqlite, pointer: connection } = this.#home;
    const pointer = this.#begin(bindings);
    try {
      while (this.#step(pointer));
      return {
        changes: Number(sqlite.sqlite3_changes64(connection)),
        lastInsertRowid: sqlite.sqlite3_last_insert_rowid(connection),
      };
    } finally {
      this.#end(pointer);
    }
  }

  all(bindings: Bindings): SqliteRow[] {
    return this.#all(bindings, true);
  }

  allBigInt(bindings: Bindings): SqliteRow[] {
    return this.#all(bindings, false);
  }

  *rows(bindings: Bindings, spend?: SpendValue): Iterable<SqliteRow> {
    const pointer = this.#begin(bindings);
    try {
      while (this.#step(pointer)) {
        yield this.#row(
          pointer,
          this.#home.sqlite.sqlite3_data_count(pointer),
          false,
          spend,
        );
      }
    } finally {
      this.#end(pointer);
    }
  }

  /** See `SqliteStatement`. */
  release(): void {
    if (this.#pointer === null || this.#busy) return;
    this.#home.free(this, this.#pointer);
    this.#pointer = null;
  }

  #all(bindings: Bindings, narrow: boolean): SqliteRow[] {
    const pointer = this.#begin(bindings);
    const rows: SqliteRow[] = [];
    try {
      if (!this.#step(pointer)) return rows;
      const columns = this.#home.sqlite.sqlite3_data_count(pointer);
      do rows.push(this.#row(pointer, columns, narrow)); while (
        this.#step(pointer)
      );
      return rows;
    } finally {
      this.#end(pointer);
    }
  }

  #row(
    pointer: Pointer,
    columns: number,
    narrow: boolean,
    spend?: SpendValue,
  ): SqliteRow {
    const { sqlite } = this.#home;
    const row: SqlValue[] = [];
    for (let at = 0; at < columns; at++) {
      const value = readColumn(sqlite, pointer, at, narrow);
      spend?.(value);
      row.push(value);
    }
    return row;
  }

  /** Whether there is a row. */
  #step(pointer: Pointer): boolean {
    const code = this.#home.sqlite.sqlite3_step(pointer);
    if (code === Code.row) return true;
    if (code === Code.done) return false;
    throw this.#home.failure(code);
  }

  #begin(bindings: Bindings): Pointer {
    const pointer = this.#compiled();
    if (this.#busy) {
      throw new SqliteError(
        "The statement is running already: take all its rows first",
        Code.misuse,
      );
    }
    this.#busy = true;
    try {
      this.#bind(pointer, bindings);
      return pointer;
    } catch (error) {
      this.#end(pointer);
      throw error;
    }
  }

  #end(pointer: Pointer): void {
    this.#busy = false;
    this.#home.sqlite.sqlite3_reset(pointer);
  }

  #bind(pointer: Pointer, { anonymous, named }: Bindings): void {
    const { sqlite } = this.#home;
    const parameters = this.#parameters ??= this.#readParameters(pointer);
    const given = anonymous.length + (named === null ? 0 : 1);
    // What is not given is NULL, not what was bound before.
    if (given < parameters.anonymous.length + parameters.named.size) {
      sqlite.sqlite3_clear_bindings(pointer);
    }
    for (let i = 0; i < anonymous.length; i++) {
      // A position that does not exist is refused by SQLite itself.
      const at = parameters.anonymous[i] ?? 0;
      this.#check(bindValue(sqlite, pointer, at, anonymous[i]!));
    }
    if (named === null) return;
    for (const name in named) {
      const at = parameters.named.get(name);
      if (at === undefined) {
        throw new SqliteError(`Unknown named parameter '${name}'`, Code.range);
      }
      this.#check(bindValue(sqlite, pointer, at, named[name]!));
    }
  }

  #check(code: number): void {
    if (code !== Code.ok) throw this.#home.failure(code);
  }

  #compiled(): Pointer {
    return this.#pointer ??= this.#home.compile(this);
  }

  #readParameters(pointer: Pointer): Parameters {
    const { sqlite } = this.#home;
    const anonymous: number[] = [];
    const named = new Map<string, number>();
    const count = sqlite.sqlite3_bind_parameter_count(pointer);
    for (let at = 1; at <= count; at++) {
      const text = sqlite.sqlite3_bind_parameter_name(pointer, at);
      const name = text === null ? "?" : textAt(text);
      if (name.startsWith("?")) anonymous.push(at);
      else named.set(name, at);
    }
    return { anonymous, named };
  }

  #texts(
    read: (pointer: Pointer, at: number) => Deno.PointerValue,
  ): (string | null)[] {
    const pointer = this.#compiled();
    const count = this.#home.sqlite.sqlite3_column_count(pointer);
    return Array.from({ length: count }, (_, at) => {
      const text = read(pointer, at);
      return text === null ? null : textAt(text);
    });
  }
}
