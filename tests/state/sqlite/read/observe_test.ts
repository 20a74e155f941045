import assert from "node:assert/strict";
import { dependenciesOf } from "../../../../src/state/sqlite/read/dependencies.ts";
import type { SqlParameters } from "../../../../src/state/sql/types.ts";
import type { Observation } from "../../../../src/state/sql/port.ts";
import { Subject } from "../subject.ts";
import { test } from "../drivers.ts";

const SCHEMA = [
  "CREATE TABLE Plain (id INTEGER PRIMARY KEY, v)",
  "CREATE TABLE other (id INTEGER PRIMARY KEY, p REFERENCES plain, w)",
  "CREATE TABLE keyed (k PRIMARY KEY, n) WITHOUT ROWID",
  "CREATE TABLE seq (id INTEGER PRIMARY KEY AUTOINCREMENT)",
  'CREATE VIEW seen AS SELECT v, w FROM plain JOIN other ON p = "plain".id',
  "CREATE VIEW deep AS SELECT count(*) AS c FROM seen",
  "CREATE VIRTUAL TABLE words USING fts5(body)",
  "CREATE TABLE doc (id INTEGER PRIMARY KEY, body)",
  "CREATE VIRTUAL TABLE found USING fts5(body, content='doc', content_rowid='id')",
  "CREATE VIEW docs AS SELECT id, body FROM Doc WHERE id > 0",
  'CREATE VIRTUAL TABLE through USING fts5(body, content="docs", content_rowid=id)',
  "CREATE VIRTUAL TABLE terms USING fts5vocab('words', 'row')",
  "CREATE VIRTUAL TABLE places USING rtree(id, x0, x1)",
  "CREATE VIEW mandate AS SELECT hql_token('job') AS token",
];

async function subject(): Promise<Subject> {
  const subject = await Subject.open({ readPoolSize: 1 });
  for (const sql of SCHEMA) await subject.execute(sql);
  return subject;
}

function observe(
  { machine }: Subject,
  sql: string,
  known = "",
  params: SqlParameters = [],
  guarded = false,
): Promise<Observation> {
  return machine.observe({ sql, params, guarded }, known);
}

test("observe() tells the tables that an answer depends on", async () => {
  await using on = await subject();
  const cases: readonly (readonly [string, string | null])[] = [
    ["SELECT 1", ""],
    ["SELECT v FROM PLAIN", "plain"],
    ["SELECT count(*) FROM plain", "plain"],
    ["SELECT 1 FROM other LIMIT 1", "other"],
    ["SELECT EXISTS (SELECT 1 FROM keyed)", "keyed"],
    ["SELECT * FROM plain WHERE id IN (SELECT p FROM other)", "other plain"],
    ["SELECT 1 WHERE 1 IN keyed", null],
    ["SELECT * FROM plain NATURAL LEFT JOIN keyed", "keyed plain"],
    ["SELECT max(rowid) FROM plain", "plain"],
    ["VALUES ((SELECT n FROM keyed))", "keyed"],
    [
      "WITH RECURSIVE c(x) AS (SELECT id FROM plain UNION SELECT x + 1 FROM c, other) SELECT * FROM c LIMIT 1",
      "other plain",
    ],
    [
      "WITH recent AS (SELECT * FROM keyed) SELECT count(*) FROM recent",
      "keyed",
    ],
    ["SELECT v, row_number() OVER (ORDER BY w) FROM seen", "other plain"],
    ["SELECT 1 FROM deep", "other plain"],
    ["SELECT * FROM words WHERE words MATCH 'x'", "words"],
    ["SELECT count(*) FROM words_content", "words"],
    ["SELECT body FROM found WHERE found MATCH 'x'", "doc found"],
    ["SELECT body FROM through", "doc through"],
    ["SELECT * FROM terms", "terms words"],
    ["SELECT x0 FROM places", "places"],
    ["SELECT * FROM places_node", "places"],
    ["SELECT * FROM json_each('[1]'), plain", "plain"],
    ["SELECT name FROM sqlite_schema", ""],
    ["SELECT * FROM pragma_table_info('plain')", ""],
    ["SELECT * FROM _hql_migrations", "_hql_migrations"],
    ["SELECT count(*) FROM _hql_events", "_hql_events"],
    ["SELECT name FROM hql_locks", "hql_locks"],
    ["SELECT count(*) FROM HQL_LOCKS", "hql_locks"],
    ["SELECT v FROM plain WHERE HQL_token('job') = v", "hql_locks plain"],
    ["SELECT * FROM mandate", "hql_locks"],
    [
      "WITH hql_locks AS (SELECT v FROM plain) SELECT v FROM hql_locks",
      "plain",
    ],
  ];
  const tables = new Set(
    "plain other keyed seq words doc found through terms places _hql_migrations _hql_events"
      .split(" "),
  );
  // A name that a text gives to something else does no harm.
  const tellsOfLocks = (sql: string): boolean => !sql.startsWith("WITH hql");
  for (const [sql, expected] of cases) {
    if (expected === null) continue;
    const { tables: found } = await observe(on, sql);
    // Names that are no table do no harm.
    const relevant = found!.filter((name) =>
      tables.has(name) || name === "hql_locks" && tellsOfLocks(sql)
    ).sort();
    assert.equal(relevant.join(" "), expected, sql);
  }
  for (
    const sql of [
      "SELECT * FROM sqlite_sequence",
      "SELECT * FROM pragma_page_count",
      "PRAGMA foreign_key_check",
      "EXPLAIN SELECT 1",
    ]
  ) assert.equal((await observe(on, sql)).tables, null, sql);
});

