import { narrow } from "../../sql/values.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteStatement,
} from "../driver/driver.ts";
import type { Compiled } from "../statement/cache.ts";
import type { SchemaTraits } from "./schema_traits.ts";

/** Set as last rowid to see whether one is inserted; a row inserted under it counts as none, on every member. */
const NO_ROWID = -(2n ** 63n - 1n);

/** What SQLite counts. */
type Counters = [changes: number, rowid: bigint];

/**
 * `last_insert_rowid()` and `changes()` depend on what this connection did before, so
 * each entry starts from nothing: when a statement asks for them, and at once in an entry of several.
 */
export class EntryCounters {
  readonly #connection: SqliteConnection;
  readonly #read: SqliteStatement;
  readonly #setRowid: SqliteStatement;
  readonly #clearRowid: SqliteStatement;
  readonly #zeroChanges: SqliteStatement;
  #lastRowid = 0n;
  #set = false;
  #several = false;
  #noneInserted: bigint | null = null;
  /** What they should say; null if they do. */
  #lost: Counters | null = null;

  /** Makes its tables in `connection`, which must allow everything so far. */
  constructor(connection: SqliteConnection) {
    this.#connection = connection;
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
    this.#read = connection.prepare("SELECT changes(), last_insert_rowid()")!;
  }

  /** Starts an entry, of one statement or of `several`. */
  begin(several: boolean): void {
    this.#several = several;
    this.#set = false;
    this.#lost = null;
    this.#lastRowid = 0n;
  }

  /** Sets what the statement that comes next will find. */
  prepare({ observed, into, mentions }: Compiled, schema: SchemaTraits): void {
    const asks = mentions.counters || schema.readsCounters;
    if (!this.#set && (asks || this.#several)) {
      this.#setBoth(0n);
      this.#set = true;
    }
    if (asks && this.#lost !== null) this.#setChanges(...this.#lost);
    if (observed.data) this.#lost = null;
    this.#noneInserted = null;
    if (into === null) return;
    const hasRowid = schema.rowidTables.has(into);
    if (!mentions.conflict && hasRowid) return;
    this.#noneInserted = asks ? this.#lastRowid : NO_ROWID;
    if (!asks) this.#setBoth(NO_ROWID);
  }

  /** What a statement that asks for the counters will find; null if it does not ask. */
  hold({ mentions }: Compiled, schema: SchemaTraits): Counters | null {
    return mentions.counters || schema.readsCounters ? this.read() : null;
  }

  /** Has the statement find them again, since it runs again. */
  putBack(held: Counters | null): void {
    if (held !== null) this.#setChanges(...held);
  }

  /** Does what users' statements must not see in them. */
  keep(work: () => void): void {
    const before = this.latest;
    work();
    const [changes, rowid] = this.read();
    if (changes === before[0] && rowid === before[1]) return;
    if (rowid !== before[1]) this.#setLastRowid(before[1]);
    this.#lost = before;
  }

  /** What they should say. */
  get latest(): Counters {
    return this.#lost ?? this.read();
  }

  /** `changes()` and `last_insert_rowid()` as SQLite has them now. */
  read(): Counters {
    const [row] = this.#read.allBigInt(NO_BINDINGS);
    const [changes, rowid] = row as [bigint, bigint];
    return [Number(changes), rowid];
  }

  /** The rowid that a statement inserted last, given what SQLite says after it; null if it inserted none. */
  inserted(
    { observed }: Compiled,
    changes: number,
    rowid: bigint,
  ): number | bigint | null {
    if (rowid === this.#noneInserted) {
      if (rowid === NO_ROWID && this.#set) {
        this.#setLastRowid(this.#lastRowid);
        this.#lost = [changes, this.#lastRowid];
      }
      return null;
    }
    if (observed.insertsInto === null || changes === 0) return null;
    this.#lastRowid = rowid;
    return narrow(rowid);
  }

  #setBoth(rowid: bigint): void {
    this.#setLastRowid(rowid);
    this.#zeroChanges.run(NO_BINDINGS);
  }

  #setLastRowid(rowid: bigint): void {
    this.#setRowid.run({ anonymous: [rowid], named: null });
    this.#clearRowid.run(NO_BINDINGS);
  }

  /** Rows are updated that nobody sees, as many as there should have been. */
  #setChanges(count: number, rowid: bigint): void {
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
    this.#setLastRowid(rowid);
    run("UPDATE temp._hql_rows SET x = 0");
  }
}
