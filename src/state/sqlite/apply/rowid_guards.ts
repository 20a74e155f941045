import { HiqliteError } from "../../../errors.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  SqliteError,
  type SqliteStatement,
} from "../driver/driver.ts";
import type { Compiled } from "../statement/cache.ts";
import {
  type Observed,
  ROWID_GUARD,
  STRICT_FUNCTION,
} from "../statement/policy.ts";
import { foldName, quotedName } from "../statement/text.ts";
import { dateGuards, type Guard } from "./date_guards.ts";
import type { EntryContext } from "./entry_context.ts";
import type { SchemaTraits } from "./schema_traits.ts";

const INT64_MAX = 2n ** 63n - 1n;
/** Names no table: a guard does not hear of a new name, and every member must answer the same. */
const RESERVED_ROWID =
  `The rowid ${INT64_MAX} is reserved: SQLite would choose the next ones at random`;
const REFUSED_CONFIG =
  "crisismerge, hashsize, pgsz and automerge below 2 are not allowed: a full-text index could use up its segments";
const SEQUENCES = "sqlite_sequence";
/** Shadow tables whose rowids are those of their virtual table. */
const ROWID_SHADOWS = ["_content", "_docsize", "_rowid"];
const CHECKED_SHADOWS = [...ROWID_SHADOWS, "_config", "_segdir"];
const NONE: readonly string[] = [];
const CONFIG_SHADOW = /_config$/;
const REFUSED_WORDS =
  "k IN ('crisismerge', 'hashsize', 'pgsz') OR k = 'automerge' AND CAST(v AS INTEGER) < 2";

/** Whether a shadow table holds its virtual table's rows, rather than an index of them. */
export function keepsRows(shadow: string): boolean {
  return ROWID_SHADOWS.some((end) => shadow.endsWith(end));
}

/**
 * With a trigger on an INSERT that may fail, SQLite opens a savepoint, and full-text search writes all it has, with
 * each row. It puts rows into `_docsize` by REPLACE, which cannot: so `_content` is guarded only if that is missing.
 */
function isGuarded(shadow: string, shadows: ReadonlySet<string>): boolean {
  if (shadow.endsWith("_content")) {
    return !shadows.has(shadow.replace(/_content$/, "_docsize"));
  }
  return keepsRows(shadow);
}

/**
 * Keeps the largest rowid free: with a row under it SQLite draws the next rowids at random,
 * differently on each member, or, with AUTOINCREMENT, fails as if the disk were full. Also refuses
 * what lets a full-text index run out of segments.
 */
export class RowidGuards {
  readonly #connection: SqliteConnection;
  readonly #context: EntryContext;
  /** Look for the largest rowid, by shadow table. */
  readonly #lookups = new Map<string, SqliteStatement>();
  /** How many guards were made: a table that is renamed keeps the names of its own. */
  #made = 0;

  /** Guards the tables of `connection`. */
  constructor(connection: SqliteConnection, context: EntryContext) {
    this.#connection = connection;
    this.#context = context;
    connection.define(STRICT_FUNCTION, false, (on) => {
      context.strict = on !== 0n;
      return 0;
    });
  }

