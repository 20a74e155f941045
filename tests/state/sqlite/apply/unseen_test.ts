import assert from "node:assert/strict";
import { nodeDriver } from "../../../../src/state/sqlite/driver/node_driver.ts";
import { Reader } from "../../../../src/state/sqlite/read/reader.ts";
import { Direct } from "../direct.ts";
import { command, execute, txn } from "../subject.ts";

/** What a view must not show to a virtual table: the members differ in it. */
const SECRETS = [
  "SELECT 1 AS id, total_changes() AS x",
  "SELECT 1 AS id, idx AS x FROM _hql_meta",
  "SELECT 1 AS id, answer AS x FROM _hql_answers",
  "SELECT 1 AS id, changes() AS x",
  "SELECT 1 AS id, last_insert_rowid() AS x",
  "SELECT 1 AS id, * FROM pragma_data_version AS x",
  "SELECT 1 AS id, freelist_count AS x FROM pragma_freelist_count",
  "SELECT 1 AS id, file AS x FROM pragma_database_list",
  "SELECT 1 AS id, max(rootpage) AS x FROM sqlite_master",
  "SELECT 1 AS id, sqlite_version() AS x",
];

for (const secret of SECRETS) {
  Deno.test(`C6c, H2: full-text search does not read ${secret}`, () => {
    for (const order of ["view first", "view last", "in a view"]) {
      using member = new Direct();
      member.ok("CREATE TABLE tc (x)");
      const view = `CREATE VIEW ${
        order === "in a view" ? "w" : "v"
      } AS ${secret}`;
      const statements = [
        view,
        ...(order === "in a view" ? ["CREATE VIEW v AS SELECT * FROM w"] : []),
        "CREATE VIRTUAL TABLE fe USING fts5(x, content='v', content_rowid='id')",
      ];
      if (order === "view last") statements.reverse();
      const results = statements.map((sql) => member.run(execute(sql)));
      const refused = results.find(({ ok }) => !ok);
      assert.ok(refused !== undefined && !refused.ok, order);
      assert.equal(refused.error.code, "forbidden", refused.error.message);
      const copied = member.run(execute("INSERT INTO tc SELECT x FROM fe"));
      assert.ok(!copied.ok || member.rows("SELECT * FROM tc").length === 0);
    }
  });
}

