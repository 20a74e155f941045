import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteStatement,
} from "../driver/driver.ts";
import { RESERVED_PREFIX } from "../statement/policy.ts";
import { foldName, namesIn } from "../statement/text.ts";
import { describeTable, type RowidTable } from "./rowid_table.ts";
import { datesDependedOn, type SchemaTraits } from "./schema_traits.ts";

/** A row of the schema, and what follows from its text. */
interface SchemaObject {
  readonly rowid: number;
  readonly type: string;
  readonly name: string;
  /** The table that it belongs to; its own name if it is one. */
  readonly table: string;
  readonly sql: string | null;
  readonly counted: readonly Counted[];
  /** An index or a generated column in it depends on dates. */
  readonly dated: boolean;
}

/** What is asked of the whole schema: whether a text says it anywhere. */
type Counted = "DEFERRED" | "FAIL" | "counters";

/** What a statement did to the schema: made new things only, removed some, or anything. */
export type SchemaStatement = "create" | "drop" | "other";

const ROWS = "SELECT rowid, type, name, tbl_name, sql FROM main.sqlite_schema";

/**
 * What the schema says about how entries must be applied, kept as it changes: making or removing one
 * of ten thousand tables reads what belongs to it, not all of them.
 */
export class Catalog {
  readonly #connection: SqliteConnection;
  readonly #newRows: SqliteStatement;
  readonly #row: SqliteStatement;
  readonly #count: SqliteStatement;
  readonly #objects = new Map<number, SchemaObject>();
  /** Rows by their folded name, and by that of the table that they belong to. */
  readonly #named = new Map<string, Set<number>>();
  readonly #counts = new Map<Counted, number>();
  readonly #dated = new Map<string, Map<number, string>>();
  readonly #tables = new Map<string, string>();
  readonly #rowidTables = new Map<string, RowidTable>();
  readonly #virtual = new Set<string>();
  readonly #shadows = new Set<string>();
  readonly #nameless = new Map<string, string>();
  #latest = 0;
  /** Views and triggers that came or changed since {@linkcode takeTexts}. */
  #texts: string[] = [];
  #shadowsCame = false;

