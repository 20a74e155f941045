import assert from "node:assert/strict";
import { COMMAND_LIMITS } from "../../../src/state/sql/types.ts";
import { Direct } from "./direct.ts";
import { command, execute, Subject, txn } from "./subject.ts";
import { test } from "./drivers.ts";

function withTable(): Direct {
  const member = new Direct();
  member.ok("CREATE TABLE t (a INTEGER PRIMARY KEY, b UNIQUE)");
  return member;
}

test("execute undoes a failed statement whole, OR FAIL included", () => {
  using member = withTable();
  const failure = member.fail("INSERT OR FAIL INTO t (b) VALUES (1), (2), (1)");
  assert.deepEqual(failure, {
    code: "constraint",
    message: "UNIQUE constraint failed: t.b",
  });
  assert.deepEqual(member.rows("SELECT * FROM t"), []);
});

test("execute of OR ROLLBACK undoes itself and no neighbour in the batch", () => {
  using member = withTable();
  const { results } = member.run({
    kind: "batch",
    sql:
      "INSERT INTO t (b) VALUES (1); INSERT OR ROLLBACK INTO t (b) VALUES (1)",
  });
  assert.equal(results.length, 1);
  assert.deepEqual(member.rows("SELECT b FROM t"), [[1]]);
});

test("execute answers integers beyond 2^53 as bigint, blobs, NULL, reals and text as they are", () => {
  using member = withTable();
  const values = [
    2n ** 62n,
    -(2n ** 63n),
    5,
    1.5,
    null,
    "é\ufeff",
    new Uint8Array([0, 1]),
  ];
  const marks = values.map(() => "?").join(",");
  assert.deepEqual(member.ok(`SELECT ${marks}`, values).rows, [values]);
  assert.deepEqual(
    member.ok("SELECT typeof(?), typeof(?), typeof(?)", [1, 1.5, true]).rows,
    [["integer", "real", "integer"]],
  );
});

test("execute names wrong parameters precisely", () => {
  using member = withTable();
  const message = (sql: string, params: Parameters<Direct["fail"]>[1]) => {
    const failure = member.fail(sql, params);
    assert.equal(failure.code, "invalid");
    return failure.message;
  };
  assert.match(message("SELECT ?, ?", [1]), /has 2 parameters, 1 were given/);
  assert.match(message("SELECT ?", [1, 2]), /has 1 parameters, 2 were given/);
  assert.match(message("SELECT ?5", [1]), /has 5 parameters/);
  assert.match(message("SELECT :a", { b: 1 }), /:a was not given/);
  assert.match(message("SELECT :a", { a: 1, b: 1 }), /no parameter named b/);
  assert.match(message("SELECT ?", { a: 1 }), /unnamed parameters/);
  assert.match(message("SELECT '?', ':a' -- ?\n", [1]), /has 0 parameters/);
});

test("execute accepts every way to name a parameter", () => {
  using member = withTable();
  const sql = "SELECT :a, @b, $c, :a";
  assert.deepEqual(member.ok(sql, { a: 1, b: 2, c: 3 }).rows, [[1, 2, 3, 1]]);
  assert.deepEqual(
    member.ok(sql, { ":a": 1, "@b": 2, "$c": 3 }).rows,
    [[1, 2, 3, 1]],
  );
  assert.deepEqual(member.ok(sql, [1, 2, 3]).rows, [[1, 2, 3, 1]]);
  assert.deepEqual(member.ok("SELECT :a, @a", { ":a": 1, "@a": 2 }).rows, [[
    1,
    2,
  ]]);
  assert.deepEqual(member.ok("SELECT ?2, ?1, :x", [1, 2, 3]).rows, [[2, 1, 3]]);
});

test("execute undoes a statement whose answer is too large", () => {
  using member = withTable();
  const rows = Math.ceil(COMMAND_LIMITS.answerBytes / 1_000_000) + 1;
  const failure = member.fail(
    `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ${rows})
     INSERT INTO t (b) SELECT x FROM c RETURNING zeroblob(1000000)`,
  );
  assert.equal(failure.code, "too_large");
  assert.deepEqual(member.rows("SELECT * FROM t"), []);
  assert.equal(
    member.fail(
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x, 'aaaaaaaaaaaaaaa' FROM c",
    ).code,
    "too_large",
  );
});

test("txn is all or nothing and names the statement that failed", () => {
  using member = withTable();
  const result = member.run(txn(
    "INSERT INTO t (b) VALUES (1)",
    "INSERT INTO t (b) VALUES (2)",
    "INSERT INTO t (b) VALUES (1)",
  ));
  assert.deepEqual(result, {
    ok: false,
    error: {
      code: "constraint",
      message: "UNIQUE constraint failed: t.b",
      statement: 2,
    },
    results: [],
  });
  assert.deepEqual(member.rows("SELECT * FROM t"), []);
});

