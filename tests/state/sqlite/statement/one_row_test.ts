import assert from "node:assert/strict";
import { insertsOneRow } from "../../../../src/state/sqlite/statement/one_row.ts";

Deno.test("an INSERT of one list of values is known by its text", () => {
  for (
    const sql of [
      "INSERT INTO t VALUES (1)",
      "insert into t values(1, (2), f(3, 4));",
      "INSERT INTO main.t (a, b) VALUES (?, ?) ; ;",
      'INSERT INTO "a ""b" ([c], `d`) VALUES (:e, \'), (\')',
      "/* one */ INSERT INTO t -- (\n (a) VALUES ((SELECT max(a) FROM t))",
    ]
  ) assert.equal(insertsOneRow(sql), true, sql);
});

Deno.test("what may insert several rows, or leaves one out, is not one row's INSERT", () => {
  for (
    const sql of [
      "",
      "INSERT",
      "INSERT INTO t VALUES",
      "INSERT INTO t VALUES (1",
      "INSERT INTO t VALUES (1), (2)",
      "INSERT INTO t (a) VALUES (1), (2)",
      "INSERT INTO t SELECT a FROM u",
      "INSERT INTO t (a) SELECT a FROM u",
      "INSERT INTO t DEFAULT VALUES",
      "INSERT INTO t VALUES (1) RETURNING a",
      "INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET a = 2",
      "INSERT INTO t VALUES (1) UNION SELECT 2",
      "INSERT INTO t AS u VALUES (1)",
      "INSERT OR REPLACE INTO t VALUES (1)",
      "REPLACE INTO t VALUES (1)",
      "WITH u AS (SELECT 1) INSERT INTO t VALUES (1)",
      "UPDATE t SET a = 1",
    ]
  ) assert.equal(insertsOneRow(sql), false, sql);
});
