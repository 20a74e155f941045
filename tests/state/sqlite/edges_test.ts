/** What a user may write and must neither end a member, nor happen twice, nor differ between members. */
import assert from "node:assert/strict";
import { Direct } from "./direct.ts";
import { command, execute, START_MS, txn } from "./subject.ts";
import { test } from "./drivers.ts";

const LARGEST = "9223372036854775807";

for (const space of ["\u00a0", "\u2003", "\ufeff"]) {
  test(`a parameter named $a(U+${space.codePointAt(0)!.toString(16)}) is an error, or bound, and never ends the member`, () => {
    using member = new Direct();
    const sql = `SELECT $a(${space})`;
    assert.match(member.fail(sql, { $a: 1 }).message, /was not given/);
    assert.deepEqual(member.ok(sql, { [`$a(${space})`]: 1 }).rows, [[1]]);
  });
}

test("a write with RETURNING that returns no row happens once", () => {
  using member = new Direct();
  member.ok("CREATE TABLE q (x)");
  member.ok("CREATE TABLE counter (n)");
  member.ok("INSERT INTO counter VALUES (0)");
  member.ok(
    `CREATE TRIGGER count BEFORE INSERT ON q BEGIN
       UPDATE counter SET n = n + new.x; SELECT RAISE(IGNORE);
     END`,
  );
  assert.deepEqual(member.ok("INSERT INTO q VALUES (5) RETURNING x").rows, []);
  assert.deepEqual(member.rows("SELECT n FROM counter"), [[5]]);
});

test("a word that stands in a string does not hide an error in the middle of the rows", () => {
  using member = new Direct();
  const sql =
    "SELECT abs(column1), 'returning' FROM (VALUES (1), (-9223372036854775807 - 1))";
  assert.match(member.fail(sql).message, /integer overflow/);
});

test("a statement whose failure ends the transaction is undone, RETURNING included", () => {
  using member = new Direct();
  member.ok("CREATE TABLE t (a UNIQUE)");
  member.ok("INSERT INTO t VALUES (1)");
  const failure = member.fail(
    "INSERT OR ROLLBACK INTO t VALUES (1) RETURNING a",
  );
  assert.equal(failure.code, "constraint");
  member.ok("INSERT INTO t VALUES (2)");
  assert.deepEqual(member.rows("SELECT a FROM t"), [[1], [2]]);
});

for (
  const now of [
    "'now' || char(0)",
    "'now' || char(0) || 'x'",
    "CAST(x'6e6f7700' AS TEXT)",
    "x'6e6f7700'",
    "x'6e6f770000000000000000000000000000000000'",
  ]
) {
  test(`the current time of ${now} is the entry's`, () => {
    using member = new Direct();
    member.ok("CREATE TABLE t (at)");
    member.ok(`INSERT INTO t VALUES (unixepoch(${now}))`);
    assert.deepEqual(member.rows("SELECT at FROM t"), [[START_MS / 1000]]);
  });
}

