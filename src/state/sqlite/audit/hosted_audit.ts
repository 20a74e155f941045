import type { LogIndex } from "../../../raft/types.ts";
import { noteOf, noteText } from "../../audit/codec.ts";
import { isPartOf, withPart } from "../../audit/run_note.ts";
import {
  type AuditNote,
  type AuditOperation,
  ENDED_KEPT,
  NOTES_KEPT,
  SELECT_ENDED,
  SELECT_NOTES_OF_ROLE,
} from "../../audit/types.ts";
import {
  type Bindings,
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteStatement,
} from "../driver/driver.ts";

/** What was done from dashboards, and who signed out. Without rowids, so that they show in no `last_insert_rowid()`. */
export const AUDIT_TABLES = `
CREATE TABLE main._hql_audit (
  n INTEGER PRIMARY KEY,
  idx INTEGER NOT NULL,
  at INTEGER NOT NULL,
  role TEXT NOT NULL,
  note TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX main._hql_audit_role ON _hql_audit (role, n);
CREATE TABLE main._hql_signed_out (
  session TEXT PRIMARY KEY,
  until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX main._hql_signed_out_until ON _hql_signed_out (until);
`;

/** The audit trail of a cluster as rows of its database, changed in the writer's open transaction. */
export class HostedAudit {
  readonly #connection: SqliteConnection;

  /** In a database that has {@linkcode AUDIT_TABLES}. */
  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  /** Does what the entry at `index`, written at `timeMs`, asks. False, and nothing is done: its nonce is spent. */
  run(operation: AuditOperation, index: LogIndex, timeMs: number): boolean {
    if (operation.kind === "end") {
      this.#end(operation.session, operation.untilMs, timeMs);
    } else if (operation.kind === "spend") {
      const { nonce, untilMs } = operation;
      if (this.#prepare(SELECT_ENDED).all(of(nonce)).length > 0) return false;
      this.#end(nonce, untilMs, timeMs);
    }
    const note = this.#withEarlierParts(operation.note);
    const { role } = note;
    const [row] = this.#prepare("SELECT max(n) FROM main._hql_audit")
      .all(NO_BINDINGS);
    const n = 1 + Number(row![0] ?? 0);
    this.#prepare("INSERT INTO main._hql_audit VALUES (?, ?, ?, ?, ?)").run(
      of(
        BigInt(n),
        BigInt(index),
        BigInt(timeMs),
        role,
        noteText(note),
      ),
    );
    this.#prepare(
      `DELETE FROM main._hql_audit WHERE role = ?1 AND n <= (
         SELECT n FROM main._hql_audit WHERE role = ?1 ORDER BY n DESC LIMIT 1 OFFSET ?2)`,
    ).run(of(role, BigInt(NOTES_KEPT[role])));
    return true;
  }

  /** The note with what was noted of other parts of its file, which is taken out: it stands among the newest again. */
  #withEarlierParts(note: AuditNote): AuditNote {
    if (note.run === undefined) return note;
    for (
      const [n, text] of this.#prepare(SELECT_NOTES_OF_ROLE).all(of(note.role))
    ) {
      const noted = noteOf(text as string);
      if (!isPartOf(note, noted)) continue;
      this.#prepare("DELETE FROM main._hql_audit WHERE n = ?")
        .run(of(BigInt(n as number | bigint)));
      return withPart(noted, note);
    }
    return note;
  }

  #end(session: string, untilMs: number, timeMs: number): void {
    this.#prepare("DELETE FROM main._hql_signed_out WHERE until <= ?")
      .run(of(BigInt(timeMs)));
    this.#prepare("INSERT OR REPLACE INTO main._hql_signed_out VALUES (?, ?)")
      .run(of(session, BigInt(untilMs)));
    this.#prepare(
      `DELETE FROM main._hql_signed_out WHERE session IN (
         SELECT session FROM main._hql_signed_out ORDER BY until DESC, session LIMIT -1 OFFSET ${ENDED_KEPT})`,
    ).run(NO_BINDINGS);
  }

  #prepare(sql: string): SqliteStatement {
    return this.#connection.prepare(sql)!;
  }
}

function of(...anonymous: (bigint | string)[]): Bindings {
  return { anonymous, named: null };
}
