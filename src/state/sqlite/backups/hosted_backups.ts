import type { LogIndex } from "../../../raft/types.ts";
import { archivedOf, recordOf, recordText } from "../../backups/codec.ts";
import { changedBackups, extendedArchive } from "../../backups/rules.ts";
import {
  type ArchivedLog,
  type BackupAnswer,
  type BackupOperation,
  type BackupRecord,
  SELECT_ARCHIVED,
  SELECT_BACKUPS,
} from "../../backups/types.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteStatement,
} from "../driver/driver.ts";

/** Where backups are remembered. Without rowids, so that they show in no `last_insert_rowid()`. */
export const BACKUP_TABLE = `
CREATE TABLE main._hql_backups (
  began INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  record TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE main._hql_archive (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  cluster TEXT NOT NULL,
  after_index INTEGER NOT NULL,
  through_index INTEGER NOT NULL
) WITHOUT ROWID;
`;

/** The backups of a cluster as rows of its database, changed in the writer's open transaction. */
export class HostedBackups {
  readonly #connection: SqliteConnection;

  /** In a database that has {@linkcode BACKUP_TABLE}. */
  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  /** Does what the entry at `index` asks. */
  run(operation: BackupOperation, index: LogIndex): BackupAnswer {
    if (operation.kind === "archived") return this.#archive(operation);
    const records = readBackups(this.#connection);
    const { answer, saved, dropped } = changedBackups(
      records,
      operation,
      index,
    );
    const drop = this.#prepare("DELETE FROM main._hql_backups WHERE id = ?");
    for (const id of dropped) drop.run({ anonymous: [id], named: null });
    const save = this.#prepare(
      "INSERT OR REPLACE INTO main._hql_backups VALUES (?, ?, ?)",
    );
    for (const record of saved) {
      save.run({
        anonymous: [BigInt(record.began), record.id, recordText(record)],
        named: null,
      });
    }
    return answer;
  }

  #archive(more: ArchivedLog): BackupAnswer {
    const [row] = this.#prepare(SELECT_ARCHIVED).all(NO_BINDINGS);
    const archived = extendedArchive(
      row === undefined ? null : archivedOf(row),
      more,
    );
    const { cluster, after, through } = archived;
    this.#prepare(
      "INSERT OR REPLACE INTO main._hql_archive VALUES (1, ?, ?, ?)",
    )
      .run({
        anonymous: [cluster, BigInt(after), BigInt(through)],
        named: null,
      });
    return { ok: true, archived };
  }

  #prepare(sql: string): SqliteStatement {
    return this.#connection.prepare(sql)!;
  }
}

/** The records in a database of ours. */
export function readBackups(connection: SqliteConnection): BackupRecord[] {
  return connection.prepare(SELECT_BACKUPS)!.all(NO_BINDINGS)
    .map(([record]) => recordOf(record as string));
}