test("txn hands values of earlier statements on", () => {
  using member = withTable();
  const result = member.run(txn(
    "INSERT INTO t (b) VALUES ('x') RETURNING a, b AS name",
    {
      sql: "SELECT ?, ?",
      params: [
        { $ref: { statement: 0, column: "name" } },
        { $ref: { statement: 0, column: 0 } },
      ],
    },
  ));
  assert.deepEqual(result.results[1]!.rows, [["x", 1]]);
});

test("txn fails for a reference to a row or column that is not there", () => {
  using member = withTable();
  const fails = (first: string, column: number | string, message: RegExp) => {
    const result = member.run(txn(first, {
      sql: "SELECT ?",
      params: [{ $ref: { statement: 0, column } }],
    }));
    assert.ok(!result.ok);
    assert.equal(result.error.code, "invalid");
    assert.match(result.error.message, message);
  };
  fails("SELECT a FROM t", 0, /returned no row/);
  fails("SELECT 1 AS a", "b", /returned no column b/);
  fails("SELECT 1 AS a", 1, /returned no column 1/);
});

test("batch runs statements one by one, triggers and comments included, up to the first error", () => {
  using member = withTable();
  const result = member.run({
    kind: "batch",
    sql: `-- first; comment
      INSERT INTO t (b) VALUES ('a;b');
      CREATE TRIGGER tr AFTER INSERT ON t WHEN new.b = 'z' BEGIN
        DELETE FROM t WHERE b = 'a;b'; SELECT 1;
      END; /* ; */ ;
      INSERT INTO t (b) VALUES ('z');
      INSERT INTO t (b) VALUES ('z');
      INSERT INTO t (b) VALUES ('never')`,
  });
  assert.ok(!result.ok);
  assert.equal(result.error.statement, 3);
  assert.equal(result.results.length, 3);
  assert.deepEqual(member.rows("SELECT b FROM t"), [["z"]]);
});

const ONE = {
  id: 1,
  name: "one",
  sql: "CREATE TABLE m (a); INSERT INTO m VALUES (1);",
};
const TWO = { id: 2, name: "two", sql: "ALTER TABLE m ADD COLUMN b" };

test("migrate applies what is new, once", () => {
  using member = new Direct();
  const first = member.run({ kind: "migrate", migrations: [ONE] });
  assert.equal(first.results.length, 1);
  const both = member.run({ kind: "migrate", migrations: [ONE, TWO] });
  assert.equal(both.results.length, 1);
  const again = member.run({ kind: "migrate", migrations: [ONE, TWO] });
  assert.deepEqual(again, { ok: true, results: [] });
  assert.deepEqual(member.rows("SELECT * FROM m"), [[1, null]]);
  assert.deepEqual(
    member.rows("SELECT id, name, idx FROM _hql_migrations"),
    [[1, "one", 1], [2, "two", 2]],
  );
});

test("migrate applies nothing of a request that fails, and says where", () => {
  using member = new Direct();
  const wrong = { ...TWO, sql: "SELECT 1; INSERT INTO nowhere VALUES (1)" };
  const result = member.run({ kind: "migrate", migrations: [ONE, wrong] });
  assert.ok(!result.ok);
  assert.equal(
    result.error.message,
    "Migration 2 (two), statement 1: no such table: nowhere",
  );
  assert.deepEqual(
    member.rows("SELECT name FROM sqlite_schema WHERE name = 'm'"),
    [],
  );
  assert.deepEqual(member.rows("SELECT * FROM _hql_migrations"), []);
});

test("migrate refuses changed, renamed and missing history", () => {
  using member = new Direct();
  member.run({ kind: "migrate", migrations: [ONE] });
  const refused = (migrations: typeof ONE[], message: RegExp) => {
    const result = member.run({ kind: "migrate", migrations });
    assert.ok(!result.ok);
    assert.equal(result.error.code, "conflict");
    assert.match(result.error.message, message);
  };
  refused([{ ...ONE, sql: "SELECT 1" }], /another text/);
  refused([{ ...ONE, name: "uno" }], /applied as "one"/);
  refused([{ ...TWO, id: 3 }], /the next one is 2/);
});

test("apply() answers a malformed command with a failure and goes on", () => {
  using member = withTable();
  const [answer] = member.batch([new Uint8Array([1, 1, 2, 3])]);
  assert.ok(answer!.length > 0);
  member.ok("INSERT INTO t (b) VALUES (1)");
});

