import assert from "node:assert/strict";
import { open } from "../../../src/app/open.ts";
import type { LocalClient } from "../../../src/client/local.ts";
import { createApp } from "../../../src/server/app.ts";
import { type Outcome, run } from "../fake_terminal.ts";

const SECRET = "api-secret-0123456789";

/** A shell on a member of its own. */
interface Fixture {
  readonly db: LocalClient;
  readonly dir: string;
  /** Runs `hiqlite shell` with arguments; `piped` are the lines of its input. */
  shell(args: readonly string[], piped?: readonly string[]): Promise<Outcome>;
}

async function withShell(
  test: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const db = await open({
    dataDir: `${dir}/data`,
    tickMs: 5,
    readyTimeoutMs: 20_000,
  });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    createApp(db.member, { secretApi: SECRET }).fetch,
  );
  const url = `--url=127.0.0.1:${server.addr.port}`;
  try {
    await test({
      db,
      dir,
      shell: (args, piped = []) =>
        run(["shell", url, ...args], { HQL_SECRET_API: SECRET }, piped),
    });
  } finally {
    await server.shutdown();
    await db.shutdown();
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("hiqlite shell runs its arguments, and what comes through a pipe", () =>
  withShell(async ({ shell }) => {
    const one = await shell(["SELECT 1 + 1", "SELECT 'a' AS x; SELECT 2"]);
    assert.deepEqual(one, { code: 0, out: "2\na\n2", error: "" });
    const piped = await shell(["--write"], [
      "CREATE TABLE t (a INTEGER PRIMARY KEY,",
      "  b);",
      "INSERT INTO t VALUES (1, 'one;'), (2, x'00ff'); -- two rows",
      "/* a comment; that goes",
      ".on */ SELECT * FROM t;",
      "SELECT count(*) FROM t",
    ]);
    assert.deepEqual(piped, {
      code: 0,
      out: "1|one;\n2|x'00ff'\n2",
      error: "",
    });
  }));

Deno.test("hiqlite shell shows a REAL without a fraction as one, in each mode and from each kind of column", () =>
  withShell(async ({ db, shell }) => {
    await db.batch(
      "CREATE TABLE t (r REAL, i INTEGER, n NUMERIC, a); INSERT INTO t VALUES (1, 2, 3.0, 4.0), (-5e18, 5e18, 0.5, 9007199254740993), (1e300, NULL, 'x', 1)",
    );
    const shown = async (mode: string, sql: string): Promise<string> =>
      (await shell([`--mode=${mode}`, sql])).out;
    assert.equal(
      await shown("list", "SELECT * FROM t ORDER BY rowid DESC -- backwards"),
      "1e+300||x|1\n-5000000000000000000.0|5000000000000000000|0.5|9007199254740993\n1.0|2|3|4.0",
    );
    assert.equal(
      await shown("csv", "SELECT avg(i), 2 FROM t WHERE i = 2;"),
      "2.0,2",
    );
    assert.equal(
      await shown("json", "WITH x(y) AS (VALUES (1.0), (1)) SELECT y FROM x"),
      '[{"y":1.0},\n {"y":1}]',
    );
    assert.equal(
      await shown("insert", "VALUES (-0.0, 7)"),
      'INSERT INTO "table" ("column1", "column2") VALUES (0.0, 7);',
    );
    assert.equal(
      await shown("table", "SELECT 10.0 AS r UNION ALL SELECT 1"),
      "+------+\n| 10.0 |\n|    1 |\n+------+",
    );
    // Where it cannot be told, rows and names are as ever.
    assert.equal(
      await shown("json", "SELECT 1.0 AS a, 2 AS a"),
      '[{"a":1,"a":2}]',
    );
    const wrong = await shell(["SELECT absent FROM t"]);
    assert.match(wrong.error, /no such column: absent/);
  }));

Deno.test("hiqlite shell shows 64-bit integers, NULL, bytes and hostile text exactly in each mode", () =>
  withShell(async ({ shell }) => {
    const sql =
      `SELECT 9223372036854775807 AS big, NULL AS n, x'0aff' AS b, 'a"b,c|d' || char(10, 27) AS t, -1.5 AS r`;
    const shown = async (mode: string): Promise<string> =>
      (await shell([`--mode=${mode}`, ".nullvalue ∅", sql])).out;
    assert.equal(
      await shown("json"),
      `[{"big":9223372036854775807,"n":null,"b":"x'0aff'","t":"a\\"b,c|d\\n\\u001b","r":-1.5}]`,
    );
    assert.equal(
      await shown("insert"),
      `INSERT INTO "table" ("big", "n", "b", "t", "r") VALUES (9223372036854775807, NULL, x'0aff', 'a"b,c|d\n\x1b', -1.5);`,
    );
    assert.equal(
      await shown("csv"),
      `9223372036854775807,∅,x'0aff',"a""b,c|d\n\x1b",-1.5`,
    );
    assert.equal(
      await shown("line"),
      [
        "big = 9223372036854775807",
        "  n = ∅",
        "  b = x'0aff'",
        '  t = a"b,c|d␊␛',
        "  r = -1.5",
      ].join("\n"),
    );
    assert.equal(
      await shown("markdown"),
      [
        "| big                 | n | b       | t         | r    |",
        "|---------------------|---|---------|-----------|------|",
        "| 9223372036854775807 | ∅ | x'0aff' | a\"b,c\\|d␊␛ | -1.5 |",
      ].join("\n"),
    );
    assert.equal(
      (await shell(["--mode=line", "SELECT 'a' || char(8238, 8294) AS t"])).out,
      "t = a\ufffd\ufffd",
    );
    const { out } = await shell([
      "--mode=box",
      ".headers on",
      ".width 0 3",
      "SELECT 1 AS n, 'abcdef' AS text UNION ALL SELECT 22, 'x'",
    ]);
    assert.equal(
      out,
      [
        "┌────┬─────┐",
        "│ n  │ te… │",
        "├────┼─────┤",
        "│  1 │ ab… │",
        "│ 22 │ x   │",
        "└────┴─────┘",
      ].join("\n"),
    );
  }));

Deno.test("hiqlite shell refuses to write until it is allowed, and says how", () =>
  withShell(async ({ shell, db }) => {
    await db.execute("CREATE TABLE t (a)");
    const refused = await shell(["INSERT INTO t VALUES (1)", "SELECT 7"]);
    assert.equal(refused.code, 1);
    assert.match(refused.error, /\.write on.*--write.*\(forbidden\)$/);
    assert.equal(refused.out, "", "the first error ends it");
    const allowed = await shell([
      ".write on",
      "WITH c(x) AS (VALUES (1), (2)) INSERT INTO t SELECT x FROM c RETURNING a * 10",
    ]);
    assert.deepEqual([allowed.code, allowed.out], [0, "10\n20"]);
    const never = await shell(["--write", "ATTACH 'x' AS y"]);
    assert.equal(never.code, 1);
    assert.match(never.error, /ATTACH/);
  }));

Deno.test("hiqlite shell ends with 0, 1, 2 and 3", () =>
  withShell(async ({ shell }) => {
    assert.equal((await shell(["SELECT 1"])).code, 0);
    const wrong = await shell(["SELEC 1"]);
    assert.deepEqual([wrong.code, wrong.out], [1, ""]);
    assert.match(wrong.error, /^Error: .*syntax error.*\(sql\)$/);
    assert.equal((await shell([".nothing"])).code, 2);
    assert.equal((await shell(["--nothing"])).code, 2);
    assert.equal((await shell([".mode fancy"])).code, 2);
    const on = await shell(["--keep-going", "SELEC 1", "SELECT 5"]);
    assert.deepEqual([on.code, on.out], [1, "5"]);
    const nobody = await run(
      ["shell", "--url=127.0.0.1:9", "--timeout=2", "SELECT 1"],
      { HQL_SECRET_API: SECRET },
    );
    assert.equal(nobody.code, 3, nobody.error);
  }));

Deno.test("hiqlite shell sends what stands between BEGIN and COMMIT together", () =>
  withShell(async ({ shell, db }) => {
    await db.execute("CREATE TABLE t (a UNIQUE)");
    const failed = await shell(["--write"], [
      "BEGIN;",
      "INSERT INTO t VALUES (1);",
      "INSERT INTO t VALUES (1);",
      "COMMIT;",
    ]);
    assert.equal(failed.code, 1);
    assert.match(failed.error, /UNIQUE.*\(constraint\)/);
    const open = await shell(["--write"], [
      "BEGIN;",
      "INSERT INTO t VALUES (2);",
    ]);
    assert.equal(open.code, 1);
    assert.match(open.error, /before COMMIT/);
    assert.deepEqual(db.querySync("SELECT * FROM t"), []);
    const done = await shell(["--write"], [
      "BEGIN TRANSACTION;",
      "INSERT INTO t VALUES (3);",
      "ROLLBACK;",
      "BEGIN;",
      "INSERT INTO t VALUES (4);",
      "END;",
    ]);
    assert.deepEqual([done.code, done.error], [0, ""]);
    assert.deepEqual(db.querySync("SELECT * FROM t"), [{ a: 4 }]);
  }));

Deno.test("what .dump writes, .read makes again", () =>
  withShell(async ({ shell, db, dir }) => {
    await db.batch(`
      CREATE TABLE "od""d" (a INTEGER PRIMARY KEY, "b c" TEXT, g AS (a + 1));
      CREATE TABLE kv (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
      CREATE INDEX by_b ON "od""d" ("b c");
      CREATE VIEW both AS SELECT k FROM kv;
      CREATE TRIGGER after_kv AFTER INSERT ON kv BEGIN DELETE FROM "od""d" WHERE a = 99; END;
      INSERT INTO kv VALUES ('x', 1.0), ('y', x'0102'), ('z', 9223372036854775807), ('n', NULL), ('i', 1e999);
    `);
    await db.execute(
      `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 2500)
       INSERT INTO "od""d" (a, "b c") SELECT n * 3, 'it''s ' || n || char(10) FROM c`,
    );
    const dumped = await shell([`.output ${dir}/all.sql`, ".dump"]);
    assert.deepEqual(dumped, { code: 0, out: "", error: "" });
    const before = [
      db.querySync(`SELECT *, typeof("b c") AS ty FROM "od""d"`),
      db.querySync("SELECT *, typeof(v) AS ty FROM kv"),
      db.querySync(
        "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
      ),
    ];
    assert.equal(before[0]!.length, 2500);
    await db.batch(`DROP VIEW both; DROP TABLE kv; DROP TABLE "od""d";`);
    const read = await shell(["--write", `.read ${dir}/all.sql`]);
    assert.deepEqual(read, { code: 0, out: "", error: "" });
    const after = [
      db.querySync(`SELECT *, typeof("b c") AS ty FROM "od""d"`),
      db.querySync("SELECT *, typeof(v) AS ty FROM kv"),
      db.querySync(
        "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
      ),
    ];
    assert.deepEqual(after, before);
  }));

Deno.test("a dump has what AUTOINCREMENT gave out, all rows of a table without rowids, and is none of a table that is not there", () =>
  withShell(async ({ shell, db, dir }) => {
    await db.batch(`
      CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, t);
      INSERT INTO a (t) VALUES (1), (2), (3);
      DELETE FROM a WHERE id > 1;
      CREATE TABLE e (id INTEGER PRIMARY KEY AUTOINCREMENT);
      INSERT INTO e VALUES (9);
      DELETE FROM e;
      CREATE TABLE kv (k INTEGER PRIMARY KEY, v) WITHOUT ROWID;
      WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 2500)
        INSERT INTO kv SELECT n, n FROM c;
    `);
    const gone = await shell([".dump nosuch"]);
    assert.deepEqual([gone.code, gone.out], [1, ""]);
    assert.match(gone.error, /no table or view "nosuch"/);
    const dumped = await shell([`.output ${dir}/all.sql`, ".dump"]);
    assert.deepEqual(dumped, { code: 0, out: "", error: "" });
    await db.batch("DROP TABLE a; DROP TABLE e; DROP TABLE kv;");
    const read = await shell(["--write", `.read ${dir}/all.sql`]);
    assert.deepEqual(read, { code: 0, out: "", error: "" });
    assert.deepEqual(
      db.querySync("SELECT name, seq FROM sqlite_sequence ORDER BY name"),
      [{ name: "a", seq: 3 }, { name: "e", seq: 9 }],
    );
    assert.deepEqual(db.querySync("SELECT count(*), sum(v) AS s FROM kv"), [
      { "count(*)": 2500, s: 3126250 },
    ]);
  }));

Deno.test("a dump has the rows of searched texts, tables with names like those of others, and children before their parents", () =>
  withShell(async ({ shell, db, dir }) => {
    await db.batch(`
      CREATE TABLE child (p TEXT REFERENCES parent (name));
      CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);
      CREATE UNIQUE INDEX parent_name ON parent (name);
      INSERT INTO parent VALUES (1, 'a');
      INSERT INTO child VALUES ('a');
      CREATE VIRTUAL TABLE log USING fts5(body);
      INSERT INTO log (rowid, body) VALUES (7, 'hello'), (9, 'it''s here');
      CREATE TABLE log_entries (x);
      INSERT INTO log_entries VALUES (5);
      CREATE TABLE hql_mine (x);
      INSERT INTO hql_mine VALUES (6);
    `);
    const dumped = await shell([`.output ${dir}/all.sql`, ".dump"]);
    assert.deepEqual(dumped, { code: 0, out: "", error: "" });
    await db.batch(
      "DROP TABLE child; DROP TABLE parent; DROP TABLE log; DROP TABLE log_entries; DROP TABLE hql_mine;",
    );
    const read = await shell(["--write", `.read ${dir}/all.sql`]);
    assert.deepEqual(read, { code: 0, out: "", error: "" });
    assert.deepEqual(
      db.querySync("SELECT p, id FROM child JOIN parent ON name = p"),
      [{ p: "a", id: 1 }],
    );
    assert.deepEqual(db.querySync("SELECT rowid AS id FROM log('hello')"), [{
      id: 7,
    }]);
    assert.deepEqual(db.querySync("SELECT body FROM log WHERE rowid = 9"), [{
      body: "it's here",
    }]);
    assert.deepEqual(
      db.querySync("SELECT l.x, h.x AS y FROM log_entries l, hql_mine h"),
      [{ x: 5, y: 6 }],
    );
  }));

Deno.test("hiqlite shell imports CSV into a new table and one that is there", () =>
  withShell(async ({ shell, db, dir }) => {
    const rows = Array.from(
      { length: 1_203 },
      (_, at) => `${at},"n ${at}, ""q"""`,
    );
    await Deno.writeTextFile(
      `${dir}/a.csv`,
      `id,"long name"\r\n${rows.join("\r\n")}`,
    );
    const made = await shell(["--write", `.import ${dir}/a.csv people`]);
    assert.deepEqual([made.code, made.error], [
      0,
      "1203 rows were imported into people",
    ]);
    assert.deepEqual(
      db.querySync(`SELECT count(*) AS n, max("long name") AS m FROM people`),
      [{ n: 1203, m: 'n 999, "q"' }],
    );
    await db.execute("CREATE TABLE typed (n INTEGER, t TEXT)");
    await Deno.writeTextFile(`${dir}/b.csv`, '1,x\n2,"two\nlines"\n');
    await shell(["--write", `.import ${dir}/b.csv typed`]);
    assert.deepEqual(db.querySync("SELECT * FROM typed"), [
      { n: 1, t: "x" },
      { n: 2, t: "two\nlines" },
    ]);
    await Deno.writeTextFile(`${dir}/c.csv`, "1,x\n2\n");
    const short = await shell(["--write", `.import ${dir}/c.csv typed`]);
    assert.equal(short.code, 1);
    assert.match(short.error, /Record 2 has 1 fields, and typed has 2 columns/);
    await Deno.writeTextFile(`${dir}/d.csv`, '1,"x\n');
    const open = await shell(["--write", `.import ${dir}/d.csv typed`]);
    assert.match(open.error, /quote has no end/);
    const refused = await shell([`.import ${dir}/b.csv typed`]);
    assert.match(refused.error, /--write/);
    const absent = await shell(["--write", `.import ${dir}/none.csv typed`]);
    assert.match(absent.error, /none\.csv cannot be read/);
    assert.equal(db.querySync("SELECT * FROM typed").length, 2);
  }));

Deno.test("dot-commands show the schema, the cluster, and one another", () =>
  withShell(async ({ shell, db, dir }) => {
    await db.batch(
      "CREATE TABLE b (x); CREATE TABLE a (y); CREATE INDEX i ON b (x); CREATE VIEW v AS SELECT 1;",
    );
    assert.equal((await shell([".tables"])).out, "a\nb\nv");
    assert.equal((await shell([".indexes b"])).out, "i");
    assert.equal(
      (await shell([".schema b"])).out,
      "CREATE TABLE b (x);\nCREATE INDEX i ON b (x);",
    );
    assert.match((await shell([".leader"])).out, /^node 1 at /);
    assert.match((await shell([".nodes"])).out, /NODE +ROLE/);
    assert.equal((await shell([".ready"])).out, "ready");
    const help = await shell([".help"]);
    assert.match(help.out, /^\.consistency local\|linearizable/);
    const ambiguous = await shell([".re"]);
    assert.match(ambiguous.error, /\.re may be \.read or \.ready/);
    const plan = await shell([".plan on", "SELECT * FROM b WHERE x = 1"]);
    assert.match(plan.error, /^-- SEARCH b USING .*INDEX i/);
    const once = await shell([
      `.once ${dir}/one`,
      "SELECT 1; SELECT 2",
      ".timer on",
      ".consistency linearizable",
      "SELECT 3",
    ]);
    assert.equal(once.out, "2\n3");
    assert.match(once.error, /^Took [\d.]+ ms$/);
    assert.equal(await Deno.readTextFile(`${dir}/one`), "1\n");
    await Deno.writeTextFile(`${dir}/loop.sql`, `.read ${dir}/loop.sql\n`);
    const loop = await shell([`.read ${dir}/loop.sql`]);
    assert.equal(loop.code, 2);
    assert.match(loop.error, /16 deep/);
  }));
