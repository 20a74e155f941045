import { HiqliteError } from "../../../errors.ts";
import { NO_BINDINGS, type SqliteConnection } from "../driver/driver.ts";
import type { Compiled } from "../statement/cache.ts";
import { GUARD_FUNCTION, ROWID_GUARD } from "../statement/policy.ts";
import { foldName, quotedName } from "../statement/text.ts";
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
const ROWID_SHADOW = /_(?:content|docsize|rowid)$/;
const CONFIG_SHADOW = /_config$/;
const REFUSED_WORDS =
  "NEW.k IN ('crisismerge', 'hashsize', 'pgsz') OR NEW.k = 'automerge' AND CAST(NEW.v AS INTEGER) < 2";

/** Whether a shadow table holds its virtual table's rows, rather than an index of them. */
export function keepsRows(shadow: string): boolean {
  return ROWID_SHADOW.test(shadow);
}

/** When a trigger refuses, and how it says so. */
interface Guard {
  readonly event: string;
  readonly when: string;
  readonly body: string;
}

/**
 * Keeps the largest rowid free: with a row under it SQLite draws the next rowids at random,
 * differently on each member, or, with AUTOINCREMENT, fails as if the disk were full. Also refuses
 * what lets a full-text index run out of segments.
 */
export class RowidGuards {
  readonly #connection: SqliteConnection;
  readonly #context: EntryContext;
  /** How many guards were made: a table that is renamed keeps the names of its own. */
  #made = 0;

  /** Guards the tables of `connection`. */
  constructor(connection: SqliteConnection, context: EntryContext) {
    this.#connection = connection;
    this.#context = context;
    // Full-text search replaces what RAISE says by words of its own.
    connection.define(GUARD_FUNCTION, false, (what) => {
      context.guarded = what === "config" ? "config" : "rowid";
      return null;
    });
  }

  /**
   * Gives each table triggers that refuse the rowid row by row, since a statement of many rows would go
   * on from it: on INSERT, and on UPDATE of the key, which is also what UPSERT and foreign keys do.
   * A virtual table keeps its rowids in tables of its own.
   */
  install({ rowidTables, shadowTables }: SchemaTraits): void {
    const made = this.#installed();
    for (const [folded, { name, virtual, rowid, keys }] of rowidTables) {
      if (virtual || rowid === null) continue;
      this.#guard(made.get(folded), name, rowidGuards(rowid, keys));
    }
    for (const name of shadowTables) {
      if (!keepsRows(name) && !CONFIG_SHADOW.test(name)) continue;
      this.#guard(made.get(name), name, [shadowGuard(name)]);
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
      guards.every(({ event, when }) =>
        made.some(([, sql]) => sql.includes(event) && sql.includes(when))
      );
    if (holds) return;
    for (const [name] of made) {
      this.#connection.exec(`DROP TRIGGER temp.${quotedName(name)}`);
    }
    for (const { event, when, body } of guards) {
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
   * Looks at what no trigger sees: the sequences.
   * @throws {HiqliteError} `constraint` if an AUTOINCREMENT would have nothing left.
   */
  check({ observed }: Compiled): void {
    for (const table of observed.writes) {
      if (table === SEQUENCES) this.#checkSequences();
    }
  }

  /**
   * Fails a statement whose virtual table met a guard: SQLite may have ignored that (OR IGNORE). A setting
   * that was not stored is in the memory of this connection by now, which alone would keep it until its
   * next start: a change of the settings that is undone makes full-text search read them again.
   * @throws {HiqliteError} `constraint` or `forbidden`.
   */
  refuse({ shadowTables }: SchemaTraits): never {
    const what = this.#context.guarded;
    this.#context.guarded = null;
    if (what !== "config") throw new HiqliteError("constraint", RESERVED_ROWID);
    for (const shadow of shadowTables) {
      if (!CONFIG_SHADOW.test(shadow)) continue;
      const table = quotedName(shadow.replace(CONFIG_SHADOW, ""));
      this.#connection.command("SAVEPOINT _hql_config");
      try {
        this.#connection.exec(
          `INSERT INTO main.${table}(${table}, rank) VALUES ('automerge', 4)`,
        );
      } finally {
        this.#connection.command("ROLLBACK TO _hql_config");
        this.#connection.command("RELEASE _hql_config");
      }
    }
    throw new HiqliteError("forbidden", REFUSED_CONFIG);
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

/** FAIL rather than ABORT, for which SQLite would open a savepoint, and full-text search write all it has, with each row. */
function shadowGuard(table: string): Guard {
  const config = CONFIG_SHADOW.test(table);
  const what = config ? "config" : "rowid";
  return {
    event: "INSERT",
    when: config ? REFUSED_WORDS : `NEW.rowid = ${INT64_MAX}`,
    body:
      `SELECT ${GUARD_FUNCTION}('${what}'); SELECT RAISE(FAIL, 'reserved');`,
  };
}
