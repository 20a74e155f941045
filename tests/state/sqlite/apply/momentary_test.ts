import assert from "node:assert/strict";
import { join } from "node:path";
import { PrepareFailedError } from "../../../../src/state/port.ts";
import {
  type SqliteConnection,
  type SqliteDriver,
  SqliteError,
} from "../../../../src/state/sqlite/driver/driver.ts";
import { Reader } from "../../../../src/state/sqlite/read/reader.ts";
import { Direct } from "../direct.ts";
import { presentDriver, test } from "../drivers.ts";
import { interrupted } from "../interrupted.ts";
import { command, execute } from "../subject.ts";

const SQLITE_NOMEM = 7;

/** A connection that finds no memory for what `hits` names, which is asked for each. */
function withoutMemory(
  connection: SqliteConnection,
  hits: (sql: string) => boolean,
): SqliteConnection {
  return interrupted(connection, hits, SQLITE_NOMEM);
}

/** Before its leader proposes it, the write is refused; and who has to apply it has no answer. Then there is memory. */
function isNoAnswer(member: Direct, sql: string, lacks: () => void): void {
  const before = member.dump();
  const writes = [command(execute(sql))];
  lacks();
  assert.throws(
    () => member.prepare(writes),
    (error) =>
      error instanceof PrepareFailedError && error.reason === "too_large",
  );
  assert.equal(member.dump(), before);
  lacks();
  assert.throws(
    () => member.batch(writes),
    (error) => error instanceof SqliteError && error.code === SQLITE_NOMEM,
  );
  member.applier.giveUp();
  assert.equal(member.dump(), before);
}

test("that a date function found no memory is no answer", () => {
  let lacks = false;
  let opened = 0;
  const driver: SqliteDriver = {
    ...presentDriver(),
    open: (...args) => {
      const connection = presentDriver().open(...args);
      // The first is the one that keeps SQLite's own functions.
      if (opened++ > 0) return connection;
      return withoutMemory(connection, (sql) => {
        const hit = lacks && sql.startsWith("SELECT date(");
        if (hit) lacks = false;
        return hit;
      });
    },
  };
  using member = new Direct(":memory:", undefined, driver);
  member.ok("CREATE TABLE t (d)");
  const sql = "INSERT INTO t VALUES (date('2024-02-29', '+1 day'))";
  isNoAnswer(member, sql, () => lacks = true);
  member.ok(sql);
  assert.deepEqual(member.rows("SELECT d FROM t"), [["2024-03-01"]]);
});

test("a virtual table for which there was no memory is not opened by the statement that is looked at", () => {
  let lacks = false;
  using member = new Direct(
    ":memory:",
    (connection) =>
      withoutMemory(connection, (sql) => {
        const hit = lacks && sql === 'SELECT 1 FROM main."f"';
        if (hit) lacks = false;
        return hit;
      }),
  );
  member.ok("CREATE VIRTUAL TABLE f USING fts5(a)");
  const sql = "INSERT INTO f VALUES ('one')";
  isNoAnswer(member, sql, () => lacks = true);
  member.ok(sql);
});

test("what could not be compiled for lack of memory was not looked at, and is not the content of a virtual table", () => {
  let lacks = false;
  using member = new Direct(
    ":memory:",
    (connection) =>
      withoutMemory(connection, (sql) => {
        const hit = lacks && sql === 'SELECT * FROM "v"';
        if (hit) lacks = false;
        return hit;
      }),
  );
  member.ok("CREATE VIEW v AS SELECT 1 AS id, changes() AS x");
  const sql =
    "CREATE VIRTUAL TABLE f USING fts5(x, content='v', content_rowid='id')";
  isNoAnswer(member, sql, () => lacks = true);
  assert.equal(member.fail(sql).code, "forbidden");
});

test("what an answer depends on is not told where there was no memory to look", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-momentary-" });
  const path = join(dir, "a.db");
  try {
    using member = new Direct(path);
    member.ok("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
    member.ok("CREATE VIEW v AS SELECT id, a FROM t");
    member.ok(
      "CREATE VIRTUAL TABLE f USING fts5(a, content='v', content_rowid='id')",
    );
    let lacks = true;
    const driver: SqliteDriver = {
      ...presentDriver(),
      open: (...args) =>
        withoutMemory(presentDriver().open(...args), (sql) => {
          const hit = lacks && sql === 'SELECT * FROM main."v"';
          if (hit) lacks = false;
          return hit;
        }),
    };
    const reader = new Reader(driver, path, {
      statementCacheCapacity: 10,
      schemaEpoch: null,
    });
    const observe = () =>
      reader.observe("SELECT a FROM f", undefined, null).tables;
    try {
      assert.throws(observe, /more memory than SQLite may use/);
      assert.ok(observe()!.includes("t"), `${observe()}`);
    } finally {
      reader.close();
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

test("a statement for which there was no memory is not called one that SQLite refuses", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-momentary-" });
  const path = join(dir, "a.db");
  try {
    using member = new Direct(path);
    member.ok("CREATE TABLE t (a)");
    const sql = "SELECT a FROM t";
    let lacks = true;
    const driver: SqliteDriver = {
      ...presentDriver(),
      open: (...args) =>
        withoutMemory(presentDriver().open(...args), (compiled) => {
          const hit = lacks && compiled === sql;
          if (hit) lacks = false;
          return hit;
        }),
    };
    const reader = new Reader(driver, path, {
      statementCacheCapacity: 10,
      schemaEpoch: null,
    });
    const kinds = () =>
      reader.analyze(sql, { plan: false }).map(({ kind }) => kind);
    try {
      assert.throws(kinds, /more memory than SQLite may use/);
      assert.deepEqual(kinds(), ["read"]);
    } finally {
      reader.close();
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
