import assert from "node:assert/strict";
import { HiqliteError } from "../../../../src/errors.ts";
import { Direct } from "../direct.ts";
import { execute, Subject } from "../subject.ts";
import { test } from "../drivers.ts";

const REFUSED: readonly [string, RegExp][] = [
  ["BEGIN", /BEGIN, COMMIT/],
  ["COMMIT", /BEGIN, COMMIT/],
  ["ROLLBACK", /BEGIN, COMMIT/],
  ["SAVEPOINT a", /SAVEPOINT/],
  ["ATTACH 'x' AS y", /ATTACH/],
  ["DETACH main", /DETACH/],
  ["VACUUM", /VACUUM/],
  ["/* c */ vacuum INTO 'x'", /VACUUM/],
  ["PRAGMA journal_mode = DELETE", /PRAGMA journal_mode/],
  ["PRAGMA foreign_keys = OFF", /PRAGMA foreign_keys/],
  ["PRAGMA wal_checkpoint", /PRAGMA wal_checkpoint/],
  ["PRAGMA data_version", /PRAGMA data_version/],
  ["SELECT * FROM pragma_database_list", /pragma_database_list/],
  ["CREATE TEMP TABLE q (a)", /Temporary/],
  ["CREATE TABLE temp.q (a)", /Temporary/],
  ["CREATE TEMP VIEW q AS SELECT 1", /Temporary/],
  ["CREATE TABLE _hql_x (a)", /reserved/],
  ["INSERT INTO _hql_meta DEFAULT VALUES", /reserved/],
  ['UPDATE "_HQL_meta" SET idx = 9', /reserved/],
  ["SELECT * FROM _hql_answers", /reserved/],
  ["DROP TABLE _hql_meta", /reserved/],
  ["ALTER TABLE t RENAME TO '_hql_t'", /reserved/],
  ["ALTER TABLE t ADD b REFERENCES _hql_meta(time)", /reserved/],
  ["CREATE TABLE u (a REFERENCES _hql_leases(owner))", /reserved/],
  ["CREATE TABLE u (a REFERENCES/**/[_HQL_meta](time))", /reserved/],
  ["CREATE TABLE u (a REFERENCES '_hql_sessions')", /reserved/],
  [
    "/**/CREATE TABLE u (a, FOREIGN KEY (a) references `_hql_events` (id))",
    /reserved/,
  ],
  ["CREATE VIEW v AS SELECT 1; DROP TABLE t", /more than one/],
  ["ANALYZE", /^ANALYZE/],
  ["ANALYZE _hql_audit", /^ANALYZE/],
  ["REINDEX", /^REINDEX is not allowed for what begins with _hql_, nor/],
  ["REINDEX BINARY", /^REINDEX is not allowed for what begins with _hql_, nor/],
  ["REINDEX _hql_audit", /^REINDEX is not allowed for what begins/],
  ["EXPLAIN SELECT 1", /EXPLAIN/],
  ["SELECT sqlite_version()", /sqlite_version/],
  ["SELECT load_extension('x')", /load_extension/],
  ["SELECT total_changes()", /total_changes/],
  ["SELECT rootpage FROM sqlite_schema", /rootpage/],
  ["SELECT rowid FROM sqlite_master", /ROWID/],
  ["SELECT * FROM dbstat", /dbstat/],
  ["CREATE VIRTUAL TABLE d USING dbstat", /dbstat/],
];

for (const [sql, message] of REFUSED) {
  test(`apply() refuses ${sql}`, () => {
    using member = new Direct();
    member.ok("CREATE TABLE t (a)");
    const before = member.dump();
    const failure = member.fail(sql);
    assert.match(failure.message, message);
    assert.equal(
      failure.code,
      sql.includes("; DROP") ? "invalid" : "forbidden",
    );
    assert.equal(member.dump(), before);
  });
}

const READS_REFUSED: readonly [string, RegExp][] = [
  ["INSERT INTO t VALUES (1)", /may not write/],
  ["WITH x AS (SELECT 1) DELETE FROM t", /may not write/],
  ["CREATE TABLE u (a)", /may not write/],
  ["CREATE TEMP TABLE u (a)", /Temporary/],
  ["PRAGMA query_only = OFF", /PRAGMA query_only/],
  ["PRAGMA user_version = 5", /may not be set/],
  ["ATTACH ':memory:' AS m", /ATTACH/],
  ["BEGIN", /BEGIN/],
  ["VACUUM INTO 'x'", /VACUUM/],
  ["SELECT * FROM _hql_sessions", /reserved/],
  ["SELECT load_extension('x')", /load_extension/],
];

test("query() refuses what would write or reach outside", async (t) => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (a)");
  for (const [sql, message] of READS_REFUSED) {
    await t.step(sql, async () => {
      const expected = (error: unknown) => {
        assert.ok(error instanceof HiqliteError, String(error));
        assert.equal(error.code, "forbidden");
        assert.match(error.message, message);
        return true;
      };
      assert.throws(() => subject.machine.querySync(sql), expected);
      await assert.rejects(subject.machine.query({ sql }), expected);
    });
  }
});

test("query() allows the PRAGMAs that only tell", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (a, b)");
  for (
    const sql of [
      "PRAGMA table_info(t)",
      "PRAGMA table_list",
      "PRAGMA foreign_key_check",
      "PRAGMA integrity_check",
      "SELECT name FROM pragma_table_info('t')",
      "EXPLAIN QUERY PLAN SELECT * FROM t",
      "SELECT id FROM _hql_migrations",
    ]
  ) subject.machine.querySync(sql);
});

test("apply() keeps full-text search working, and its storage closed", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE VIRTUAL TABLE f USING fts5(a)");
  await subject.execute("INSERT INTO f VALUES ('hello world'), ('bye')");
  const sql = "SELECT a FROM f WHERE f MATCH 'hello'";
  assert.deepEqual(subject.rows(sql), [["hello world"]]);
  assert.deepEqual((await subject.machine.query({ sql })).rows, [[
    "hello world",
  ]]);
  const result = await subject.run(execute("DELETE FROM f_data"));
  assert.ok(!result.ok);
  const check = await subject.run(
    execute("INSERT INTO f (f) VALUES ('integrity-check')"),
  );
  assert.ok(check.ok);
});

Deno.test("U23 whether foreign keys are checked can be asked, and the refusal to change it says how a dump gets in", () => {
  using member = new Direct();
  assert.deepEqual(member.ok("PRAGMA foreign_keys").rows, [[1]]);
  const { code, message } = member.fail("PRAGMA foreign_keys=OFF");
  assert.equal(code, "forbidden");
  assert.match(message, /between BEGIN and COMMIT as one transaction/);
});

Deno.test("U26 a view over pragma_table_info is readable in a query as in a write", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (a, b)");
  await subject.execute(
    "CREATE VIEW v AS SELECT name FROM pragma_table_info('t')",
  );
  const written = await subject.execute("SELECT * FROM v");
  assert.ok(written.ok);
  assert.deepEqual(written.results[0]!.rows, [["a"], ["b"]]);
  assert.deepEqual(subject.rows("SELECT * FROM v"), [["a"], ["b"]]);
  assert.deepEqual(subject.rows("PRAGMA foreign_keys"), [[1]]);
});