  /** Of `connection`, which must allow everything; empty until {@linkcode read}. */
  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#newRows = connection.prepare(`${ROWS} WHERE rowid > ?`)!;
    this.#row = connection.prepare(`${ROWS} WHERE rowid = ?`)!;
    this.#count = connection.prepare(
      "SELECT count(*) FROM main.sqlite_schema",
    )!;
  }

  /** The traits of the schema as it was read last. */
  get traits(): SchemaTraits {
    const counts = this.#counts;
    return {
      defersForeignKeys: counts.has("DEFERRED"),
      mayFailPartly: counts.has("FAIL"),
      readsCounters: counts.has("counters"),
      dated: this.#dated,
      tables: this.#tables,
      rowidTables: this.#rowidTables,
      virtualTables: this.#virtual,
      shadowTables: this.#shadows,
      nameless: this.#nameless,
    };
  }

  /** Reads all of the schema, and looks more closely at what is not as it was. */
  read(): void {
    const gone = new Set(this.#objects.keys());
    const changed: SchemaObject[] = [];
    for (const row of this.#connection.prepare(ROWS)!.all(NO_BINDINGS)) {
      const object = objectOf(row as SchemaRow);
      const known = this.#objects.get(object.rowid);
      if (known === undefined) changed.push(object);
      else if (isSame(known, object)) gone.delete(object.rowid);
      else changed.push(object);
    }
    for (const rowid of gone) this.#remove(rowid);
    this.#addAll(changed);
    this.#latest = 0;
    for (const rowid of this.#objects.keys()) {
      if (rowid > this.#latest) this.#latest = rowid;
    }
  }

  /** Reads what the statement `sql` can have changed, in a schema that was read before it. */
  follow(what: SchemaStatement, sql: string): void {
    if (what === "other") return this.read();
    if (what === "create") {
      // SQLite gives a new row the rowid after the largest.
      const rows = this.#newRows.all(bind(this.#latest));
      return this.#addAll(rows.map((row) => objectOf(row as SchemaRow)));
    }
    for (const name of namesIn(sql)) {
      for (const rowid of [...this.#named.get(name) ?? []]) {
        if (this.#row.all(bind(rowid)).length === 0) this.#remove(rowid);
      }
    }
    // A virtual table takes others along.
    const [[count]] = this.#count.all(NO_BINDINGS) as [[number]];
    if (count !== this.#objects.size) return this.read();
    while (this.#latest > 0 && !this.#objects.has(this.#latest)) this.#latest--;
  }

  /** The views and triggers that could name a shadow table since the last call: the new ones, or all if there are new shadow tables. */
  takeTexts(): string[] {
    const texts = this.#shadowsCame
      ? [...this.#objects.values()].filter(({ type }) => isSeen(type))
        .map(({ sql }) => sql!)
      : this.#texts;
    this.#texts = [];
    this.#shadowsCame = false;
    return texts;
  }

  #addAll(objects: readonly SchemaObject[]): void {
    for (const object of objects) this.#add(object);
    try {
      // Only now are all of a virtual table's own tables there.
      for (const { type, name } of objects) {
        if (type === "table") this.#addTable(name);
      }
    } catch (error) {
      // Else what was not looked at would count as known.
      for (const { rowid } of objects) this.#remove(rowid);
      throw error;
    }
  }

  #add(object: SchemaObject): void {
    const { rowid, type, name, table, sql, counted, dated } = object;
    this.#objects.set(rowid, object);
    if (rowid > this.#latest) this.#latest = rowid;
    for (const key of new Set([foldName(name), foldName(table)])) {
      const rows = this.#named.get(key);
      if (rows === undefined) this.#named.set(key, new Set([rowid]));
      else rows.add(rowid);
    }
    for (const key of counted) {
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    }
    if (isSeen(type)) this.#texts.push(sql!);
    if (!dated) return;
    const folded = foldName(table);
    const texts = this.#dated.get(folded);
    if (texts === undefined) this.#dated.set(folded, new Map([[rowid, sql!]]));
    else texts.set(rowid, sql!);
  }

  #addTable(name: string): void {
    const described = describeTable(this.#connection, name);
    if (described === null) return;
    const folded = foldName(name);
    const { kind, rowidTable } = described;
    if (kind === "shadow") {
      this.#shadows.add(folded);
      this.#shadowsCame = true;
      return;
    }
    if (kind === "virtual") this.#virtual.add(folded);
    if (!folded.startsWith("sqlite_") && !folded.startsWith(RESERVED_PREFIX)) {
      this.#tables.set(folded, name);
    }
    if (rowidTable === null) return;
    this.#rowidTables.set(folded, rowidTable);
    if (rowidTable.rowid === null) this.#nameless.set(folded, name);
  }

  #remove(rowid: number): void {
    const { type, name, table, counted } = this.#objects.get(rowid)!;
    this.#objects.delete(rowid);
    const folded = foldName(name);
    for (const key of new Set([folded, foldName(table)])) {
      const rows = this.#named.get(key)!;
      rows.delete(rowid);
      if (rows.size === 0) this.#named.delete(key);
    }
    for (const key of counted) {
      const left = this.#counts.get(key)! - 1;
      if (left > 0) this.#counts.set(key, left);
      else this.#counts.delete(key);
    }
    const dated = this.#dated.get(foldName(table));
    if (dated?.delete(rowid) && dated.size === 0) {
      this.#dated.delete(foldName(table));
    }
    if (type !== "table") return;
    for (const map of [this.#tables, this.#rowidTables, this.#nameless]) {
      map.delete(folded);
    }
    this.#virtual.delete(folded);
    this.#shadows.delete(folded);
  }
}

type SchemaRow = [number, string, string, string, string | null];

function objectOf([rowid, type, name, table, sql]: SchemaRow): SchemaObject {
  const own = sql === null || name.startsWith(RESERVED_PREFIX);
  const counted = own ? [] : countedIn(sql);
  const dated = !own && datesDependedOn(sql).length > 0;
  return { rowid, type, name, table, sql, counted, dated };
}

function countedIn(sql: string): Counted[] {
  const counted: Counted[] = [];
  if (/\bDEFERRED\b/i.test(sql)) counted.push("DEFERRED");
  if (/\bFAIL\b/i.test(sql)) counted.push("FAIL");
  if (/last_insert_rowid|changes/i.test(sql)) counted.push("counters");
  return counted;
}

function isSame(one: SchemaObject, other: SchemaObject): boolean {
  return one.name === other.name && one.sql === other.sql &&
    one.table === other.table && one.type === other.type;
}

/** A view or a trigger: what shows when it is read. */
function isSeen(type: string): boolean {
  return type === "view" || type === "trigger";
}

function bind(rowid: number): { anonymous: bigint[]; named: null } {
  return { anonymous: [BigInt(rowid)], named: null };
}
