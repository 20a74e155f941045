import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteStatement,
} from "../driver/driver.ts";
import { PAGES_MAX } from "../driver/room.ts";

/**
 * Bounds by how much a write that is only prepared may make the database grow. SQLite then says
 * that it is full, which what is committed must never hear: every member has to apply it.
 */
export class GrowthBound {
  readonly #connection: SqliteConnection;
  readonly #pageCount: SqliteStatement;
  readonly #pages: number;
  /** The bound that is set. */
  #limit = PAGES_MAX;
  /** Bytes by which one write may make the database grow; twice as many at most. */
  readonly bytes: number;

  /** Sets nothing yet. */
  constructor(connection: SqliteConnection, bytes: number) {
    this.#connection = connection;
    this.#pageCount = connection.prepare("PRAGMA main.page_count")!;
    this.bytes = bytes;
    const [size] = connection.prepare("PRAGMA main.page_size")!
      .all(NO_BINDINGS);
    this.#pages = Math.ceil(bytes / (size![0] as number));
  }

  /** Before a preparation. Set anew only now and then, since it costs a few µs. */
  impose(): void {
    const [row] = this.#pageCount.all(NO_BINDINGS);
    const least = (row![0] as number) + this.#pages;
    if (least <= this.#limit && this.#limit <= least + this.#pages) return;
    this.#set(Math.min(least + this.#pages, PAGES_MAX));
  }

  /** Before anything that is committed. */
  lift(): void {
    if (this.#limit !== PAGES_MAX) this.#set(PAGES_MAX);
  }

  #set(limit: number): void {
    this.#connection.exec(`PRAGMA main.max_page_count = ${limit}`);
    this.#limit = limit;
  }
}
