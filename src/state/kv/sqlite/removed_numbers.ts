import type { CacheDatabase, CacheStatement } from "./database.ts";
import { RecordTable } from "./record_table.ts";

/** Numbers that are out of sight, whose rows are removed by and by: all at once they could hold up this thread for seconds. */
export class RemovedNumbers {
  readonly #table: RecordTable;
  readonly #sweeps: readonly CacheStatement[];
  #numbers: number[] = [];

  /** Those of `database`. */
  constructor(database: CacheDatabase) {
    this.#table = new RecordTable(database, "removed");
    this.#sweeps = [
      database.prepare(
        "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE number = ?1 LIMIT ?2)",
      ),
      database.prepare(
        "DELETE FROM counters WHERE number = ?1 AND key IN (SELECT key FROM counters WHERE number = ?1 LIMIT ?2)",
      ),
    ];
  }

  /** Finds what is still to be removed. */
  load(): void {
    this.#numbers = this.#table.load((_, number) => number);
  }

  /** Has the rows under a number removed. */
  add(number: number): void {
    this.#table.save(number, () => {});
    this.#numbers.push(number);
  }

  /** Removes so many rows in the open transaction, if there are so many. */
  sweep(limit: number): void {
    let left = limit;
    while (this.#numbers.length > 0) {
      const number = this.#numbers[0]!;
      for (const sweep of this.#sweeps) left -= sweep.run(number, left);
      if (left <= 0) return;
      this.#table.delete(number);
      this.#numbers.shift();
    }
  }

  /** Forgets them: all rows are gone. */
  clear(): void {
    this.#table.clear();
    this.#numbers = [];
  }
}