  /**
   * Gives each table triggers that refuse the rowid row by row, since a statement of many rows would go
   * on from it: on INSERT, and on UPDATE of the key, which is also what UPSERT and foreign keys do.
   * A virtual table keeps its rowids in tables of its own.
   */
  install(schema: SchemaTraits): void {
    const { rowidTables, shadowTables, tables } = schema;
    const made = this.#installed();
    const dates = dateGuards(this.#connection, schema);
    for (const [folded, name] of tables) {
      const table = rowidTables.get(folded);
      if (table?.virtual) continue;
      this.#guard(made.get(folded), name, [
        ...(table?.rowid ? rowidGuards(table.rowid, table.keys) : []),
        ...(dates.get(folded) ?? []),
      ]);
    }
    for (const name of shadowTables) {
      if (!isGuarded(name, shadowTables)) continue;
      this.#guard(made.get(name), name, [SHADOW_GUARD]);
    }
  }

  /** The triggers that exist, by folded table: name and text. */
  #installed(): Map<string, [string, string][]> {
    const found = new Map<string, [string, string][]>();
    const rows = this.#connection.prepare(
      "SELECT tbl_name, name, sql FROM temp.sqlite_schema WHERE type = 'trigger'",
    )!.all(NO_BINDINGS) as [string, string, string][];
    for (const [table, name, sql] of rows) {
      const folded = foldName(table);
      const guards = found.get(folded);
      if (guards === undefined) found.set(folded, [[name, sql]]);
      else guards.push([name, sql]);
    }
    return found;
  }

  /** SQLite carries guards along when it renames a table or a column, but not when a column takes a name of the rowid. */
  #guard(
    made: readonly [string, string][] = [],
    table: string,
    guards: readonly Guard[],
  ): void {
    const holds = made.length === guards.length &&
      guards.every(({ event, when = "true", body }) =>
        made.some(([, sql]) =>
          sql.includes(event) && sql.includes(when) && sql.includes(body)
        )
      );
    if (holds) return;
    for (const [name] of made) {
      this.#connection.exec(`DROP TRIGGER temp.${quotedName(name)}`);
    }
    for (const { event, when = "true", body } of guards) {
      this.#connection.exec(
        `CREATE TEMP TRIGGER "${ROWID_GUARD}${++this.#made}"
         AFTER ${event} ON main.${quotedName(table)} WHEN ${when}
         BEGIN ${body} END`,
      );
    }
  }

  /** @throws {HiqliteError} `forbidden` if a table's rowid cannot be asked for, and so not be guarded. */
  requireNames({ rowidTables }: SchemaTraits): void {
    for (const { name, rowid } of rowidTables.values()) {
      if (rowid !== null) continue;
      throw new HiqliteError(
        "forbidden",
        `Columns of ${name} take all names of its rowid (rowid, _rowid_, oid), so that it cannot be guarded: name one of them differently, or declare an INTEGER PRIMARY KEY or WITHOUT ROWID`,
      );
    }
  }

  /**
   * Looks at what no trigger sees, or says in vain: sequences, settings of full-text search, INSERT OR IGNORE into virtual tables.
   * @throws {HiqliteError} `constraint` if there is a row under the largest rowid, or an AUTOINCREMENT would have nothing left; `forbidden` for a setting.
   */
  check({ observed, shadows }: Compiled): void {
    if (observed.writes.has(SEQUENCES)) this.#checkSequences();
    if (shadows === null || shadows.length === 0) return;
    for (const shadow of shadows) {
      if (!this.#hasRefused(shadow)) continue;
      throw CONFIG_SHADOW.test(shadow)
        ? new HiqliteError("forbidden", REFUSED_CONFIG)
        : new HiqliteError("constraint", RESERVED_ROWID);
    }
  }

  /** Settings must not have triggers: full-text search stores some while it writes, and would begin again to write. */
  #hasRefused(shadow: string): boolean {
    let lookup = this.#lookups.get(shadow);
    if (lookup === undefined) {
      const refused = CONFIG_SHADOW.test(shadow)
        ? REFUSED_WORDS
        : `rowid = ${INT64_MAX}`;
      lookup = this.#connection.prepare(
        `SELECT 1 FROM main.${quotedName(shadow)} WHERE ${refused}`,
      )!;
      this.#lookups.set(shadow, lookup);
    }
    return lookup.all(NO_BINDINGS).length > 0;
  }

  /** Forgets what depends on the schema. */
  forget(): void {
    this.#lookups.clear();
  }

  #checkSequences(): void {
    const exhausted = this.#connection.prepare(
      `SELECT 1 FROM main.${SEQUENCES} WHERE CAST(seq AS INTEGER) = ${INT64_MAX}`,
    )!.all(NO_BINDINGS);
    if (exhausted.length > 0) {
      throw new HiqliteError("constraint", RESERVED_ROWID);
    }
  }
}

/** Where a statement may have left what guards refuse: the tables of the virtual tables that it writes. */
export function shadowsWritten(
  { writes }: Observed,
  { shadowTables }: SchemaTraits,
): readonly string[] {
  if (shadowTables.size === 0) return NONE;
  return [...writes].flatMap((table) =>
    CHECKED_SHADOWS.map((end) => foldName(table) + end)
      .filter((shadow) => shadowTables.has(shadow))
  );
}

/** What a virtual table says when a guard stopped it, or a row was there already. */
export function explained(error: unknown): unknown {
  const silent = error instanceof SqliteError &&
    error.message === "constraint failed";
  return silent
    ? new HiqliteError(
      "constraint",
      `A constraint of a virtual table failed: there is a row under that rowid, or it is ${INT64_MAX}, which is reserved`,
    )
    : error;
}

function rowidGuards(rowid: string, keys: readonly string[]): Guard[] {
  const when = `NEW.${rowid} = ${INT64_MAX}`;
  const body = `SELECT RAISE(ABORT, '${RESERVED_ROWID}');`;
  // SQLite compares these words with those of the UPDATE, and does not ask whether they are columns.
  const names = [...keys.map(quotedName), "rowid", "_rowid_", "oid"];
  return [
    { event: "INSERT", when, body },
    { event: `UPDATE OF ${names.join(", ")}`, when, body },
  ];
}

/** FAIL rather than ABORT, for the reason at `isGuarded`. */
const SHADOW_GUARD: Guard = {
  event: "INSERT",
  when: `NEW.rowid = ${INT64_MAX}`,
  body: "SELECT RAISE(FAIL, 'reserved');",
};
