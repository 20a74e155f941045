import { DOT_COMMANDS } from "./dot_commands.ts";
import { namesOf } from "./schema.ts";
import type { ShellSession } from "./shell_session.ts";

/** Words of SQL that are worth a key. */
const WORDS: readonly string[] =
  ("ALTER AND AS ASC AUTOINCREMENT BEGIN BETWEEN BY CASE CHECK COLLATE COLUMN COMMIT CONFLICT CONSTRAINT CREATE CROSS CURRENT_TIMESTAMP " +
    "DEFAULT DELETE DESC DISTINCT DROP ELSE END EXCEPT EXISTS EXPLAIN FOREIGN FROM GENERATED GLOB GROUP HAVING IN INDEX INNER INSERT " +
    "INTERSECT INTO IS JOIN KEY LEFT LIKE LIMIT NOT NULL OFFSET ON OR ORDER OUTER OVER PARTITION PLAN PRAGMA PRIMARY QUERY RECURSIVE " +
    "REFERENCES RENAME REPLACE RETURNING RIGHT ROLLBACK ROWID SELECT SET STRICT TABLE THEN TO TRIGGER UNION UNIQUE UPDATE USING VALUES " +
    "VIEW VIRTUAL WHEN WHERE WINDOW WITH WITHOUT").split(" ");

/** What Tab offers. */
export class Completion {
  readonly #session: ShellSession;
  #names: readonly string[] = [];

  /** Offers the names of what `session` reaches. */
  constructor(session: ShellSession) {
    this.#session = session;
  }

  /** Looks for the names of tables and columns; without an answer those from before stay. */
  async refresh(): Promise<void> {
    try {
      this.#names = await namesOf(this.#session);
    } catch {
      // Whoever types learns of a cluster that does not answer by the next statement.
    }
  }

  /** What the last word of a line may become, and that word. */
  offer(line: string): [string[], string] {
    if (/^\.\S*$/.test(line)) {
      const names = Object.keys(DOT_COMMANDS).map((name) => `.${name}`);
      return [names.filter((name) => name.startsWith(line)), line];
    }
    const word = /[^\s(),;=<>]*$/.exec(line)![0];
    if (word === "") return [[], word];
    const folded = word.toLowerCase();
    const upper = word === word.toUpperCase();
    const words = WORDS.map((each) => upper ? each : each.toLowerCase());
    const found = [...this.#names, ...words].filter((each) =>
      each.toLowerCase().startsWith(folded)
    );
    return [[...new Set(found)], word];
  }
}
