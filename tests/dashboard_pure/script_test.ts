import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { lightened } from "../../dashboard/statements/large_literals.ts";
import {
  destroys,
  isFrame,
  leadingWords,
} from "../../dashboard/statements/script_look.ts";
import { ScriptReader } from "../../dashboard/statements/script_reader.ts";
import { slowGroups } from "../../dashboard/statements/slow_groups.ts";
import { valueFromJson } from "../../src/api/json.ts";

const SCRIPT = `\ufeff-- a dump; with a comment
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE "a;b" (x, -- not; here
  y);
INSERT INTO "a;b" VALUES ('it''s;', 'two
lines;'); INSERT INTO "a;b" VALUES (x'3b', 2);;

/* DROP TABLE c;
*/
CREATE TRIGGER t AFTER INSERT ON "a;b" BEGIN
  DELETE FROM log;
  SELECT 1;
END;\r
COMMIT;
SELECT 1`;

const FOUND = [
  ["PRAGMA foreign_keys=OFF;", 2],
  ["BEGIN TRANSACTION;", 3],
  ['CREATE TABLE "a;b" (x, -- not; here\n  y);', 4],
  [`INSERT INTO "a;b" VALUES ('it''s;', 'two\nlines;');`, 6],
  [`INSERT INTO "a;b" VALUES (x'3b', 2);`, 7],
  [
    'CREATE TRIGGER t AFTER INSERT ON "a;b" BEGIN\n  DELETE FROM log;\n  SELECT 1;\nEND;',
    11,
  ],
  ["COMMIT;", 15],
  ["SELECT 1", 16],
];

Deno.test("a script is read in pieces of any size: its statements are whole, with the lines where they begin", () => {
  for (let size = 1; size <= SCRIPT.length; size++) {
    const reader = new ScriptReader();
    const found = [];
    for (let at = 0; at < SCRIPT.length; at += size) {
      found.push(...reader.push(SCRIPT.slice(at, at + size)));
    }
    found.push(...reader.end());
    assert.deepEqual(
      found.map(({ sql, line }) => [sql, line]),
      FOUND,
      `pieces of ${size}`,
    );
  }
});

Deno.test("what is complete is given before the script ends, and what is not is held with its line", () => {
  const reader = new ScriptReader();
  assert.deepEqual(reader.push("SELECT 1;\nSELECT\n"), [
    { sql: "SELECT 1;", line: 1 },
  ]);
  assert.equal(reader.line, 1);
  assert.equal(reader.held, "\nSELECT\n".length);
  assert.deepEqual(reader.push("2;\n" + "-- more\n".repeat(10)), [
    { sql: "SELECT\n2;", line: 2 },
  ]);
  assert.deepEqual(reader.end(), []);
});

Deno.test("what drops something, or changes all rows, is told apart from what only looks so", () => {
  for (
    const sql of [
      "DROP TABLE t",
      "/* ; */ drop index if exists i;",
      "ALTER TABLE t DROP COLUMN x",
      "DELETE FROM t",
      "DELETE FROM t RETURNING (SELECT 1 WHERE 1)",
      "UPDATE t SET x = (SELECT y FROM u WHERE u.id = t.id)",
      "WITH old AS (SELECT id FROM t WHERE x) DELETE FROM t",
    ]
  ) assert.equal(destroys(sql), true, sql);
  for (
    const sql of [
      "",
      "SELECT 'DROP TABLE t'",
      "/* DROP TABLE t */ INSERT INTO t VALUES (1)",
      'INSERT INTO "drop" VALUES (1) ON CONFLICT DO UPDATE SET x = 1',
      "WITH a AS (VALUES (1)) INSERT INTO t SELECT * FROM a",
      "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END",
      "ALTER TABLE t ADD COLUMN x",
      "ALTER TABLE t RENAME COLUMN x TO y",
      "DELETE FROM t WHERE id = 1",
      "WITH old AS (SELECT 1) UPDATE t SET x = 1 WHERE id IN old",
      "REPLACE INTO t VALUES (1)",
    ]
  ) assert.equal(destroys(sql), false, sql);
});