test("observe() tells the index, and the rows only if they are others", async () => {
  await using on = await subject();
  for (const guarded of [false, true]) {
    const sql = "SELECT * FROM plain WHERE id > ?";
    await on.execute("DELETE FROM plain");
    const empty = await observe(on, sql, "", [0], guarded);
    assert.deepEqual(empty.result, { columns: ["id", "v"], rows: [] });
    assert.equal(empty.index, on.machine.applied.index);
    await on.execute("INSERT INTO keyed VALUES (?, 1)", [guarded]);
    const same = await observe(on, sql, empty.hash, [0], guarded);
    assert.equal(same.result, null);
    assert.equal(same.hash, empty.hash);
    assert.equal(same.index, empty.index + 1);
    await on.execute("INSERT INTO plain VALUES (1, 'x')");
    const full = await observe(on, sql, empty.hash, [0], guarded);
    assert.deepEqual(full.result!.rows, [[1, "x"]]);
    assert.notEqual(full.hash, empty.hash);
    assert.equal(full.index, on.machine.applied.index);
    await assert.rejects(
      on.machine.observe(
        { sql, params: [0], guarded, limits: { maxRows: 0 } },
        "",
      ),
      { code: "too_large" },
    );
    await assert.rejects(
      observe(on, "SELECT * FROM nowhere", "", [], guarded),
      {
        code: "sql",
      },
    );
  }
});

test("observe() sees a schema that changed, whether the statement was kept or not", async () => {
  await using on = await subject();
  const view = "SELECT * FROM shown";
  await on.execute("CREATE VIEW shown AS SELECT v FROM plain");
  const tablesOf = async (): Promise<string> => {
    const { tables, result } = await observe(on, view);
    // Other queries of the same thread go on with what they know.
    await on.machine.query({ sql: "SELECT * FROM other" });
    const known = ["plain", "keyed", "keyed_2", "other"];
    return `${tables!.filter((name) => known.includes(name)).sort()} ${
      result!.columns
    }`;
  };
  assert.equal(await tablesOf(), "plain v");
  assert.equal(await tablesOf(), "plain v");
  await on.execute("DROP VIEW shown");
  await on.execute("CREATE VIEW shown AS SELECT k AS a, n FROM keyed");
  assert.equal(await tablesOf(), "keyed a,n");
  await on.execute("ALTER TABLE keyed RENAME TO keyed_2");
  assert.equal(await tablesOf(), "keyed_2 a,n");
  await on.execute("DROP VIEW shown");
  await on.execute("CREATE TABLE shown (z)");
  assert.equal(await tablesOf(), " z");
});

Deno.test("dependenciesOf() ends with virtual tables that name one another", () => {
  const names = {
    virtual: new Map([
      ["a", "CREATE VIRTUAL TABLE a USING fts5(x, content='b')"],
      ["b", "CREATE VIRTUAL TABLE b USING fts5(x, content=v)"],
    ]),
    readsOf: (name: string) => name === "v" ? ["v", "a", "t"] : [],
  };
  const found = dependenciesOf("SELECT", ["a_data"], names)!;
  for (const name of ["a_data", "a", "b", "v", "t"]) {
    assert.ok(found.includes(name), name);
  }
  assert.deepEqual(dependenciesOf("SELECT", ["t"], names), ["t"]);
  assert.equal(dependenciesOf("SELECT", ["t", "dbstat"], names), null);
  assert.equal(dependenciesOf("PRAGMA", [], names), null);
});
