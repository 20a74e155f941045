import type {
  SavedAnswers,
  SavedSession,
  SessionChanges,
  SessionStore,
} from "../../session_store.ts";
import type { CacheDatabase } from "./database.ts";
import { RecordTable } from "./record_table.ts";

/** Sessions in the transactions of the caches. */
export class SqliteKvSessions implements SessionStore {
  readonly #sessions: RecordTable;
  readonly #answers: RecordTable;

  /** Those that are stored in `database`. */
  constructor(database: CacheDatabase) {
    this.#sessions = new RecordTable(database, "sessions");
    this.#answers = new RecordTable(database, "answers");
  }

  /** See {@linkcode SessionStore.load}. */
  load(): { sessions: SavedSession[]; answers: SavedAnswers[] } {
    const sessions = this.#sessions.load((reader, id) => {
      const [used, clockMs, below] = [reader.u53(), reader.u53(), reader.u53()];
      return { id, used, clockMs, below };
    });
    return {
      sessions: sessions.sort((a, b) => a.used - b.used),
      answers: this.#answers.load((reader, first) => ({
        first,
        data: reader.raw(reader.remaining),
      })),
    };
  }

  /** See {@linkcode SessionStore.save}. */
  save({ sessions, closed, answers, emptied }: SessionChanges): void {
    for (const { id, used, clockMs, below } of sessions) {
      this.#sessions.save(
        id,
        (writer) => writer.u53(used).u53(clockMs).u53(below),
      );
    }
    for (const id of closed) this.#sessions.delete(id);
    for (const first of emptied) this.#answers.delete(first);
    for (const { first, data } of answers) {
      this.#answers.save(first, (writer) => writer.raw(data));
    }
  }

  /** Forgets them all. */
  clear(): void {
    this.#sessions.clear();
    this.#answers.clear();
  }
}