Deno.test("what tools put around a dump is passed over, and nothing else", () => {
  for (
    const sql of [
      "BEGIN;",
      "begin immediate transaction",
      "-- end\nCOMMIT;",
      "END TRANSACTION",
      "PRAGMA foreign_keys=OFF;",
      "pragma Foreign_Keys = 1",
    ]
  ) assert.equal(isFrame(sql), true, sql);
  for (
    const sql of [
      "ROLLBACK",
      "SAVEPOINT a",
      "PRAGMA user_version = 3",
      'INSERT INTO "begin" VALUES (1)',
      "SELECT 1 AS begin",
    ]
  ) assert.equal(isFrame(sql), false, sql);
  assert.deepEqual(leadingWords("/* a */ Insert\ninto t values (1)"), [
    "INSERT",
    "INTO",
  ]);
});

Deno.test("large texts and blobs of a statement become parameters, and its rows stay the same", () => {
  const blob = "00ff3B".repeat(100_000);
  const text = `it''s; ${"ä".repeat(300_000)}`;
  const sql =
    `INSERT INTO t VALUES (X'${blob}', '${text}', 'short', x'00'), (1, '${text}', -- '\n NULL, 2.0);`;
  const light = lightened(sql);
  assert.equal(light.params.length, 3);
  assert.ok(light.sql.length < 200, light.sql);
  const rows = (given: { sql: string; params: readonly unknown[] }) => {
    const db = new DatabaseSync(":memory:");
    db.exec("CREATE TABLE t (a, b, c, d)");
    db.prepare(given.sql).run(
      ...given.params.map((param, at) =>
        valueFromJson(param, `${at}`) as string
      ),
    );
    const all = db.prepare(
      "SELECT typeof(a) || quote(a) AS a, typeof(b) || quote(b) AS b, typeof(c) || quote(c) AS c, typeof(d) || quote(d) AS d FROM t",
    ).all();
    db.close();
    return all;
  };
  assert.deepEqual(rows(light), rows({ sql, params: [] }));
});

Deno.test("a statement goes as it is if it is short, has parameters, or writes no rows", () => {
  const long = "a".repeat(600_000);
  for (
    const sql of [
      `INSERT INTO t VALUES ('${"a".repeat(20_000)}')`,
      `INSERT INTO t VALUES ('${long}', ?1)`,
      `CREATE TABLE t (a DEFAULT '${long}')`,
      `INSERT INTO t VALUES (x'${long}0')`,
      `INSERT INTO t VALUES (${"1, ".repeat(200_000)}1)`,
    ]
  ) {
    assert.deepEqual(lightened(sql), { sql, params: [] }, sql.slice(0, 30));
  }
});

Deno.test("slow statements of one text stand together, whichever member they were asked of; what took most comes first", () => {
  const slow = (sql: string, ms: number, at: number, failure = null) => ({
    ...{ sql, ms, at_ms: at, failure },
    kind: "query" as const,
  });
  assert.deepEqual(
    slowGroups([
      {
        node_id: 2,
        limit_ms: 100,
        statements: [
          slow("SELECT 2", 500, 8),
          { ...slow("SELECT\n1 ", 400, 7), failure: "timeout" },
        ],
      },
      {
        node_id: 1,
        limit_ms: 100,
        statements: [
          slow("SELECT  1", 300, 9),
          { ...slow("SELECT 1", 100, 6), kind: "write" },
        ],
      },
    ]),
    [
      {
        sql: "SELECT  1",
        kind: "query",
        nodes: [1, 2],
        count: 2,
        longestMs: 400,
        totalMs: 700,
        lastMs: 9,
        failure: "timeout",
      },
      {
        sql: "SELECT 2",
        kind: "query",
        nodes: [2],
        count: 1,
        longestMs: 500,
        totalMs: 500,
        lastMs: 8,
        failure: null,
      },
      {
        sql: "SELECT 1",
        kind: "write",
        nodes: [1],
        count: 1,
        longestMs: 100,
        totalMs: 100,
        lastMs: 6,
        failure: null,
      },
    ],
  );
});
