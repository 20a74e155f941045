import assert from "node:assert/strict";
import { configOf } from "../../../src/config/options.ts";
import { openMember } from "../../../src/app/open_member.ts";
import {
  Page,
  PAGE_HEADERS,
  type Reply,
  WRITE_HEADER,
} from "./with_dashboard.ts";

/** A member with a real database, and a page on which somebody is signed in who may do everything. */
async function withMember(
  run: (
    ask: (
      method: string,
      path: string,
      body?: unknown,
      headers?: Readonly<Record<string, string>>,
    ) => Promise<Reply>,
    page: Page,
    cookie: string,
  ) => Promise<void>,
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "hiqlite-dashboard-" });
  const { node } = await openMember(configOf({ dataDir }), { listen: false });
  try {
    await node.whenReady(30_000);
    const page = new Page({}, node);
    const cookie = await page.admin();
    let clicks = 0;
    await run(
      (method, path, body, headers = {}) =>
        page.ask(method, `/dashboard/api/${path}`, {
          ...(body === undefined ? {} : { body }),
          headers: {
            cookie,
            [WRITE_HEADER]: "1",
            "idempotency-key": `click ${clicks++}`,
            ...headers,
          },
        }),
      page,
      cookie,
    );
  } finally {
    await node.shutdown();
    await Deno.remove(dataDir, { recursive: true });
  }
}

const SCHEMA = [
  "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
  "CREATE TABLE child (a TEXT, b INT DEFAULT 5, g AS (b + 1), parent INT REFERENCES parent (id) ON DELETE CASCADE, PRIMARY KEY (a, b)) WITHOUT ROWID",
  "CREATE TABLE log (line TEXT)",
  "CREATE INDEX child_by_parent ON child (parent DESC, b + 1) WHERE b > 1",
  "CREATE VIEW names AS SELECT name FROM parent",
  "CREATE TRIGGER logged AFTER UPDATE ON parent BEGIN INSERT INTO log VALUES (new.name); END",
];

