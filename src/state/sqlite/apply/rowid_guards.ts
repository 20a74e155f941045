import { HiqliteError } from "../../../errors.ts";
import { INT64_MAX } from "../../../util/int64.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  SqliteError,
  type SqliteStatement,
} from "../driver/driver.ts";
import type { SqlValue } from "../../sql/types.ts";
import type { Compiled } from "../statement/cache.ts";
import { ROWID_GUARD, STRICT_FUNCTION } from "../statement/policy.ts";
import type { Observed } from "../statement/observed.ts";
import { insertsOneRow } from "../statement/one_row.ts";
import { foldName, quotedName } from "../statement/text.ts";
import { dateLooks } from "./date_guards.ts";
import type { EntryContext } from "./entry_context.ts";
import type { RowidTable } from "./rowid_table.ts";
import type { SchemaTraits } from "./schema_traits.ts";

/** Names no table: a guard does not hear of a new name, and every member must answer the same. */
const RESERVED_ROWID =
  `The rowid ${INT64_MAX} is reserved: SQLite would choose the next ones at random`;
const REFUSED_CONFIG =
  "crisismerge, hashsize, pgsz and automerge below 2 are not allowed: a full-text index could use up its segments";
/** Where SQLite keeps the sequences of AUTOINCREMENT, once there is one. */
export const SEQUENCES = "sqlite_sequence";
/** Which of its rows say that a table has no rowid left. */
export const USED_UP_SEQUENCE = `CAST(seq AS INTEGER) = ${INT64_MAX}`;
const INSERT = "INSERT";
/** Shadow tables whose rowids are those of their virtual table. */
const ROWID_SHADOWS = ["_content", "_docsize", "_rowid"];
const CHECKED_SHADOWS = [...ROWID_SHADOWS, "_config", "_stat", "_segdir"];
const NONE: readonly string[] = [];
const CONFIG_SHADOW = /_config$/;
const STAT_SHADOW = /_stat$/;
const REFUSED_WORDS =
  "k IN ('crisismerge', 'hashsize', 'pgsz') OR k = 'automerge' AND CAST(v AS INTEGER) < 2";
/** Where FTS4 keeps its `automerge`, which merges at COMMIT if the transaction wrote enough: so its cut would show. */
const AUTOMERGE_ON = "id = 2 AND CAST(value AS INTEGER) <> 0";
const REFUSED_AUTOMERGE =
  "automerge of FTS4 is not allowed: what it merges depends on how writes were gathered into transactions; use 'merge=X,Y', or FTS5";

/** Whether a shadow table holds its virtual table's rows, rather than an index of them. */
export function keepsRows(shadow: string): boolean {
  return ROWID_SHADOWS.some((end) => shadow.endsWith(end));
}

/** When a trigger refuses, and how it says so. */
interface Guard {
  readonly event: string;
  /** @default {"AFTER"} */
  readonly moment?: "BEFORE";
  /** @default {"true"} */
  readonly when?: string;
  readonly body: string;
}

