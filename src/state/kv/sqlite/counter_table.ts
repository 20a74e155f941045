import { latin1 } from "../../../util/latin1.ts";
import type { StoredCounter } from "../store.ts";
import type { ByteKey } from "../types.ts";
import { damagedRow, RowScratch } from "./checksums.ts";
import type { CacheDatabase, CacheStatement, FoundRow } from "./database.ts";
import { DueIndex, type DueRow, type DueTable } from "./due_table.ts";
import { pagesOf } from "./pagination.ts";

/** What the checksum of a row is over, but for its number. */
const COUNTER_ROW = "key, deadline, value, crc";
const FIRST_KEY = new Uint8Array(0);

/** Counters by number and key. They have 64 bits, so they are read as bigint. */
export class CounterTable implements DueTable {
  readonly #scratch = new RowScratch();
  readonly #get: CacheStatement;
  readonly #put: CacheStatement;
  readonly #delete: CacheStatement;
  readonly #due: DueIndex;
  readonly #page: CacheStatement;
  readonly #clear: CacheStatement;

  /** Those of `database`. */
  constructor(database: CacheDatabase) {
    const bigInts = { bigInts: true };
    this.#get = database.prepare(
      `SELECT ${COUNTER_ROW} FROM counters WHERE number = ? AND key = ?`,
      bigInts,
    );
    this.#put = database.prepare(
      `INSERT INTO counters(number, key, deadline, value, crc) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT(number, key) DO UPDATE SET deadline = excluded.deadline, value = excluded.value, crc = excluded.crc`,
    );
    this.#delete = database.prepare(
      "DELETE FROM counters WHERE number = ? AND key = ?",
    );
    this.#due = new DueIndex(database, "counters", COUNTER_ROW, true);
    this.#page = database.prepare(
      `SELECT ${COUNTER_ROW} FROM counters WHERE number = ? AND key >= ? ORDER BY key LIMIT ?`,
      bigInts,
    );
    this.#clear = database.prepare("DELETE FROM counters");
  }

  /**
   * A counter.
   * @throws {StateDamagedError} if it is not as it was written; so does every other read.
   */
  get(number: number, key: ByteKey): StoredCounter | null {
    const row = this.#get.get(number, this.#scratch.setKey(key));
    return row === undefined ? null : this.#counterOf(number, row)[1];
  }

  /** Stores a counter. */
  put(
    number: number,
    key: ByteKey,
    { value, deadlineMs }: StoredCounter,
  ): void {
    const keyBytes = this.#scratch.setKey(key);
    const crc = this.#scratch.counterCrc(number, deadlineMs, value);
    this.#put.run(number, keyBytes, deadlineMs, value, crc);
  }

  /** Removes a counter, if there is one. */
  delete(number: number, key: ByteKey): void {
    this.#delete.run(number, this.#scratch.setKey(key));
  }

  /** See {@linkcode DueTable.firstDeadline}. */
  firstDeadline(number: number): unknown {
    return this.#due.firstDeadline(number);
  }

  /** See {@linkcode DueTable.due}. */
  due(
    number: number,
    after: DueRow | null,
    nowMs: number,
    limit: number,
  ): DueRow[] {
    return this.#due.rows(number, after, nowMs, limit)
      .map((row) => {
        const [key, { deadlineMs }] = this.#counterOf(number, row);
        return { key, deadlineMs };
      });
  }

  /** All counters under a number. */
  all(number: number): Iterable<readonly [ByteKey, StoredCounter]> {
    return pagesOf(Infinity, () => 0, (last, count) => {
      const from = last === null
        ? FIRST_KEY
        : this.#scratch.setKey(last[0] + "\0").slice();
      return this.#page.all(number, from, count)
        .map((row) => this.#counterOf(number, row));
    });
  }

  /** Removes all. */
  clear(): void {
    this.#clear.run();
  }

  #counterOf(number: number, row: FoundRow): readonly [ByteKey, StoredCounter] {
    const [key, deadline, value, crc] = row;
    const deadlineMs = Number(deadline);
    if (
      !(key instanceof Uint8Array) || typeof value !== "bigint" ||
      Number.isNaN(deadlineMs)
    ) {
      throw damagedCounter(number);
    }
    this.#scratch.setFoundKey(key);
    const expected = this.#scratch.counterCrc(number, deadlineMs, value);
    if (BigInt(expected) !== crc) throw damagedCounter(number);
    return [latin1(key), { value, deadlineMs }];
  }
}

function damagedCounter(number: number): Error {
  return damagedRow(`a counter under number ${number}`);
}
