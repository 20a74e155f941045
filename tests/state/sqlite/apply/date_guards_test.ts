import assert from "node:assert/strict";
import { Direct } from "../direct.ts";

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

Deno.test("rows of one statement go into one part of a full-text index", () => {
  using member = new Direct();
  member.ok("CREATE VIRTUAL TABLE f USING fts5(a)");
  member.ok("INSERT INTO f VALUES ('x'), ('y'), ('z'), ('w')");
  assert.deepEqual(member.rows("SELECT count(DISTINCT segid) FROM f_idx"), [[
    1,
  ]]);
});
