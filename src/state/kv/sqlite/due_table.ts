import type { ByteKey } from "../types.ts";
import { RowScratch } from "./checksums.ts";
import type { CacheDatabase, CacheStatement, FoundRow } from "./database.ts";

const FIRST_KEY = new Uint8Array(0);

/** What is due under one number of one table. */
export interface DueRow {
  readonly key: ByteKey;
  readonly deadlineMs: number;
}

/** A table whose rows have deadlines. */
export interface DueTable {
  /** The earliest deadline under a number as it is found; undefined if there is none. */
  firstDeadline(number: number): unknown;
  /** What is due at `nowMs` by deadline, then key: so many rows after one. */
  due(
    number: number,
    after: DueRow | null,
    nowMs: number,
    limit: number,
  ): DueRow[];
}

/** The index of a table's deadlines, which has the name of the table and `_due`. */
export class DueIndex {
  readonly #scratch = new RowScratch();
  readonly #first: CacheStatement;
  readonly #due: CacheStatement;

  /** Reads `columns` of a table. `bigInts`: integers as bigint. */
  constructor(
    database: CacheDatabase,
    table: "entries" | "counters",
    columns: string,
    bigInts: boolean,
  ) {
    const indexed =
      `FROM ${table} INDEXED BY ${table}_due WHERE number = ? AND deadline > 0`;
    this.#first = database.prepare(
      `SELECT deadline ${indexed} ORDER BY deadline LIMIT 1`,
    );
    this.#due = database.prepare(
      `SELECT ${columns} ${indexed}
       AND (deadline, key) > (?, ?) AND deadline <= ? ORDER BY deadline, key LIMIT ?`,
      { bigInts },
    );
  }

  /** See {@linkcode DueTable.firstDeadline}. */
  firstDeadline(number: number): unknown {
    return this.#first.get(number)?.[0];
  }

  /** The rows of {@linkcode DueTable.due}. */
  rows(
    number: number,
    after: DueRow | null,
    nowMs: number,
    limit: number,
  ): readonly FoundRow[] {
    const key = after === null
      ? FIRST_KEY
      : this.#scratch.setKey(after.key).slice();
    return this.#due.all(number, after?.deadlineMs ?? 0, key, nowMs, limit);
  }
}