test("apply() refuses to go on at a command of a newer version", () => {
  using member = withTable();
  assert.throws(
    () => member.batch([new Uint8Array([9, 1])]),
    /start a newer release/,
  );
});

test("deferred foreign keys are checked at the end of each entry", () => {
  using member = new Direct();
  member.ok("CREATE TABLE p (id INTEGER PRIMARY KEY)");
  member.ok(
    "CREATE TABLE c (p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)",
  );
  assert.ok(
    member.run(txn("INSERT INTO c VALUES (1)", "INSERT INTO p VALUES (1)")).ok,
  );
  const result = member.run(execute("INSERT INTO c VALUES (2)"));
  assert.ok(!result.ok);
  assert.equal(result.error.code, "constraint");
  assert.deepEqual(member.rows("SELECT * FROM c"), [[1]]);
});

test("what is kept of a batch that rolled back may owe a foreign key: then nothing of it is kept", () => {
  using member = new Direct();
  member.ok("CREATE TABLE p (id INTEGER PRIMARY KEY)");
  member.ok(
    "CREATE TABLE c (p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)",
  );
  member.ok("CREATE TABLE u (id UNIQUE)");
  member.ok("INSERT INTO u VALUES (1)");
  const result = member.run({
    kind: "batch",
    sql: "INSERT INTO c VALUES (555); INSERT OR ROLLBACK INTO u VALUES (1)",
  });
  assert.ok(!result.ok);
  assert.match(result.error.message, /FOREIGN KEY/);
  assert.deepEqual(result.results, []);
  assert.deepEqual(member.rows("SELECT count(*) FROM c"), [[0]]);
  member.ok("INSERT INTO u VALUES (2)");
});

test("apply() throws when the disk is full, keeps what was committed, and does not go on by itself", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-full-" });
  try {
    using member = new Direct(`${dir}/a.db`);
    member.ok("CREATE TABLE t (a)");
    member.ok("INSERT INTO t VALUES (1)");
    const before = member.dump();
    const { applied } = member.applier.position;
    member.exec("PRAGMA max_page_count = 40");
    const big = command(execute("INSERT INTO t VALUES (zeroblob(1000000))"));
    const small = command(execute("INSERT INTO t VALUES (2)"));
    assert.throws(() => member.batch([small, big]), /disk is full/);
    member.restart();
    assert.deepEqual(member.applier.position.applied, applied);
    assert.equal(member.dump(), before);
    assert.equal(member.batch([small, big]).length, 2);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

test("an AUTOINCREMENT cannot be used up: SQLite would answer as for a full disk", () => {
  using member = new Direct();
  member.ok("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a)");
  member.ok("INSERT INTO t (a) VALUES (1)");
  const before = member.dump();
  for (
    const sql of [
      "UPDATE sqlite_sequence SET seq = 9223372036854775807",
      "UPDATE sqlite_sequence SET seq = 1e30",
      "INSERT INTO sqlite_sequence VALUES ('t', '9223372036854775807')",
      "INSERT INTO t VALUES (9223372036854775807, 1)",
    ]
  ) assert.equal(member.fail(sql).code, "constraint", sql);
  assert.equal(member.dump(), before);
  member.ok("UPDATE sqlite_sequence SET seq = 9223372036854775806");
  assert.equal(
    member.fail("INSERT INTO t (a) VALUES (2)").code,
    "constraint",
  );
});

test("a transaction that fails says which statement it was, the first one, too", () => {
  using member = new Direct();
  member.ok("CREATE TABLE t (n UNIQUE)");
  for (const place of [0, 1, 2]) {
    const statements = Array<string>(3).fill("INSERT INTO t VALUES (NULL)");
    statements[place] = "INSERT INTO missing VALUES (1)";
    const result = member.run(txn(...statements));
    assert.ok(!result.ok);
    assert.equal(result.error.statement, place);
  }
});

test("a parameter that SQLite cannot store is refused with what to give instead, wherever it is bound", async () => {
  await using subject = await Subject.open({ readPoolSize: 1 });
  const { machine } = subject;
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [
      new Date(0),
      /no SQL type: Date; give its getTime\(\) or toISOString\(\)$/,
    ],
    [{ a: 1 }, /no SQL type: Object; JSON\.stringify\(\) makes a text of it$/],
    [[1], /no SQL type: Array; JSON\.stringify\(\)/],
    [undefined, /no SQL type: undefined$/],
  ];
  for (const [value, message] of cases) {
    const params = [value as null];
    const refused = { code: "invalid", message };
    assert.throws(() => machine.querySync("SELECT ?", params), refused);
    await assert.rejects(machine.query({ sql: "SELECT ?", params }), refused);
  }
});