/** A guard as it is stored. */
type Trigger = [name: string, sql: string];

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
  /** The guards that exist, by folded table. */
  #installed = new Map<string, Trigger[]>();
  /** Folded tables into which the largest rowid was inserted before it was refused. */
  readonly #reached = new Set<string>();
  /** The version of the temporary schema that has them. */
  #version = -1;
  readonly #versionOf: SqliteStatement;

  /** Guards the tables of `connection`. */
  constructor(connection: SqliteConnection, context: EntryContext) {
    this.#connection = connection;
    this.#context = context;
    this.#versionOf = connection.prepare("PRAGMA temp.schema_version")!;
    connection.define(STRICT_FUNCTION, false, (on) => {
      context.strict = on !== 0n;
      return 0;
    });
  }

  /** Looks which guards there are: a change of the schema may have renamed or dropped some. */
  look(): void {
    this.forget();
    this.#installed = this.#read();
    this.#version = this.#temporaryVersion();
  }

  /**
   * Drops the guards that name columns because something is computed from them: it may not be any more, and then such
   * a guard, which only a member has that wrote to the table, would be in the way of what is done to the column.
   */
  dropDated(): void {
    for (const [table, guards] of this.#installed) {
      if (guards.some(([, sql]) => sql.includes(STRICT_FUNCTION))) {
        this.#put(table, []);
      }
    }
  }

  /** Forgets what was prepared for the tables that there are. */
  forget(): void {
    for (const lookup of this.#lookups.values()) lookup.release();
    this.#lookups.clear();
  }

  /** The same if statements that made guards, and did not change the schema, were undone; true if so. */
  undone(): boolean {
    if (this.#temporaryVersion() === this.#version) return false;
    this.look();
    return true;
  }

  /**
   * Gives each of the tables that are about to be written triggers that refuse the rowid row by row, since a statement
   * of many rows would go on from it: on INSERT, and on UPDATE of the key, which is also what UPSERT and foreign keys do.
   * A table that nobody writes costs nothing, nor does one into which single rows are inserted: then {@linkcode check}
   * looks at their rowids. True if some had none.
   */
  install(compiled: Compiled, schema: SchemaTraits): boolean {
    let made = false;
    for (const name of compiled.observed.writes) {
      const folded = foldName(name);
      const table = schema.tables.get(folded);
      const known = schema.rowidTables.get(folded);
      // A virtual table keeps its rowids in tables of its own.
      if (table === undefined || known?.virtual) continue;
      const dates = dateLooks(this.#connection, folded, schema);
      const plain = dates === null && insertsAtMostOne(compiled) &&
        !this.#reached.has(folded) && !this.#guardsInserts(folded);
      const guards = guardsOf(known, dates);
      const needed = plain
        ? guards.filter(({ event }) => event !== INSERT)
        : guards;
      if (this.#guard(table, needed)) made = true;
    }
    return made;
  }

  #guardsInserts(folded: string): boolean {
    const made = this.#installed.get(folded) ?? [];
    return made.some(([, sql]) => sql.includes(`AFTER ${INSERT} ON`));
  }

  /** Guards what virtual tables write behind the statement's back. The connection must not be defended. */
  installShadows({ shadowTables }: SchemaTraits): void {
    for (const name of shadowTables) {
      if (keepsRows(name)) this.#guard(name, [SHADOW_GUARD]);
    }
  }

  /** It changes with the triggers, and goes back when they are undone. */
  #temporaryVersion(): number {
    const [[version]] = this.#versionOf.all(NO_BINDINGS) as [[number]];
    return version;
  }

  #read(): Map<string, Trigger[]> {
    const found = new Map<string, Trigger[]>();
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
  #guard(table: string, guards: readonly Guard[]): boolean {
    const made = this.#installed.get(foldName(table)) ?? [];
    const holds = made.length === guards.length &&
      guards.every(({ event, when = "true", body }) =>
        made.some(([, sql]) =>
          sql.includes(event) && sql.includes(when) && sql.includes(body)
        )
      );
    if (holds) return false;
    this.#put(table, guards);
    return true;
  }

  #put(table: string, guards: readonly Guard[]): void {
    const folded = foldName(table);
    for (const [name] of this.#installed.get(folded) ?? []) {
      this.#connection.exec(`DROP TRIGGER temp.${quotedName(name)}`);
    }
    const fresh = guards.map((guard): Trigger => {
      const { event, moment = "AFTER", when = "true", body } = guard;
      const name = `${ROWID_GUARD}${++this.#made}`;
      const sql = `CREATE TEMP TRIGGER "${name}"
         ${moment} ${event} ON main.${quotedName(table)} WHEN ${when}
         BEGIN ${body} END`;
      this.#connection.exec(sql);
      return [name, sql];
    });
    this.#installed.set(folded, fresh);
    this.#version = this.#temporaryVersion();
  }

  /** @throws {HiqliteError} `forbidden` if a table's rowid cannot be asked for, and so not be guarded. */
  requireNames({ nameless }: SchemaTraits): void {
    for (const name of nameless.values()) {
      throw new HiqliteError(
        "forbidden",
        `Columns of ${name} take all names of its rowid (rowid, _rowid_, oid), so that it cannot be guarded: name one of them differently, or declare an INTEGER PRIMARY KEY or WITHOUT ROWID`,
      );
    }
  }

  /**
   * Looks at what no trigger sees, or says in vain: the rowid of a single row, sequences, settings of full-text search, INSERT OR IGNORE into virtual tables.
   * @throws {HiqliteError} `constraint` if there is a row under the largest rowid, or an AUTOINCREMENT would have nothing left; `forbidden` for a setting.
   */
  check({ observed, into, shadows }: Compiled, inserted: SqlValue): void {
    if (inserted === INT64_MAX) {
      // To undo it may take the whole transaction: next time a trigger is there.
      this.#reached.add(into!);
      throw new HiqliteError("constraint", RESERVED_ROWID);
    }
    if (observed.writes.has(SEQUENCES)) this.#checkSequences();
    if (shadows === null || shadows.length === 0) return;
    for (const shadow of shadows) {
      if (!this.#hasRefused(shadow)) continue;
      throw refusalOf(shadow);
    }
  }

  /** Settings must not have triggers: full-text search stores some while it writes, and would begin again to write. */
  #hasRefused(shadow: string): boolean {
    let lookup = this.#lookups.get(shadow);
    if (lookup === undefined) {
      lookup = this.#connection.prepare(
        `SELECT 1 FROM main.${quotedName(shadow)} WHERE ${refusedIn(shadow)}`,
      )!;
      this.#lookups.set(shadow, lookup);
    }
    return lookup.all(NO_BINDINGS).length > 0;
  }

  #checkSequences(): void {
    const exhausted = this.#connection.prepare(
      `SELECT 1 FROM main.${SEQUENCES} WHERE ${USED_UP_SEQUENCE}`,
    )!.all(NO_BINDINGS);
    if (exhausted.length > 0) {
      throw new HiqliteError("constraint", RESERVED_ROWID);
    }
  }
}

