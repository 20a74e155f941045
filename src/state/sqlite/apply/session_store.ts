import type { LogIndex } from "../../../raft/types.ts";
import type {
  SavedAnswers,
  SavedSession,
  SessionChanges,
  SessionStore,
} from "../../session_store.ts";
import type { SqliteConnection, SqliteStatement } from "../driver/driver.ts";

/** Sessions in tables of the database, written in the writer's open transaction. */
export class SqliteSessionStore implements SessionStore {
  readonly #connection: SqliteConnection;
  readonly #saveSession: SqliteStatement;
  readonly #dropSession: SqliteStatement;
  readonly #saveAnswers: SqliteStatement;
  readonly #dropAnswers: SqliteStatement;

  /** In a database that has the tables of `bookkeeping.ts`. */
  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#saveSession = connection.prepare(
      "INSERT OR REPLACE INTO main._hql_sessions (id, used, clock, below) VALUES (?, ?, ?, ?)",
    )!;
    this.#dropSession = connection.prepare(
      "DELETE FROM main._hql_sessions WHERE id = ?",
    )!;
    this.#saveAnswers = connection.prepare(
      "INSERT OR REPLACE INTO main._hql_answers (first, data) VALUES (?, ?)",
    )!;
    this.#dropAnswers = connection.prepare(
      "DELETE FROM main._hql_answers WHERE first = ?",
    )!;
  }

  /** See `SessionStore`. */
  load(): { sessions: SavedSession[]; answers: SavedAnswers[] } {
    const sessions = this.#connection.prepare(
      "SELECT id, used, clock, below FROM main._hql_sessions ORDER BY used",
    )!.all(bindings()) as [number, LogIndex, number, number][];
    const answers = this.#connection.prepare(
      "SELECT first, data FROM main._hql_answers ORDER BY first",
    )!.all(bindings()) as [LogIndex, Uint8Array][];
    return {
      sessions: sessions.map(([id, used, clockMs, below]) => ({
        id,
        used,
        clockMs,
        below,
      })),
      answers: answers.map(([first, data]) => ({ first, data })),
    };
  }

  /** See `SessionStore`. */
  save({ sessions, closed, answers, emptied }: SessionChanges): void {
    for (const { id, used, clockMs, below } of sessions) {
      this.#saveSession.run(bindings(id, used, clockMs, below));
    }
    for (const id of closed) this.#dropSession.run(bindings(id));
    for (const first of emptied) this.#dropAnswers.run(bindings(first));
    for (const { first, data } of answers) {
      this.#saveAnswers.run({ anonymous: [BigInt(first), data], named: null });
    }
  }
}

function bindings(...values: number[]): {
  anonymous: bigint[];
  named: null;
} {
  return { anonymous: values.map(BigInt), named: null };
}
