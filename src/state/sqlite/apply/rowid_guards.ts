import { HiqliteError } from "../../../errors.ts";
import type { StatementResult } from "../../sql/types.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteStatement,
} from "../driver/driver.ts";
import type { Compiled } from "../statement/cache.ts";
import { ROWID_GUARD } from "../statement/policy.ts";
import { foldName, quotedName } from "../statement/text.ts";
import type { RowidTable, SchemaTraits } from "./schema_traits.ts";

const INT64_MAX = 2n ** 63n - 1n;
/** Names no table: a guard does not hear of a new name, and every member must answer the same. */
const RESERVED_ROWID =
  `The rowid ${INT64_MAX} is reserved: SQLite would choose the next ones at random`;
const SEQUENCES = "sqlite_sequence";

/**
 * Keeps the largest rowid free: with a row under it SQLite draws the next rowids at random,
 * differently on each member, or, with AUTOINCREMENT, fails like a full disk, which stops a member.
 */
export class RowidGuards {
  readonly #connection: SqliteConnection;
  /** How many guards were made: a table that is renamed keeps the name of its own. */
  #made = 0;
  /** Look for the largest rowid, by table. */
  readonly #lookups = new Map<string, SqliteStatement>();

  /** Guards the tables of `connection`. */
  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  /** Gives each table a trigger that refuses the rowid row by row, since a statement of many rows would go on from it. */
  install({ rowidTables }: SchemaTraits): void {
    const guards = new Map(
      this.#connection.prepare(
        "SELECT tbl_name, name, sql FROM temp.sqlite_schema WHERE type = 'trigger'",
      )!.all(NO_BINDINGS).map(([table, ...guard]) =>
        [foldName(table as string), guard as [string, string]] as const
      ),
    );
    for (const [folded, { name, virtual, rowid }] of rowidTables) {
      const [guard, sql = ""] = guards.get(folded) ?? [];
      const when = `WHEN NEW.${rowid} = ${INT64_MAX}`;
      if (virtual || sql.includes(when)) continue;
      // The rowid has another name now that a column has that one.
      if (guard) {
        this.#connection.exec(`DROP TRIGGER temp.${quotedName(guard)}`);
      }
      if (rowid === null) continue;
      this.#connection.exec(
        `CREATE TEMP TRIGGER "${ROWID_GUARD}${++this.#made}"
         AFTER INSERT ON main.${quotedName(name)} ${when}
         BEGIN SELECT RAISE(ABORT, '${RESERVED_ROWID}'); END`,
      );
    }
  }

  /** Forgets what depends on the schema. */
  forget(): void {
    this.#lookups.clear();
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
   * Looks at what triggers cannot see: UPDATE, virtual tables, sequences.
   * @throws {HiqliteError} `constraint` if the statement made a row under the largest rowid.
   */
  check(
    { observed }: Compiled,
    { rowidTables }: SchemaTraits,
    result: StatementResult,
  ): void {
    const { insertsInto, touches, triggers } = observed;
    const single = insertsInto !== null && !triggers &&
      touches.size === 1 && result.rowsAffected <= 1 &&
      insertsInto !== SEQUENCES;
    if (single) {
      if (result.lastInsertRowid === INT64_MAX) throw largestRowid();
      return;
    }
    for (const touched of touches) {
      const [table, column] = foldName(touched).split("\0") as [
        string,
        string?,
      ];
      if (table === SEQUENCES) this.#checkSequences();
      const known = rowidTables.get(table);
      if (known === undefined) continue;
      if (column !== undefined && !known.keys.includes(column)) continue;
      if (this.#hasLargest(known)) throw largestRowid();
    }
  }

  /** An exhausted AUTOINCREMENT would fail like a full disk, which stops a member. */
  #checkSequences(): void {
    const exhausted = this.#connection.prepare(
      `SELECT 1 FROM main.${SEQUENCES} WHERE CAST(seq AS INTEGER) = ${INT64_MAX}`,
    )!.all(NO_BINDINGS);
    if (exhausted.length > 0) throw largestRowid();
  }

  #hasLargest({ name, rowid }: RowidTable): boolean {
    let lookup = this.#lookups.get(name);
    if (lookup === undefined) {
      lookup = this.#connection.prepare(
        `SELECT 1 FROM main.${quotedName(name)} WHERE ${rowid} = ${INT64_MAX}`,
      )!;
      this.#lookups.set(name, lookup);
    }
    return lookup.all(NO_BINDINGS).length > 0;
  }
}

function largestRowid(): HiqliteError {
  return new HiqliteError("constraint", RESERVED_ROWID);
}
