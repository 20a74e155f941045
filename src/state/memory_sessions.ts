import type {
  SavedAnswers,
  SavedSession,
  SessionChanges,
  SessionStore,
} from "./session_store.ts";
import type { ByteReader, ByteWriter } from "../util/bytes.ts";

/** Sessions of a machine that keeps its state in memory. */
export class MemorySessionStore implements SessionStore {
  readonly #sessions = new Map<number, SavedSession>();
  readonly #answers = new Map<number, SavedAnswers>();

  load(): { sessions: SavedSession[]; answers: SavedAnswers[] } {
    return {
      sessions: [...this.#sessions.values()].sort((a, b) => a.used - b.used),
      answers: [...this.#answers.values()].sort((a, b) => a.first - b.first),
    };
  }

  save({ sessions, closed, answers, emptied }: SessionChanges): void {
    for (const { id, used, clockMs, below } of sessions) {
      this.#sessions.set(id, { id, used, clockMs, below });
    }
    for (const id of closed) this.#sessions.delete(id);
    for (const first of emptied) this.#answers.delete(first);
    for (const row of answers) this.#answers.set(row.first, row);
  }

  /** Appends everything, for a snapshot. */
  write(writer: ByteWriter): void {
    const { sessions, answers } = this.load();
    writer.u32(sessions.length);
    for (const { id, used, clockMs, below } of sessions) {
      writer.u53(id).u53(used).u53(clockMs).u53(below);
    }
    writer.u32(answers.length);
    for (const { first, data } of answers) writer.u53(first).bytes(data);
  }

  /** What {@linkcode write} wrote. */
  static read(reader: ByteReader): MemorySessionStore {
    const store = new MemorySessionStore();
    for (let left = reader.u32(); left > 0; left--) {
      const id = reader.u53();
      const [used, clockMs, below] = [reader.u53(), reader.u53(), reader.u53()];
      store.#sessions.set(id, { id, used, clockMs, below });
    }
    for (let left = reader.u32(); left > 0; left--) {
      const first = reader.u53();
      store.#answers.set(first, { first, data: reader.bytes().slice() });
    }
    return store;
  }
}
