import { HiqliteError } from "../../../errors.ts";
import type { SqlValue } from "../../sql/types.ts";
import { narrowRow, sizeOf } from "../../sql/values.ts";
import {
  type Bindings,
  NO_BINDINGS,
  type SqliteConnection,
  SqliteError,
  type SqliteStatement,
} from "../driver/driver.ts";
import { SPOOL_TABLE } from "../statement/policy.ts";
import { looksFull, readFailure } from "../driver/result_codes.ts";

/** The most that all rows of a stream may take on the disk, bytes. */
export const SPOOL_BYTES_MAX: number = 1024 ** 3;
/** A page ends with the row that fills it; one row may be larger. */
const PAGE_ROWS = 1000;
const PAGE_BYTES = 256 * 1024;
const TABLE = `temp.${SPOOL_TABLE}`;
const SQLITE_IOERR = 10;

/**
 * The rows of one query in a temporary table of its connection: they are all there before the first is read, so
 * that no error can look like their end, and nobody who reads slowly keeps a view of the database open.
 */
export class Spool {
  readonly #connection: SqliteConnection;
  /** Names of the columns. */
  readonly columns: readonly string[];
  readonly #fill: SqliteStatement;
  readonly #bytesMax: number;
  #pages: SqliteStatement | null = null;
  #count = 0;
  #taken = 0;

  /** Makes the table for the rows of `query`, a SELECT that was compiled on `connection`; of one query on each. */
  constructor(
    connection: SqliteConnection,
    query: SqliteStatement,
    bytesMax: number,
  ) {
    this.#connection = connection;
    this.columns = query.columns;
    this.#bytesMax = bytesMax;
    // Without a type a column keeps every value as it is.
    const names = this.columns.map((_, at) => `c${at}`);
    connection.exec(
      `PRAGMA query_only = OFF; CREATE TABLE ${TABLE} (${names})`,
    );
    const [row] = connection.prepare("PRAGMA temp.page_size")!
      .all(NO_BINDINGS);
    const pages = Math.max(1, Math.floor(bytesMax / (row![0] as number)));
    connection.exec(`PRAGMA temp.max_page_count = ${pages}`);
    this.#fill = connection.prepare(`INSERT INTO ${TABLE} ${query.source}`)!;
  }

  /** How many rows there are in all. */
  get count(): number {
    return this.#count;
  }

  /** Runs the query. @throws {HiqliteError} `too_large`; {@linkcode SqliteError} */
  fill(bindings: Bindings): void {
    try {
      this.#count = this.#fill.run(bindings).changes;
    } catch (error) {
      if (!looksFull(error)) throw error;
      throw new HiqliteError(
        "too_large",
        `The rows take more than ${this.#bytesMax} bytes, or more than the disk has; read them in parts, each with a range of keys`,
        { cause: error },
      );
    }
  }

  /** The next rows; none after the last. @throws {HiqliteError} `storage` */
  page(): SqlValue[][] {
    try {
      return this.#page();
    } catch (error) {
      throw readFailure(error, null);
    }
  }

  #page(): SqlValue[][] {
    // Rowids were given in the query's order.
    this.#pages ??= this.#connection.prepare(
      `SELECT * FROM ${TABLE} WHERE rowid > ? ORDER BY rowid LIMIT ${PAGE_ROWS}`,
    )!;
    const rows: SqlValue[][] = [];
    let bytes = 0;
    const bindings = { anonymous: [BigInt(this.#taken)], named: null };
    for (const row of this.#pages.rows(bindings)) {
      rows.push(narrowRow(row));
      for (const value of row) bytes += sizeOf(value);
      if (bytes >= PAGE_BYTES) break;
    }
    this.#taken += rows.length;
    // Some drivers show an error between rows as their end.
    if (rows.length === 0 && this.#taken < this.#count) {
      throw new SqliteError(
        `Only ${this.#taken} of ${this.#count} rows can be read`,
        SQLITE_IOERR,
      );
    }
    return rows;
  }
}