Deno.test("H2: a query does not see members' own tables through a view that full-text search reads", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-unseen-" });
  try {
    using member = new Direct(`${dir}/a.db`);
    member.exec(
      `CREATE TABLE plain (id INTEGER PRIMARY KEY, x);
       INSERT INTO plain VALUES (1, 'seen');
       CREATE VIEW v AS SELECT 1 AS id, idx AS x FROM _hql_meta;
       CREATE VIRTUAL TABLE secret USING fts5(x, content='v', content_rowid='id');
       CREATE VIRTUAL TABLE fine USING fts5(x, content='plain', content_rowid='id');`,
    );
    assert.match(
      member.fail("INSERT INTO plain SELECT 2, x FROM secret").message,
      /reserved/,
    );
    const reader = new Reader(nodeDriver, `${dir}/a.db`, {
      statementCacheCapacity: 10,
      schemaEpoch: null,
    });
    try {
      assert.deepEqual(
        reader.query("SELECT x FROM fine", undefined, null).rows,
        [
          ["seen"],
        ],
      );
      assert.throws(
        () => reader.query("SELECT x FROM secret", undefined, null),
        /reserved/,
      );
    } finally {
      reader.close();
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("compress= and uncompress= are refused", () => {
  using member = new Direct();
  const { code } = member.fail(
    "CREATE VIRTUAL TABLE f USING fts4(x, compress=changes, uncompress=hex)",
  );
  assert.equal(code, "forbidden");
});

Deno.test("C6b: changes() next to a full-text index does not depend on how entries are gathered", () => {
  const statements = [
    "CREATE TABLE docs (id INTEGER PRIMARY KEY, b)",
    "CREATE TABLE log (w NOT NULL)",
    "CREATE VIRTUAL TABLE f USING fts5(b)",
    "CREATE VIRTUAL TABLE f4 USING fts4(b)",
    "CREATE TRIGGER search AFTER INSERT ON docs BEGIN INSERT INTO f(rowid, b) VALUES (new.id, new.b); INSERT INTO f4(docid, b) VALUES (new.id, new.b); END",
    "INSERT INTO docs (b) VALUES ('one')",
    "INSERT INTO log(w) SELECT changes() UNION ALL SELECT 7",
    "INSERT INTO docs (b) VALUES ('two'), ('three')",
    "INSERT INTO log(w) VALUES (changes())",
    "INSERT INTO f(f) VALUES ('rebuild')",
    "INSERT INTO log(w) VALUES (changes())",
    "INSERT INTO f4(f4) VALUES ('rebuild')",
    "INSERT INTO log(w) SELECT changes() FROM f WHERE f MATCH 'two' UNION ALL SELECT 7",
    "INSERT INTO log(w) SELECT changes() FROM f4 WHERE f4 MATCH 'two' UNION ALL SELECT changes()",
  ].map((sql) => command(execute(sql)));
  using alone = new Direct();
  for (const payload of statements) alone.batch([payload]);
  using together = new Direct();
  together.batch(statements.slice(0, 5));
  together.batch(statements.slice(5));
  assert.deepEqual(
    together.rows("SELECT w FROM log"),
    alone.rows("SELECT w FROM log"),
  );
  assert.equal(together.applier.position.hash, alone.applier.position.hash);
  for (const shadow of ["f_data", "f_idx", "f4_segdir", "f4_segments"]) {
    const rows = `SELECT * FROM ${shadow}`;
    assert.deepEqual(together.rows(rows), alone.rows(rows), shadow);
  }
});

Deno.test("a query can read an R-Tree, which compiles writes of its own when it is opened", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-rtree-" });
  try {
    using member = new Direct(`${dir}/a.db`);
    member.ok("CREATE VIRTUAL TABLE r USING rtree(id, a, b)");
    member.ok("INSERT INTO r VALUES(1, 2, 3)");
    const reader = new Reader(nodeDriver, `${dir}/a.db`, {
      statementCacheCapacity: 10,
      schemaEpoch: null,
    });
    const { rows } = reader.query("SELECT id FROM r", undefined, null);
    assert.deepEqual(rows, [[1]]);
    member.ok("DROP TABLE r");
    member.ok("CREATE VIRTUAL TABLE s USING rtree(id, a, b)");
    assert.deepEqual(
      reader.query("SELECT id FROM s", undefined, null).rows,
      [],
    );
    reader.close();
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("what a statement is taken for does not depend on whether its virtual table was open", () => {
  const statements = [
    "CREATE TABLE w (k NOT NULL)",
    "CREATE VIRTUAL TABLE r USING rtree(id, a, b)",
    "INSERT INTO r VALUES(1, 2, 3)",
    "INSERT INTO w VALUES (1), (NULL) RETURNING k",
    "DELETE FROM r",
  ].map((sql) => command(execute(sql)));
  using alone = new Direct();
  using together = new Direct();
  assert.deepEqual(
    together.batch(statements),
    statements.map((payload) => alone.batch([payload])[0]!),
  );
  assert.deepEqual(together.events, alone.events);
});

Deno.test("reading a virtual table that SQLite has closed meanwhile is not taken for writing what it keeps its data in", () => {
  using member = new Direct();
  member.ok("CREATE TABLE n (k PRIMARY KEY) WITHOUT ROWID");
  member.ok("CREATE VIRTUAL TABLE r USING rtree(id, a, b)");
  // Undoing it takes the schema back, and closes what was open.
  member.run(txn("CREATE TABLE z (a)", "INSERT INTO n VALUES (nope)"));
  const result = member.run(txn(
    "INSERT INTO n VALUES (1)",
    "SELECT id FROM r",
    "SELECT changes()",
  ));
  assert.ok(result.ok);
  // A statement that writes would have changed no row.
  assert.deepEqual(result.results[2]!.rows, [[1]]);
});