/** Whether a virtual table's table may hold what is refused. */
export function isChecked(shadow: string): boolean {
  return CHECKED_SHADOWS.some((end) => shadow.endsWith(end));
}

/** Which rows of a virtual table's table are refused. */
export function refusedIn(shadow: string): string {
  if (CONFIG_SHADOW.test(shadow)) return REFUSED_WORDS;
  if (STAT_SHADOW.test(shadow)) return AUTOMERGE_ON;
  return `rowid = ${INT64_MAX}`;
}

/** Why. */
export function refusalOf(shadow: string): HiqliteError {
  if (CONFIG_SHADOW.test(shadow)) {
    return new HiqliteError("forbidden", REFUSED_CONFIG);
  }
  if (STAT_SHADOW.test(shadow)) {
    return new HiqliteError("forbidden", REFUSED_AUTOMERGE);
  }
  return new HiqliteError("constraint", RESERVED_ROWID);
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

/** Whether a statement inserts one row, or none: then there is no next one in it that could get a rowid by chance. */
function insertsAtMostOne({ keyword, observed, statement }: Compiled): boolean {
  if (keyword === "UPDATE" || keyword === "DELETE") return !observed.indirect;
  return !observed.triggers && insertsOneRow(statement.source);
}

/** One trigger for each event, so that it does not depend on their names what is refused first. */
function guardsOf(
  known: RowidTable | undefined,
  dates: string | null,
): Guard[] {
  const rowid = known?.rowid ?? null;
  const refusal = `SELECT RAISE(ABORT, '${RESERVED_ROWID}')`;
  const when = `NEW.${rowid} = ${INT64_MAX}`;
  if (dates !== null) {
    const body = rowid === null ? dates : `${refusal} WHERE ${when}; ${dates}`;
    return [{ event: INSERT, body }, { event: "UPDATE", body }];
  }
  if (rowid === null) return [];
  const body = `${refusal};`;
  // SQLite compares these words with those of the UPDATE, and does not ask whether they are columns.
  const names = [...known!.keys.map(quotedName), "rowid", "_rowid_", "oid"];
  return [
    { event: INSERT, when, body },
    { event: `UPDATE OF ${names.join(", ")}`, when, body },
  ];
}

/**
 * With a trigger on an INSERT SQLite may open a savepoint for each row, at which full-text search writes all it has. So
 * the largest rowid goes in, but not out again before {@linkcode RowidGuards.check} finds it: the guard says so first,
 * since a statement may ignore it, and by FAIL, since with ABORT there would be such a savepoint for a DELETE.
 */
const SHADOW_GUARD: Guard = {
  event: "DELETE",
  moment: "BEFORE",
  when: `OLD.rowid = ${INT64_MAX}`,
  body: "SELECT RAISE(FAIL, 'reserved');",
};