for (const zone of ["localtime", "utc"]) {
  test(`the time zone ${zone} does not come in behind a NUL`, () => {
    using member = new Direct();
    for (
      const { message } of [
        member.fail("SELECT datetime('2024-01-01', ?)", [`${zone}\0`]),
        member.fail(`SELECT datetime('2024-01-01', '${zone}' || char(0))`),
      ]
    ) assert.match(message, /depends on the member's time zone/);
  });
}

test("changes() after an insert that inserted nothing says so", () => {
  using member = new Direct();
  member.ok("CREATE TABLE t (id INTEGER PRIMARY KEY, x)");
  member.ok("CREATE TABLE w (k PRIMARY KEY) WITHOUT ROWID");
  member.ok("INSERT INTO t VALUES (1, 'old')");
  member.run(txn(
    "INSERT INTO t VALUES (1, 'new') ON CONFLICT DO NOTHING",
    "UPDATE t SET x = 'new' WHERE id = 1 AND changes() = 0",
  ));
  assert.deepEqual(member.rows("SELECT x FROM t"), [["new"]]);
  const result = member.run(txn(
    "INSERT INTO t VALUES (7, 'x')",
    "INSERT INTO w VALUES (1), (2), (3)",
    "SELECT changes(), last_insert_rowid()",
    "SELECT changes(), last_insert_rowid()",
  ));
  assert.ok(result.ok);
  assert.deepEqual(result.results.slice(2).map(({ rows }) => rows), [
    [[3, 7]],
    [[3, 7]],
  ]);
});

test("an answer is bounded before it is in memory, whatever the text says", () => {
  using member = new Direct();
  const { code } = member.fail(
    `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1e12)
     SELECT zeroblob(100000) /* rollback */ FROM c`,
  );
  assert.equal(code, "too_large");
});

test("names with capitals beyond ASCII are as SQLite folds them", () => {
  using member = new Direct();
  member.ok('CREATE TABLE "Übung" (id INTEGER PRIMARY KEY, x)');
  member.ok("INSERT INTO Übung VALUES (2, 1), (3, 1)");
  member.ok("UPDATE ÜBUNG SET id = id + 10");
  assert.deepEqual(member.rows('SELECT id FROM "Übung"'), [[12], [13]]);
});

for (
  const [table, insert] of [
    ["CREATE VIRTUAL TABLE f USING fts5(b)", "f (rowid, b)"],
    ['CREATE TABLE "a.b" (x)', '"a.b" (rowid, x)'],
    ["CREATE VIRTUAL TABLE f USING rtree(id, x0, x1)", "f (id, x1)"],
  ] as const
) {
  test(`the largest rowid is not given away by INSERT INTO ${insert}`, () => {
    using member = new Direct();
    member.ok(table);
    const values = `(${LARGEST}, 1), (1, 2)`;
    assert.match(
      member.fail(`INSERT INTO ${insert} VALUES ${values}`).message,
      /is reserved/,
    );
    member.ok(`INSERT INTO ${insert} VALUES (2, 1), (3, 2)`);
  });
}

test("what differs between members does not come into tables by way of CREATE … AS or a shadow table", () => {
  using member = new Direct();
  member.ok("CREATE TABLE t (x)");
  member.ok("CREATE VIRTUAL TABLE f USING fts5(b)");
  for (
    const sql of [
      "CREATE TABLE c AS SELECT name, rootpage FROM sqlite_schema",
      "INSERT INTO t SELECT count(*) FROM f_data",
      'INSERT INTO t SELECT count(*) FROM "F_Data"',
      "CREATE VIEW v AS SELECT * FROM f_idx",
    ]
  ) assert.match(member.fail(sql).message, /members differ in it/, sql);
  member.ok("INSERT INTO f VALUES ('word')");
  member.ok("CREATE TABLE c AS SELECT name FROM sqlite_schema");
  member.ok("INSERT INTO t SELECT b FROM f WHERE f MATCH 'word'");
  member.ok("DROP TABLE f");
});

test("a statement that uses up an AUTOINCREMENT fails; it is no full disk", () => {
  using member = new Direct();
  member.ok("CREATE TABLE q (id INTEGER PRIMARY KEY AUTOINCREMENT, u)");
  assert.equal(
    member.fail(`INSERT INTO q (id) VALUES (${LARGEST}), (NULL)`).code,
    "constraint",
  );
  member.ok("INSERT INTO q (id) VALUES (9223372036854775806)");
  assert.equal(
    member.fail("INSERT INTO q (u) VALUES (1), (2)").code,
    "constraint",
  );
  assert.equal(member.rows("SELECT * FROM q").length, 1);
});

test("the largest rowid is not given away in the middle of a statement either", () => {
  using member = new Direct();
  member.ok("CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE)");
  const values = `(${LARGEST}, 'a'), (NULL, 'b'), (NULL, 'a')`;
  assert.match(
    member.fail(`INSERT OR REPLACE INTO t (id, u) VALUES ${values}`).message,
    /is reserved/,
  );
  member.ok('CREATE TABLE "it\'s" (rowid, _rowid_ TEXT)');
  member.ok(`INSERT INTO "it's" VALUES (${LARGEST}, '1')`);
  member.ok("ALTER TABLE t RENAME TO s");
  assert.match(
    member.fail(`INSERT INTO s VALUES (${LARGEST}, 1), (NULL, 2)`).message,
    /is reserved/,
  );
  member.ok("ALTER TABLE s ADD COLUMN v");
  for (let i = 0; i < 3; i++) {
    member.ok("CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE)");
    assert.match(
      member.fail(`INSERT INTO t VALUES (${LARGEST}, 1), (NULL, 2)`).message,
      /is reserved/,
    );
    member.ok(`ALTER TABLE t RENAME TO t${i}`);
  }
});

test("tables that the software guards can be dropped, made again, and their guards are nobody's business", () => {
  using member = new Direct();
  for (let i = 0; i < 3; i++) {
    member.ok("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    assert.equal(
      member.fail(`INSERT INTO t VALUES (${LARGEST}), (NULL)`).code,
      "constraint",
    );
    assert.equal(
      member.fail(`DROP TRIGGER temp."_hql_rowid ${2 * i + 1}"`).code,
      "forbidden",
    );
    member.ok("DROP TABLE t");
  }
  assert.equal(
    member.run(txn("CREATE TABLE t (x)", "INSERT INTO nowhere VALUES (1)")).ok,
    false,
  );
  member.ok("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  assert.equal(
    member.fail(`INSERT INTO t VALUES (${LARGEST}), (NULL)`).code,
    "constraint",
  );
});

test("optimize() of a full-text table does not end the member", () => {
  using member = new Direct();
  member.ok("CREATE VIRTUAL TABLE g USING fts4(x)");
  member.ok("INSERT INTO g VALUES ('a')");
  for (
    const sql of [
      "DELETE FROM g WHERE optimize(g) IS NULL",
      "UPDATE g SET x = optimize(g)",
    ]
  ) assert.equal(member.fail(sql).code, "forbidden");
  member.ok("INSERT INTO g (g) VALUES ('optimize')");
});

for (
  const refused of [
    { sql: "PRAGMA defer_foreign_keys = ON", params: [1] },
    { sql: "PRAGMA defer_foreign_keys = ON; SELECT 1", params: [] },
  ]
) {
  test(`"${refused.sql}" with ${refused.params.length} parameters changes no answer of its neighbours`, () => {
    const bodies = [
      execute(refused.sql, refused.params),
      execute("INSERT INTO c VALUES (7)"),
      execute("INSERT INTO p VALUES (7)"),
    ].map((body) => command(body));
    const outcomes = [bodies.map((body) => [body]), [bodies]].map((batches) => {
      using member = new Direct();
      member.ok("CREATE TABLE p (id INTEGER PRIMARY KEY)");
      member.ok("CREATE TABLE c (p REFERENCES p)");
      const answers = batches.flatMap((batch) => member.batch(batch));
      return { answers, dump: member.dump() };
    });
    assert.deepEqual(outcomes[0], outcomes[1]);
  });
}

test("shadow tables and this software's own do not come into tables by any name", () => {
  using member = new Direct();
  member.ok("CREATE TABLE t (x)");
  member.ok("CREATE TABLE d (f_data)");
  member.ok("CREATE VIEW early AS SELECT count(*) AS n FROM h_data");
  for (
    const sql of [
      "CREATE VIRTUAL TABLE h USING fts5(x)",
      "CREATE VIRTUAL TABLE e USING fts5(x, content='_hql_answers')",
    ]
  ) assert.equal(member.fail(sql).code, "forbidden", sql);
  member.ok("CREATE VIRTUAL TABLE f USING fts5(b)");
  for (const name of ["f_data", "'f_data'", "[F_DATA]", "`f_data`"]) {
    const sql = `INSERT INTO t SELECT count(*) FROM ${name}`;
    assert.equal(member.fail(sql).code, "forbidden", sql);
  }
  member.ok("INSERT INTO d (f_data) VALUES ('f_data')");
});

const REFUSED_BY_SQLITE = /cannot (add|rename to) rowid alias/;

function refusesRowidNames(member: Direct): boolean {
  member.ok("CREATE TABLE probe (a)");
  const answer = member.run(execute("ALTER TABLE probe ADD COLUMN oid"));
  member.ok("DROP TABLE probe");
  return !answer.ok && REFUSED_BY_SQLITE.test(answer.error.message);
}

test("guards are the same however the table came to be as it is", () => {
  const [steps, once] = [new Direct(), new Direct()];
  using _steps = steps;
  using _once = once;
  // From 3.54 on SQLite itself gives no column such a name later.
  if (refusesRowidNames(steps)) return;
  for (
    const sql of [
      "CREATE TABLE t (a, b)",
      "ALTER TABLE t ADD COLUMN oid",
      "ALTER TABLE t RENAME COLUMN a TO rowid",
      "ALTER TABLE t RENAME COLUMN b TO c",
      "ALTER TABLE t RENAME TO s",
    ]
  ) steps.ok(sql);
  once.ok("CREATE TABLE s (rowid, c, oid)");
  for (
    const [sql, works] of [
      [`INSERT INTO s (rowid, oid) VALUES (${LARGEST}, ${LARGEST})`, true],
      [`INSERT INTO s (_rowid_) VALUES (${LARGEST}), (NULL)`, false],
    ] as const
  ) {
    const results = [steps, once].map((member) => member.run(execute(sql)));
    assert.equal(results[0]!.ok, works, sql);
    assert.deepEqual(results[0], results[1]);
  }
});

test("a table whose columns take all names of its rowid is refused, however it comes to be", () => {
  using member = new Direct();
  member.ok("CREATE TABLE two (rowid, _rowid_, c)");
  member.ok("CREATE TABLE three (a, _rowid_, oid)");
  for (
    const sql of [
      "CREATE TABLE t (rowid, _rowid_, oid)",
      'CREATE TABLE t ("ROWID" TEXT PRIMARY KEY, [_RowId_], oid)',
      "CREATE TABLE t (rowid INTEGER PRIMARY KEY DESC, _rowid_, oid)",
      "CREATE TABLE t (rowid, _rowid_, oid, PRIMARY KEY (rowid, oid))",
      "CREATE TABLE t (a, rowid AS (a), _rowid_ AS (a), oid AS (a))",
      "CREATE TABLE t AS SELECT 1 AS rowid, 2 AS _rowid_, 3 AS oid",
      "ALTER TABLE two ADD COLUMN oid",
      "ALTER TABLE two RENAME COLUMN c TO oid",
      "ALTER TABLE three RENAME COLUMN a TO rowid",
    ]
  ) {
    const { code, message } = member.fail(sql);
    if (REFUSED_BY_SQLITE.test(message)) continue;
    assert.equal(code, "forbidden", sql);
    assert.match(message, /take all names of its rowid/, sql);
  }
  member.ok("ALTER TABLE two ADD COLUMN d");
  assert.deepEqual(
    member.rows("SELECT name FROM pragma_table_list WHERE name = 't'"),
    [],
  );
  for (
    const rest of [
      "rowid INTEGER PRIMARY KEY, _rowid_, oid)",
      'rowid, _rowid_, oid, "a ""b" INTEGER, PRIMARY KEY ("a ""b"))',
    ]
  ) {
    member.ok(`CREATE TABLE t (${rest}`);
    const key = rest.startsWith("rowid I") ? "rowid" : '"a ""b"';
    for (
      const sql of [
        `INSERT INTO t (${key}) VALUES (${LARGEST}), (NULL)`,
        `UPDATE t SET ${key} = ${LARGEST} WHERE ${key} = 1`,
      ]
    ) {
      member.ok(`INSERT INTO t (${key}) VALUES (NULL)`);
      assert.match(member.fail(sql).message, /is reserved/, sql);
    }
    member.ok("DROP TABLE t");
  }
  member.ok("CREATE TABLE w (rowid PRIMARY KEY, _rowid_, oid) WITHOUT ROWID");
});
