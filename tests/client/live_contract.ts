import assert from "node:assert/strict";
import type { Client } from "../../src/client/client.ts";
import type { Schema } from "../../src/client/schema.ts";

/** A client, and another one that writes through the same cluster. */
export interface LiveCase {
  readonly title: string;
  readonly run: (client: Client, writer: Client) => Promise<void>;
}

/** What is not told within this time is not told, ms. */
const QUIET_MS = 150;

/** Reads events one by one; `none` fails if one comes. */
export class Steps<T> {
  readonly #events: AsyncGenerator<T>;
  #next: Promise<IteratorResult<T>> | null = null;

  constructor(events: AsyncGenerator<T>) {
    this.#events = events;
  }

  async next(): Promise<T> {
    const next = this.#next ?? this.#events.next();
    this.#next = null;
    const { done, value } = await next;
    assert.ok(!done, "it ended");
    return value;
  }

  async none(): Promise<void> {
    this.#next ??= this.#events.next();
    let timer;
    const quiet = new Promise((resolve) => {
      timer = setTimeout(resolve, QUIET_MS, "nothing");
    });
    const found = await Promise.race([this.#next, quiet]);
    clearTimeout(timer);
    assert.equal(found, "nothing");
  }

  /** Asks for the next one, so that a listener from afar is there before what it shall hear of. */
  begin(): Promise<void> {
    return this.none();
  }
}

/** Fast consumers see states in between, slow ones do not. */
async function reach(
  live: Steps<{ readonly rows: unknown[] }>,
  rows: unknown[],
): Promise<void> {
  const wanted = JSON.stringify(rows);
  for (let i = 0; i < 3; i++) {
    if (JSON.stringify((await live.next()).rows) === wanted) return;
  }
  assert.fail(`never ${wanted}`);
}

interface Note {
  readonly id: number;
}

const NOTE: Schema<Note> = {
  "~standard": {
    version: 1,
    vendor: "tests",
    validate: (value) => ({
      value: { id: (value as Record<string, number>).id! * 10 },
    }),
  },
};

/** What every client tells of a database that changes. The tables are `note(id, text)` and `Other(x)`. */
export function liveContract(): readonly LiveCase[] {
  const cases: LiveCase[] = [];
  const test = (title: string, run: LiveCase["run"]): void => {
    cases.push({ title, run });
  };

  test(
    "changes() tells which tables changed at which index",
    async (client, writer) => {
      const controller = new AbortController();
      const { signal } = controller;
      const all = new Steps(client.changes({ signal }));
      const some = new Steps(client.changes({ tables: ["OTHER"], signal }));
      await all.begin();
      await some.begin();
      const one = await writer.execute("INSERT INTO note VALUES (1, 'a')");
      const first = await all.next();
      assert.deepEqual(first, {
        index: one.index,
        tables: ["note"],
        schema: false,
        reset: false,
        position: first.position,
      });
      const two = await writer.txn([
        "INSERT INTO note VALUES (2, 'b')",
        "INSERT INTO other VALUES (1)",
      ]);
      const both = await all.next();
      assert.deepEqual(both.tables, ["Other", "note"]);
      assert.equal(both.index, two.index);
      assert.deepEqual((await some.next()).tables, ["Other"]);
      const three = await writer.execute("CREATE INDEX n ON note (text)");
      const schema = await all.next();
      assert.deepEqual(
        [schema.index, schema.tables, schema.schema],
        [three.index, ["note"], true],
      );
      await some.none();
      controller.abort();
      await writer.execute("DROP INDEX n");
    },
  );

  test(
    "changes() goes on from a position, or from the index of a write",
    async (client, writer) => {
      const { index } = await writer.execute("INSERT INTO other VALUES (2)");
      await writer.execute("INSERT INTO note VALUES (3, 'c')");
      const last = await writer.execute("INSERT INTO note VALUES (4, 'd')");
      let position = "";
      for await (const change of client.changes({ since: index })) {
        assert.deepEqual(
          [change.index, change.tables, change.reset],
          [last.index, ["note"], false],
        );
        position = change.position;
        break;
      }
      const next = await writer.execute("INSERT INTO other VALUES (3)");
      for await (const change of client.changes({ since: position })) {
        assert.deepEqual([change.index, change.tables], [next.index, [
          "Other",
        ]]);
        break;
      }
      const elsewhere = `${crypto.randomUUID()}-3`;
      for await (const change of client.changes({ since: elsewhere })) {
        assert.deepEqual([change.reset, change.tables], [true, []]);
        break;
      }
    },
  );

  test(
    "changes() misses nothing that was not in the client's last answer",
    async (client, writer) => {
      const changes = client.changes({ tables: ["note"] });
      await client.query("SELECT 1");
      const { index } = await writer.execute(
        "INSERT INTO note VALUES (5, 'e')",
      );
      const { value } = await changes.next();
      assert.equal(value!.index, index);
      await changes.return(undefined);
    },
  );

  test(
    "live() tells rows, and again when they are others",
    async (client, writer) => {
      const controller = new AbortController();
      const live = new Steps(client.live<{ n: number }>(
        "SELECT count(*) AS n FROM note WHERE id > ?",
        [1],
        { minIntervalMs: 0, signal: controller.signal },
      ));
      const first = await live.next();
      assert.equal(first.rows[0]!.n, 0);
      await writer.execute("INSERT INTO note VALUES (1, 'not counted')");
      await writer.execute("INSERT INTO other VALUES (4)");
      await live.none();
      const { index } = await writer.execute(
        "INSERT INTO note VALUES (2, 'b')",
      );
      const second = await live.next();
      assert.equal(second.rows[0]!.n, 1);
      assert.ok(second.index >= index && second.index > first.index);
      controller.abort();
    },
  );

  test(
    "live() shows the client's own writes, values of every kind, and rows after the schema",
    async (client, writer) => {
      await client.execute("INSERT INTO note VALUES (?, ?)", [
        9007199254740993n,
        new Uint8Array([0, 255]),
      ]);
      for await (const { rows } of client.live("SELECT * FROM note")) {
        assert.deepEqual(rows, [
          { id: 9007199254740993n, text: new Uint8Array([0, 255]) },
        ]);
        break;
      }
      await writer.execute("DELETE FROM note");
      await client.execute("INSERT INTO note VALUES (7, 'x')");
      const live = client.live("SELECT * FROM note", [], { schema: NOTE });
      for await (const { rows } of live) {
        assert.deepEqual(rows, [{ id: 70 }]);
        break;
      }
    },
  );

  test(
    "live() follows a schema that changes, and fails when its table is gone",
    async (client, writer) => {
      await writer.execute("CREATE TABLE gone (a)");
      await writer.execute("CREATE VIEW shown AS SELECT a FROM gone");
      const live = new Steps(
        client.live("SELECT * FROM shown", [], { minIntervalMs: 0 }),
      );
      assert.deepEqual((await live.next()).rows, []);
      await writer.txn([
        "DROP VIEW shown",
        "CREATE VIEW shown AS SELECT text FROM note",
      ]);
      await writer.execute("INSERT INTO note VALUES (1, 'seen')");
      await reach(live, [{ text: "seen" }]);
      await writer.execute("ALTER TABLE note RENAME COLUMN text TO body");
      await writer.execute("UPDATE note SET body = 'again'");
      await reach(live, [{ body: "again" }]);
      await writer.execute("DROP VIEW shown");
      await assert.rejects(live.next(), {
        code: "sql",
        message: /no such table: shown/,
      });
      await writer.execute("DROP TABLE gone");
      await writer.execute("ALTER TABLE note RENAME COLUMN body TO text");
    },
  );

  test(
    "live() hears of triggers, cascades, views, full-text search and upserts",
    async (client, writer) => {
      for (
        const sql of [
          "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
          "CREATE TABLE child (p REFERENCES parent ON DELETE CASCADE)",
          "CREATE TABLE keyed (k PRIMARY KEY, n) WITHOUT ROWID",
          "CREATE TRIGGER t AFTER INSERT ON parent BEGIN INSERT INTO child VALUES (new.id); END",
          "CREATE VIEW children AS SELECT p FROM child",
          "CREATE VIRTUAL TABLE words USING fts5(body)",
          "CREATE VIRTUAL TABLE found USING fts5(text, content='note', content_rowid='id')",
          "INSERT INTO note VALUES (1, 'first')",
          "INSERT INTO found (rowid, text) VALUES (1, 'first')",
        ]
      ) await writer.execute(sql);
      const controller = new AbortController();
      const { signal } = controller;
      const watch = (sql: string) =>
        new Steps(client.live(sql, [], { minIntervalMs: 0, signal }));
      const children = watch("SELECT count(*) AS n FROM children");
      const keyed = watch("SELECT * FROM keyed");
      const words = watch("SELECT body FROM words WHERE words MATCH 'b*'");
      const found = watch("SELECT text FROM found WHERE found MATCH 'first'");
      const all = [children, keyed, words, found];
      for (const one of all) await one.next();
      const expect = async (
        sql: string,
        live: Steps<{ rows: unknown[] }>,
        rows: unknown[],
      ): Promise<void> => {
        await writer.execute(sql);
        assert.deepEqual((await live.next()).rows, rows, sql);
      };
      await expect("INSERT INTO parent VALUES (1), (2)", children, [{ n: 2 }]);
      await expect("DELETE FROM parent WHERE id = 1", children, [{ n: 1 }]);
      const upsert =
        "INSERT INTO keyed VALUES ('a', 1) ON CONFLICT DO UPDATE SET n = n + 1";
      await expect(upsert, keyed, [{ k: "a", n: 1 }]);
      await expect(upsert, keyed, [{ k: "a", n: 2 }]);
      await expect("INSERT INTO words VALUES ('bee')", words, [{
        body: "bee",
      }]);
      // The contents of the index are those of the table.
      await expect("UPDATE note SET text = 'other'", found, [{
        text: "other",
      }]);
      controller.abort();
      for (
        const name of ["child", "parent", "keyed", "words", "found"]
      ) await writer.execute(`DROP TABLE ${name}`);
      await writer.execute("DROP VIEW children");
    },
  );

  test(
    "live() and changes() hear of locks, and of what is published",
    async (client, writer) => {
      const controller = new AbortController();
      const { signal } = controller;
      const watch = (sql: string) =>
        new Steps(client.live(sql, [], { minIntervalMs: 0, signal }));
      const shown = watch("SELECT count(*) AS n FROM hql_locks");
      const token = watch("SELECT hql_token('seen') AS t");
      const kept = watch("SELECT max(n) AS n FROM _hql_events");
      for (const one of [shown, token]) await one.next();
      const [before] = (await kept.next()).rows as { n: number | null }[];
      const changes = new Steps(
        client.changes({ tables: ["hql_locks"], signal }),
      );
      await changes.begin();
      const lock = await writer.lock("seen");
      assert.deepEqual((await shown.next()).rows, [{ n: 1 }]);
      assert.deepEqual((await token.next()).rows, [{ t: lock.token }]);
      const { index, tables } = await changes.next();
      assert.deepEqual([index, tables], [lock.token, ["hql_locks"]]);
      await lock.release();
      assert.deepEqual((await shown.next()).rows, [{ n: 0 }]);
      assert.deepEqual((await token.next()).rows, [{ t: null }]);
      await writer.notify("told", "x");
      assert.deepEqual((await kept.next()).rows, [{ n: (before!.n ?? 0) + 1 }]);
      controller.abort();
    },
  );

  test("what cannot be followed is refused", async (client) => {
    for (
      const [sql, code] of [
        ["SELECT * FROM nowhere", "sql"],
        ["DELETE FROM note", "forbidden"],
        ["SELECT 1; SELECT 2", "invalid"],
        [`SELECT '${"x".repeat(70_000)}'`, "too_large"],
      ] as const
    ) {
      await assert.rejects(client.live(sql).next(), { code }, sql.slice(0, 40));
    }
    await assert.rejects(
      client.live("SELECT 1", [], { minIntervalMs: -1 }).next(),
      { code: "invalid" },
    );
    assert.throws(() => client.changes({ tables: [] }), { code: "invalid" });
    assert.throws(() => client.changes({ since: "x" }), { code: "invalid" });
  });
  return cases;
}
