import assert from "node:assert/strict";
import { Direct } from "../direct.ts";
import { answered, command, execute } from "../subject.ts";

/** Tables in which something is computed from dates. */
const TABLES: Readonly<Record<string, readonly string[]>> = {
  "an index": [
    "CREATE TABLE t (id INTEGER PRIMARY KEY, at)",
    "CREATE INDEX i ON t(date(at) DESC)",
  ],
  "a partial index": [
    "CREATE TABLE t (id INTEGER PRIMARY KEY, at)",
    "CREATE INDEX i ON t(at) WHERE date(at) > '2020-01-01'",
  ],
  "a generated column": [
    "CREATE TABLE t (id INTEGER PRIMARY KEY, at, d AS (date(at, '+1 day')))",
  ],
  "a stored column": [
    "CREATE TABLE t (id INTEGER PRIMARY KEY, at, d GENERATED ALWAYS AS (date(at)) STORED)",
  ],
  "a table without rowids": [
    "CREATE TABLE t (id, at, d AS (date(at)) STORED, PRIMARY KEY (id)) WITHOUT ROWID",
  ],
  "a hidden value": [
    "CREATE TABLE t (id INTEGER PRIMARY KEY, at)",
    "CREATE INDEX i ON t(id, date(substr(at || '', 1, 10)) /* a, comment */, at COLLATE NOCASE)",
  ],
};

for (const [what, schema] of Object.entries(TABLES)) {
  Deno.test(`U25: with ${what} on dates the current time works everywhere but there`, () => {
    using member = new Direct();
    for (const sql of schema) member.ok(sql);
    member.ok("CREATE TABLE log (at DEFAULT (date('now')))");
    member.ok("INSERT INTO log VALUES (date('now')), (datetime())");
    member.ok("INSERT INTO log DEFAULT VALUES");
    member.ok("INSERT INTO t (id, at) VALUES (1, date('now')), (2, NULL)");
    member.ok("UPDATE t SET at = date('now', '-1 day')");
    member.ok("SELECT date('now')");
    const before = member.dump();
    for (
      const sql of [
        "INSERT INTO t (id, at) VALUES (3, 'fine'), (4, 'NOW')",
        "UPDATE t SET at = 'now'",
        "INSERT INTO t (id, at) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET at = 'now'",
        "INSERT OR IGNORE INTO t (id, at) VALUES (5, 'now')",
      ]
    ) {
      assert.match(
        member.fail(sql).message,
        /must not depend on the current time/,
        sql,
      );
      assert.equal(member.dump(), before);
    }
    member.ok("DELETE FROM t");
    member.ok("INSERT INTO log VALUES (date('now'))");
    assert.deepEqual(member.rows("PRAGMA integrity_check"), [["ok"]]);
  });
}

Deno.test("L8: what itself asks for the current time cannot become an index or a generated column in use", () => {
  using member = new Direct();
  member.ok("CREATE TABLE z(a, b AS (datetime(a)))");
  member.ok("SELECT datetime('now')");
  member.ok("CREATE TABLE t (a)");
  member.ok("INSERT INTO t VALUES ('now')");
  for (
    const sql of [
      "CREATE INDEX i ON t(date(a))",
      "CREATE INDEX i ON t(date('now', a))",
    ]
  ) assert.equal(member.fail(sql).code, "sql", sql);
  member.ok("CREATE TABLE u (a, b AS (date()) STORED)");
  assert.match(member.fail("INSERT INTO u VALUES (1)").message, /current time/);
  member.ok("CREATE TABLE copy AS SELECT date('now') AS d");
});

Deno.test("a guard of dates, which only a member has that wrote since its start, is in nobody's way", () => {
  const statements = [
    "ALTER TABLE t DROP COLUMN at",
    "ALTER TABLE t RENAME COLUMN at TO rowid",
    "INSERT INTO t (id, rowid) VALUES (2, 'now')",
    "ALTER TABLE t RENAME COLUMN rowid TO at",
    "ALTER TABLE t RENAME TO u",
    "INSERT INTO u (id, at) VALUES (3, 'now'), (9223372036854775807, 1)",
    "INSERT INTO u (id, at) VALUES (9223372036854775807, 'now')",
    "UPDATE u SET id = 9223372036854775807, at = 'now'",
    "ALTER TABLE u DROP COLUMN d",
    "ALTER TABLE u DROP COLUMN at",
    "INSERT INTO u (id, at) VALUES (3, 3)",
    "DROP INDEX i",
    "ALTER TABLE u DROP COLUMN at",
    "INSERT INTO u (id) VALUES (4)",
  ];
  const answersOf = (restarts: boolean): unknown[] => {
    const dir = Deno.makeTempDirSync();
    try {
      using member = new Direct(`${dir}/db`);
      for (
        const sql of [
          "CREATE TABLE t (id INTEGER PRIMARY KEY, at, d AS (date(at)))",
          "CREATE INDEX i ON t(time(at))",
          "INSERT INTO t (id, at) VALUES (1, 1)",
        ]
      ) member.ok(sql);
      return statements.map((sql) => {
        if (restarts) member.restart();
        return member.batch([command(execute(sql))]).map((answer) =>
          answered(answer)
        );
      });
    } finally {
      Deno.removeSync(dir, { recursive: true });
    }
  };
  const answers = answersOf(false);
  assert.deepEqual(answersOf(true), answers);
  assert.match(JSON.stringify(answers.at(-1)), /"ok":true/, "all was done");
});

Deno.test("rows of one statement go into one part of a full-text index", () => {
  using member = new Direct();
  member.ok("CREATE VIRTUAL TABLE f USING fts5(a)");
  member.ok("INSERT INTO f VALUES ('x'), ('y'), ('z'), ('w')");
  assert.deepEqual(member.rows("SELECT count(DISTINCT segid) FROM f_idx"), [[
    1,
  ]]);
});
