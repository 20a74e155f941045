import { crc32 } from "node:zlib";
import { ByteReader, ByteWriter } from "../../../util/bytes.ts";
import { damagedRow } from "./checksums.ts";
import type { CacheDatabase, CacheStatement } from "./database.ts";
import type { RECORD_TABLES } from "./schema.ts";

/** Small records by numbers, each with a checksum. */
export class RecordTable {
  readonly #name: string;
  readonly #select: CacheStatement;
  readonly #upsert: CacheStatement;
  readonly #delete: CacheStatement;
  readonly #clear: CacheStatement;
  readonly #writer = new ByteWriter();

  /** Those in a table of `database`. */
  constructor(database: CacheDatabase, name: typeof RECORD_TABLES[number]) {
    this.#name = name;
    this.#select = database.prepare(
      `SELECT id, crc, record FROM ${name} ORDER BY id`,
    );
    this.#upsert = database.prepare(
      `INSERT INTO ${name}(id, crc, record) VALUES (?, ?, ?) ON CONFLICT(id) DO UPDATE SET crc = excluded.crc, record = excluded.record`,
    );
    this.#delete = database.prepare(`DELETE FROM ${name} WHERE id = ?`);
    this.#clear = database.prepare(`DELETE FROM ${name}`);
  }

  /**
   * All of them, by their numbers.
   * @throws {StateDamagedError} if one is not as it was written.
   */
  load<T>(read: (reader: ByteReader, id: number) => T): T[] {
    return this.#select.all().map(([id, crc, record]) => {
      if (typeof id !== "number" || !(record instanceof Uint8Array)) {
        throw this.#damaged(id);
      }
      if (this.#crc(id, record) !== crc) throw this.#damaged(id);
      return read(new ByteReader(record), id);
    });
  }

  /** Stores a record, or its next form. */
  save(id: number, write: (writer: ByteWriter) => void): void {
    write(this.#writer.reset());
    const record = this.#writer.view();
    this.#upsert.run(id, this.#crc(id, record), record);
  }

  /** Removes one; what is not there needs no removal. */
  delete(id: number): void {
    this.#delete.run(id);
  }

  /** Removes all. */
  clear(): void {
    this.#clear.run();
  }

  #crc(id: number, record: Uint8Array): number {
    return crc32(record, crc32(`${this.#name} ${id}`));
  }

  #damaged(id: unknown): Error {
    return damagedRow(`record ${id} of ${this.#name}`);
  }
}
