import type { SqliteConnection } from "../driver/driver.ts";
import type { Compiled } from "../statement/cache.ts";
import { foldName } from "../statement/text.ts";
import type { EntryCounters } from "./counters.ts";
import type { SchemaTraits } from "./schema_traits.ts";

/**
 * What the open transaction wrote to virtual tables. They keep something in memory: rows that full-text search has yet
 * to write, and settings (`secure-delete`, `rank`, `insttoken` of FTS5) that it does not take back with their write.
 */
export class VirtualWrites {
  readonly #connection: SqliteConnection;
  readonly #counters: EntryCounters;
  /** There were some since the last {@linkcode settle}. */
  #unsettled = false;
  /** There were some since the last {@linkcode begin}. */
  #sinceBegin = false;
  /** There were some since the transaction began. */
  #inTransaction = false;

  /** Of `connection`, whose counters are to be as without them. */
  constructor(connection: SqliteConnection, counters: EntryCounters) {
    this.#connection = connection;
    this.#counters = counters;
  }

  /**
   * A statement is about to run. If it writes to a table that a member may have a guard on, SQLite opens a savepoint on
   * that member and on others not, and full-text search writes at each savepoint: so it does before.
   */
  before(compiled: Compiled, { virtualTables }: SchemaTraits): void {
    const { statement, observed, mentions } = compiled;
    const { schema, data, writes } = observed;
    if (!this.#unsettled || !schema && !data) return;
    const goesOn = !schema && !mentions.counters &&
      statement.columns.length === 0 &&
      writes.values().every((table) => virtualTables.has(foldName(table)));
    if (!goesOn) this.settle();
  }

  /** What {@linkcode undone} undoes begins. */
  begin(): void {
    this.#sinceBegin = false;
  }

  /** A statement is about to write to one. */
  note(): void {
    this.#unsettled = true;
    this.#sinceBegin = true;
    this.#inTransaction = true;
  }

  /** Ends a savepoint, or begins one: full-text search may write at it, which the counters must not show. */
  quietly(work: () => void): void {
    if (this.#unsettled) this.#counters.keep(work);
    else work();
  }

  /**
   * Makes full-text search write what it holds back, so that when it does depends on the entries and not on
   * the batch: its writes change the counters, and the shape of its index.
   */
  settle(): void {
    if (!this.#unsettled) return;
    this.quietly(() => {
      this.#connection.command("SAVEPOINT _hql_settle");
      this.#connection.command("RELEASE _hql_settle");
    });
    this.#unsettled = false;
  }

  /** The transaction is committed. */
  committed(): void {
    this.#inTransaction = false;
  }

  /** What was written since the last {@linkcode begin} was undone; true if that was something, which is forgotten. */
  undone(): boolean {
    return this.#forget(this.#sinceBegin);
  }

  /** The same of what was written since the last {@linkcode settle}. */
  unsettledUndone(): boolean {
    return this.#forget(this.#unsettled);
  }

  #forget(anything: boolean): boolean {
    if (!anything) return false;
    this.#unsettled = false;
    this.#reopen();
    return true;
  }

  /** The transaction was rolled back. */
  rolledBack(): void {
    this.#unsettled = false;
    if (this.#inTransaction) this.#reopen();
    this.#inTransaction = false;
  }

  /** Reads the schema again, so that virtual tables are opened anew at their next use. */
  #reopen(): void {
    this.#connection.exec("PRAGMA writable_schema = RESET");
  }
}
