import { crc32 } from "node:zlib";
import type { SqlValue } from "../../sql/types.ts";
import { sizeOf } from "../../sql/values.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteRow,
  type SqliteStatement,
} from "../driver/driver.ts";
import { quotedName } from "../statement/text.ts";
import type { SchemaTraits } from "./schema_traits.ts";
import { keepsRows } from "./rowid_guards.ts";

/** Rows that are looked at where members compare their states. */
export const LOOKED_ROWS = 32;
/** Rows that are looked at with an entry that nobody waits for. */
export const IDLE_ROWS = 2048;

/** A piece ends after so many bytes of values, too. */
const PIECE_BYTES = 256 * 1024;

/** Where the scan is: after the row with `key` of a table, or before the first. */
interface ScanPlace {
  readonly table: string;
  readonly key: readonly SqlValue[];
}

/** How a table is read, piece by piece. */
interface Scanned {
  readonly name: string;
  readonly keys: number;
  readonly first: SqliteStatement;
  readonly next: SqliteStatement;
}

/**
 * Walks through the contents of all tables, a piece at each of certain entries: every member sums up the same
 * rows at the same index, since its place is kept in the database (`_hql_scan`: a table's name and a key's values). So a row that came to differ without any answer that showed it is found once the
 * walk gets there. Values are read as they are stored; nothing is evaluated.
 */
export class ContentsScan {
  readonly #connection: SqliteConnection;
  #schema: SchemaTraits | null = null;
  #names: readonly string[] = [];
  readonly #tables = new Map<string, Scanned>();
  /** Reads and writes the place. */
  readonly #kept: Record<"read" | "clear" | "add", SqliteStatement>;

  /** Reads through `connection`, within the entries' transactions; its bookkeeping's tables must be there. */
  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    const prepare = (sql: string): SqliteStatement => connection.prepare(sql)!;
    this.#kept = {
      read: prepare("SELECT value FROM main._hql_scan ORDER BY n"),
      clear: prepare("DELETE FROM main._hql_scan"),
      add: prepare("INSERT INTO main._hql_scan (value) VALUES (?)"),
    };
  }

  /** Adds the next piece, of up to `rows`, to a checksum; also answers what table it is of ("" if there is none). */
  next(
    schema: SchemaTraits,
    rows: number,
    hash: number,
  ): { hash: number; table: string } {
    this.#follow(schema);
    const place = this.#place();
    const name = this.#names.find((name) => name >= place.table);
    if (name === undefined) {
      this.#save("", []);
      return { hash, table: "" };
    }
    const table = this.#tables.get(name) ?? this.#prepare(name);
    const piece = read(table, name === place.table ? place.key : [], rows);
    // The next table is the first whose name is larger.
    if (piece.ended) this.#save(`${name}\x01`, []);
    else this.#save(name, piece.last);
    return { hash: crc32(name + piece.text, hash), table: table.name };
  }

  #follow(schema: SchemaTraits): void {
    if (schema === this.#schema) return;
    this.#schema = schema;
    this.#tables.clear();
    const names = [...schema.tables.keys()].filter((name) =>
      schema.rowidTables.get(name)?.virtual !== true
    );
    names.push(...[...schema.shadowTables].filter(keepsRows));
    this.#names = names.sort();
  }

  #prepare(folded: string): Scanned {
    const schema = this.#schema!;
    const name = schema.tables.get(folded) ?? folded;
    const columns = this.#connection.prepare(
      "SELECT name, pk, hidden FROM pragma_table_xinfo(?)",
    )!.all({ anonymous: [name], named: null }) as [string, number, number][];
    const stored = columns.filter(([, , hidden]) => hidden !== 2)
      .map(([column]) => quotedName(column));
    const rowid = schema.shadowTables.has(folded)
      ? "rowid"
      : schema.rowidTables.get(folded)?.rowid;
    const keys = rowid ? [rowid] : columns.filter(([, pk]) => pk > 0)
      .sort(([, a], [, b]) => a - b).map(([column]) => quotedName(column));
    const order = keys.join(", ");
    const select = `SELECT ${[...keys, ...stored].join(", ")} FROM main.${
      quotedName(name)
    } NOT INDEXED`;
    const marks = keys.map(() => "?").join(", ");
    const prepare = (sql: string): SqliteStatement =>
      this.#connection.prepare(sql)!;
    const scanned = {
      name,
      keys: keys.length,
      first: prepare(`${select} ORDER BY ${order}`),
      next: prepare(
        `${select} WHERE (${order}) > (${marks}) ORDER BY ${order}`,
      ),
    };
    this.#tables.set(folded, scanned);
    return scanned;
  }

  #place(): ScanPlace {
    const [table, ...key] = this.#kept.read.allBigInt(NO_BINDINGS)
      .map(([value]) => value!);
    return { table: (table ?? "") as string, key };
  }

  #save(table: string, key: readonly SqlValue[]): void {
    this.#kept.clear.run(NO_BINDINGS);
    for (const value of [table, ...key]) {
      this.#kept.add.run({ anonymous: [value], named: null });
    }
  }
}

function read(
  { keys, first, next }: Scanned,
  key: readonly SqlValue[],
  count: number,
): { text: string; last: SqliteRow; ended: boolean } {
  const found = key.length === 0
    ? first.rows(NO_BINDINGS)
    : next.rows({ anonymous: [...key], named: null });
  let text = "";
  let last: SqliteRow = [];
  let rows = 0;
  let bytes = 0;
  let ended = true;
  for (const row of found) {
    if (rows === count || bytes >= PIECE_BYTES) {
      ended = false;
      break;
    }
    rows++;
    text += "\n";
    for (const value of row) {
      bytes += sizeOf(value);
      text += render(value) + "\t";
    }
    last = row.slice(0, keys);
  }
  return { text, last, ended };
}

/** As the driver shows values: equal ones in equal words. */
function render(value: SqlValue): string {
  if (value instanceof Uint8Array) return `x${value.toHex()}`;
  if (typeof value === "string") return `'${value}`;
  return typeof value === "number" ? `r${value}` : String(value);
}