Deno.test("what a person does with SQL", async (test) => {
  await withMember(async (ask, page, cookie) => {
    const made = await ask("POST", "sql/write", {
      statements: SCHEMA.map((sql) => ({ sql })),
    });
    assert.equal(made.status, 200, made.text);

    await test.step("the schema has everything that a table has", async () => {
      const { json, headers } = await ask("GET", "schema");
      // deno-lint-ignore no-explicit-any
      const named = (name: string): any =>
        // deno-lint-ignore no-explicit-any
        json.objects.find((object: any) => object.name === name);
      const child = named("child");
      assert.equal(child.without_rowid, true);
      assert.equal(child.sql, SCHEMA[1]);
      assert.deepEqual(child.columns[1], {
        name: "b",
        type: "INT",
        not_null: true,
        default: "5",
        key: 2,
        generated: "no",
        hidden: false,
      });
      assert.equal(child.columns[2].generated, "virtual");
      assert.deepEqual(child.foreign_keys, [{
        table: "parent",
        from: ["parent"],
        to: ["id"],
        on_update: "NO ACTION",
        on_delete: "CASCADE",
      }]);
      assert.deepEqual(child.indexes[1], {
        name: "child_by_parent",
        unique: false,
        partial: true,
        origin: "c",
        columns: [
          { name: "parent", descending: true, collation: "BINARY" },
          { name: null, descending: false, collation: "BINARY" },
        ],
        sql: SCHEMA[3],
      });
      assert.deepEqual(named("parent").triggers, [
        { name: "logged", sql: SCHEMA[5] },
      ]);
      assert.equal(named("names").kind, "view");
      assert.equal(named("_hql_audit").internal, true);
      const etag = headers.get("etag")!;
      const same = await ask("GET", "schema", undefined, {
        "if-none-match": etag,
      });
      assert.equal(same.status, 304);
      await ask("POST", "sql/write", {
        statements: [{ sql: "CREATE TABLE later (n)" }],
      });
      const other = await ask("GET", "schema", undefined, {
        "if-none-match": etag,
      });
      assert.equal(other.status, 200);
    });

    await test.step("rows come up to the limit, exactly as they are", async () => {
      await ask("POST", "sql/write", {
        statements: [{
          sql: "INSERT INTO parent VALUES (1, ?), (?, NULL), (3, '')",
          params: ["a", { $int: "9223372036854775806" }],
        }],
      });
      const sql = "SELECT * FROM parent ORDER BY id";
      const some = await ask("POST", "sql/query", { sql, limit: 2 });
      assert.deepEqual(some.json.rows, [[1, "a"], [3, ""]]);
      assert.equal(some.json.more, true);
      const all = await ask("POST", "sql/query", { sql, limit: 3 });
      assert.deepEqual(all.json.rows[2], [
        { $int: "9223372036854775806" },
        null,
      ]);
      assert.equal(all.json.more, false);
      const endless = await ask("POST", "sql/query", {
        sql:
          "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c",
        limit: 5,
      });
      assert.deepEqual(endless.json.rows.flat(), [1, 2, 3, 4, 5]);
      const writes = await ask("POST", "sql/query", { sql: "DELETE FROM log" });
      assert.equal(writes.json.error.code, "forbidden");
      // An error behind the first rows is one as long as they are wanted.
      const late = await ask("POST", "sql/query", {
        sql: 'SELECT json(value) FROM json_each(\'["1", "{"]\')',
        limit: 2,
      });
      assert.equal(late.json.error.code, "sql");
    });

    await test.step("rows are imported, and bad ones left out and told", async () => {
      const rows = [[10, "q"], [10, "r"], ["zz", "s"], [11, "a"], [12, "u"]];
      const body = { table: "parent", columns: ["id", "name"], rows };
      const key = { "idempotency-key": "import" };
      const { json } = await ask("POST", "sql/import", body, key);
      assert.equal(json.inserted, 2);
      // deno-lint-ignore no-explicit-any
      assert.deepEqual(json.bad.map(({ row, code }: any) => [row, code]), [
        [1, "constraint"],
        [2, "sql"],
        [3, "constraint"],
      ]);
      const again = await ask("POST", "sql/import", body, key);
      assert.deepEqual(again.json, json);
      const gone = await ask("POST", "sql/import", { ...body, table: "gone" });
      assert.equal(gone.json.error.message, "no such table: gone");
      const wrong = await ask("POST", "sql/import", {
        ...body,
        rows: [[1, 2, 3]],
      });
      assert.match(wrong.json.error.message, /^rows\[0\]: /);
      const twice = await ask("POST", "sql/import", {
        ...body,
        columns: ["name", "NAME"],
      }, { "idempotency-key": "twice" });
      assert.equal(twice.json.error.code, "invalid");
      assert.match(twice.json.error.message, /^columns\[1\]: .*"NAME"/);
    });

    await test.step("all rows are exported, with an end that says so", async () => {
      const sql =
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) SELECT n, ? FROM c";
      const params = [20_000, { $int: "9223372036854775807" }];
      const { text, headers } = await ask("POST", "sql/export", {
        sql,
        params,
      });
      assert.equal(headers.get("content-type"), "application/x-ndjson");
      const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
      assert.deepEqual(lines[0], { columns: ["n", "?"] });
      assert.deepEqual(lines[20_000], [20_000, params[1]]);
      assert.equal(lines.length, 20_002);
      assert.equal(lines[20_001].end, true);
      assert.equal(lines[20_001].rows, 20_000);
      const wrong = await ask("POST", "sql/export", { sql: "SELECT gone" });
      assert.equal(wrong.json.error.code, "sql");
      const { json } = await ask("GET", "audit");
      // deno-lint-ignore no-explicit-any
      const told = json.entries.find((entry: any) => entry.detail === sql);
      assert.deepEqual([told.action, told.rows], ["export", 20_000]);
    });

    await test.step("a query whose request is closed ends", async () => {
      const closing = new AbortController();
      const response = page.app.request("/dashboard/api/sql/query", {
        method: "POST",
        headers: { ...PAGE_HEADERS, cookie },
        body: JSON.stringify({
          sql:
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c",
        }),
        signal: closing.signal,
      });
      const timer = setTimeout(() => closing.abort(), 200);
      const { status } = await response;
      clearTimeout(timer);
      // By its time it would have ended with 504.
      assert.equal(status, 499);
      const results = page.member.metrics()
        .match(/^hiqlite_queries_total\{result="(?!ok).*$/gm);
      assert.ok(
        results?.includes('hiqlite_queries_total{result="cancelled"} 1'),
      );
      assert.ok(!results?.some((line) => line.includes("internal")));
      const next = await ask("POST", "sql/query", { sql: "SELECT 1" });
      assert.deepEqual(next.json.rows, [[1]]);
    });

    await test.step("statements are looked at and not run", async () => {
      const contents = async (): Promise<unknown> =>
        (await ask("POST", "sql/query", {
          sql:
            "SELECT (SELECT count(*) FROM parent), (SELECT count(*) FROM log), (SELECT group_concat(sql) FROM sqlite_schema)",
        })).json.rows;
      const before = await contents();
      await analyzes(ask);
      assert.deepEqual(await contents(), before);
    });
  });
});

type Ask = Parameters<Parameters<typeof withMember>[0]>[0];

/** Statements, and what is said of each, of what is not empty. */
const ANALYZED: readonly [string, Readonly<Record<string, unknown>>][] = [
  ["SELECT HQL_notify('t', 'x');", { kind: "write", keyword: "SELECT" }],
  ["SELECT name FROM parent WHERE id = :id;", {
    kind: "read",
    keyword: "SELECT",
    reads: ["parent"],
    parameters: [":id"],
  }],
  [" SELECT 'drop table' /* DROP */ FROM names;", {
    kind: "read",
    keyword: "SELECT",
    reads: ["parent"],
  }],
  ["PRAGMA table_info(parent);", { kind: "read", keyword: "PRAGMA" }],
  ["UPDATE parent SET name = ? WHERE id = ?;", {
    kind: "write",
    keyword: "UPDATE",
    reads: ["parent"],
    writes: ["log", "parent"],
    triggers: ["logged"],
    has_where: true,
    parameters: [null, null],
  }],
  ["UPDATE log SET line = (SELECT name FROM parent WHERE id = 1);", {
    kind: "write",
    keyword: "UPDATE",
    reads: ["parent"],
    writes: ["log"],
    has_where: false,
  }],
  [
    "WITH old AS (SELECT 1 WHERE 1) DELETE FROM log;",
    {
      kind: "write",
      keyword: "WITH",
      writes: ["log"],
      has_where: false,
    },
  ],
  ["REPLACE INTO log VALUES (1);", {
    kind: "write",
    keyword: "REPLACE",
    writes: ["log"],
  }],
  ["DELETE FROM parent WHERE id = 1;", {
    kind: "write",
    keyword: "DELETE",
    reads: ["child", "parent"],
    writes: ["child", "parent"],
    has_where: true,
  }],
  ["DROP TABLE child;", {
    kind: "ddl",
    keyword: "DROP",
    // Its rows go, too.
    writes: ["child"],
    touches: ["child"],
    drops: true,
  }],
  ["DROP INDEX child_by_parent;", {
    kind: "ddl",
    keyword: "DROP",
    touches: ["child", "child_by_parent"],
    drops: true,
  }],
  ["ALTER TABLE log DROP COLUMN line;", { kind: "refused", keyword: "ALTER" }],
  ["CREATE TABLE fresh (n);", {
    kind: "ddl",
    keyword: "CREATE",
    touches: ["fresh"],
  }],
  ["SELECT gone FROM parent;", {
    kind: "refused",
    keyword: "SELECT",
    message: "no such column: gone",
  }],
  ["ATTACH 'x' AS y;", {
    kind: "refused",
    keyword: "ATTACH",
    message: "ATTACH and DETACH are not allowed",
  }],
  ["EXPLAIN DELETE FROM log;", { kind: "refused", keyword: "EXPLAIN" }],
  ["SELEC 1", { kind: "refused", keyword: "SELEC" }],
];

async function analyzes(ask: Ask): Promise<void> {
  const sql = ANALYZED.map(([text]) => text).join("");
  const { json, text } = await ask("POST", "sql/analyze", { sql });
  assert.ok(json.statements, text);
  for (const [at, [statement, expected]] of ANALYZED.entries()) {
    const found = json.statements[at];
    assert.equal(sql.slice(found.start, found.end), statement);
    assert.equal(found.kind, expected.kind, JSON.stringify(found));
    if (found.kind === "refused") {
      assert.equal(typeof found.message, "string");
      if (expected.message) assert.equal(found.message, expected.message);
      continue;
    }
    for (const list of ["reads", "writes", "touches", "triggers"]) {
      assert.deepEqual(
        [...found[list]].sort(),
        expected[list] ?? [],
        `${list} of ${statement}`,
      );
    }
    assert.equal(found.has_where, expected.has_where ?? null, statement);
    assert.equal(found.drops, expected.drops ?? false, statement);
    assert.deepEqual(found.parameters, expected.parameters ?? [], statement);
  }
  const [gone] = json.statements.filter(
    ({ message }: { message?: string }) => message === "no such column: gone",
  );
  assert.equal(sql.slice(gone.offset, gone.offset + 4), "gone");
  const planned = await ask("POST", "sql/analyze", {
    sql: "DELETE FROM parent WHERE id = 1; SELECT * FROM log",
    plan: true,
  });
  const [first, second] = planned.json.statements;
  assert.match(
    first.plan[0].detail,
    /^SEARCH parent USING INTEGER PRIMARY KEY/,
  );
  assert.match(second.plan[0].detail, /^SCAN log/);
}
