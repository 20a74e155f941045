import { crc32 } from "node:zlib";
import { latin1 } from "../../../util/latin1.ts";
import type { StoredEntry } from "../store.ts";
import type { ByteKey, KvRange } from "../types.ts";
import { VALUE_KINDS } from "../../stored_value.ts";
import { damagedRow, RowScratch } from "./checksums.ts";
import type { CacheDatabase, CacheStatement, FoundRow } from "./database.ts";
import { DueIndex, type DueRow, type DueTable } from "./due_table.ts";
import { pagesOf } from "./pagination.ts";

/** What the checksum of a row is over, but for its number. */
const HEAD = "key, deadline, version, kind, bytes_crc, crc";

/** Entries by number and key. */
export class EntryTable implements DueTable {
  readonly #scratch = new RowScratch();
  readonly #get: CacheStatement;
  readonly #put: CacheStatement;
  readonly #delete: CacheStatement;
  readonly #oldest: CacheStatement;
  readonly #due: DueIndex;
  readonly #clear: CacheStatement;
  readonly #up: CacheStatement;
  readonly #upBefore: CacheStatement;
  readonly #down: CacheStatement;
  readonly #downBefore: CacheStatement;

  /** Those of `database`. */
  constructor(database: CacheDatabase) {
    const page = (where: string, order: string): CacheStatement =>
      database.prepare(
        `SELECT ${HEAD}, bytes FROM entries WHERE number = ?1 AND ${where} ORDER BY key ${order} LIMIT ?2`,
      );
    this.#get = database.prepare(
      `SELECT deadline, version, kind, bytes_crc, crc, bytes FROM entries WHERE number = ? AND key = ?`,
    );
    this.#put = database.prepare(
      `INSERT INTO entries(number, key, deadline, version, kind, evicts, bytes_crc, crc, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT(number, key) DO UPDATE SET deadline = excluded.deadline, version = excluded.version, kind = excluded.kind,
       bytes_crc = excluded.bytes_crc, crc = excluded.crc, bytes = excluded.bytes`,
    );
    this.#delete = database.prepare(
      "DELETE FROM entries WHERE number = ? AND key = ?",
    );
    this.#oldest = database.prepare(
      `SELECT ${HEAD} FROM entries INDEXED BY entries_age WHERE number = ? AND evicts = 1 ORDER BY version LIMIT 1`,
    );
    this.#due = new DueIndex(database, "entries", HEAD, false);
    this.#clear = database.prepare("DELETE FROM entries");
    this.#up = page("key >= ?3", "ASC");
    this.#upBefore = page("key >= ?3 AND key < ?4", "ASC");
    this.#down = page("key >= ?3", "DESC");
    this.#downBefore = page("key >= ?3 AND key < ?4", "DESC");
  }

  /**
   * An entry; its bytes are the caller's.
   * @throws {StateDamagedError} if it is not as it was written; so does every other read.
   */
  get(number: number, key: ByteKey): StoredEntry | null {
    const row = this.#get.get(number, this.#scratch.setKey(key));
    if (row === undefined) return null;
    const [deadlineMs, version, kind, bytesCrc, crc, bytes] = row;
    this.#verify(number, deadlineMs, version, kind, bytesCrc, crc);
    return entryOfRow(number, deadlineMs, version, kind, bytesCrc, bytes);
  }

  /** Stores an entry. `evicts`: it has a place in the order of versions. */
  put(
    number: number,
    key: ByteKey,
    { kind, bytes, version, deadlineMs }: StoredEntry,
    evicts: boolean,
  ): void {
    const scratch = this.#scratch;
    const keyBytes = scratch.setKey(key);
    const kindCode = VALUE_KINDS.indexOf(kind);
    const bytesCrc = crc32(bytes);
    const crc = scratch.entryCrc(
      number,
      deadlineMs,
      version,
      kindCode,
      bytesCrc,
    );
    this.#put.run(
      number,
      keyBytes,
      deadlineMs,
      version,
      kindCode,
      evicts ? 1 : 0,
      bytesCrc,
      crc,
      bytes,
    );
  }

  /** Removes an entry, if there is one. */
  delete(number: number, key: ByteKey): void {
    this.#delete.run(number, this.#scratch.setKey(key));
  }

  /** The entry with the smallest version of those that evict. */
  oldest(number: number): ByteKey | null {
    const row = this.#oldest.get(number);
    return row === undefined ? null : this.#keyOf(number, row);
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
      .map((row) => ({
        key: this.#keyOf(number, row),
        deadlineMs: row[1] as number,
      }));
  }

  /** Keys of a range in order, with their entries. */
  range(
    number: number,
    { start, end, reverse, limit }: KvRange,
  ): Iterable<readonly [ByteKey, StoredEntry]> {
    const bound = (key: ByteKey): Uint8Array =>
      this.#scratch.setKey(key).slice();
    const read = (from: Uint8Array, to: Uint8Array | null, count: number) => {
      const rows = to === null
        ? (reverse ? this.#down : this.#up).all(number, count, from)
        : (reverse ? this.#downBefore : this.#upBefore)
          .all(number, count, from, to);
      return rows.map((row) => this.#entryOf(number, row));
    };
    return pagesOf(limit, ([, { bytes }]) => bytes.length, (last, count) => {
      const low = bound(start);
      const high = end === null ? null : bound(end);
      if (last === null) return read(low, high, count);
      const [key] = last;
      if (reverse) return read(low, bound(key), count);
      // The next key after one is the same with a zero at its end.
      return read(bound(key + "\0"), high, count);
    });
  }

  /** Removes all. */
  clear(): void {
    this.#clear.run();
  }

  #entryOf(number: number, row: FoundRow): readonly [ByteKey, StoredEntry] {
    const key = this.#keyOf(number, row);
    const [, deadlineMs, version, kind, bytesCrc, , bytes] = row;
    return [
      key,
      entryOfRow(number, deadlineMs, version, kind, bytesCrc, bytes),
    ];
  }

  /** The key of a row that begins with its head. */
  #keyOf(number: number, row: FoundRow): ByteKey {
    const [key, deadlineMs, version, kind, bytesCrc, crc] = row;
    if (!(key instanceof Uint8Array)) throw damagedEntry(number);
    this.#scratch.setFoundKey(key);
    this.#verify(number, deadlineMs, version, kind, bytesCrc, crc);
    return latin1(key);
  }

  /** Checks what was found beside the key that was set. */
  #verify(
    number: number,
    deadlineMs: unknown,
    version: unknown,
    kind: unknown,
    bytesCrc: unknown,
    crc: unknown,
  ): void {
    const same = typeof deadlineMs === "number" &&
      typeof version === "number" && typeof kind === "number" &&
      typeof bytesCrc === "number" && VALUE_KINDS[kind] !== undefined &&
      bytesCrc >>> 0 === bytesCrc &&
      this.#scratch.entryCrc(number, deadlineMs, version, kind, bytesCrc) ===
        crc;
    if (!same) throw damagedEntry(number);
  }
}

/** What a row says whose head was verified. */
function entryOfRow(
  number: number,
  deadlineMs: unknown,
  version: unknown,
  kind: unknown,
  bytesCrc: unknown,
  bytes: unknown,
): StoredEntry {
  if (!(bytes instanceof Uint8Array) || crc32(bytes) !== bytesCrc) {
    throw damagedEntry(number);
  }
  return {
    kind: VALUE_KINDS[kind as number]!,
    bytes,
    version: version as number,
    deadlineMs: deadlineMs as number,
  };
}

function damagedEntry(number: number): Error {
  return damagedRow(`an entry under number ${number}`);
}
