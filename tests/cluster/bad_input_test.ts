import assert from "node:assert/strict";
import { TestCluster } from "./harness.ts";

const SECRET = "secret-of-the-test-api";

interface Call {
  readonly title: string;
  readonly route: string;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
  readonly status: number;
  readonly code: string;
  readonly message?: RegExp;
}

const sql = (sql: string, params?: unknown): unknown => ({ sql, params });

const CALLS: readonly Call[] = [
  {
    title: "a syntax error",
    route: "execute",
    body: sql("INSRT INTO t VALUES (1)"),
    status: 400,
    code: "sql",
    message: /syntax error/,
  },
  {
    title: "an unknown table",
    route: "execute",
    body: sql("INSERT INTO nope VALUES (1)"),
    status: 400,
    code: "sql",
    message: /nope/,
  },
  {
    title: "a broken constraint",
    route: "execute",
    body: sql("INSERT INTO t VALUES (1, 'again')"),
    status: 409,
    code: "constraint",
    message: /t\.id/,
  },
  {
    title: "too few parameters",
    route: "execute",
    body: sql("INSERT INTO t VALUES (?, ?)", [7]),
    status: 400,
    code: "invalid",
  },
  {
    title: "too many parameters",
    route: "execute",
    body: sql("INSERT INTO t VALUES (?, ?)", [7, "x", 8]),
    status: 400,
    code: "invalid",
  },
  {
    title: "a parameter of no SQL type",
    route: "execute",
    body: sql("INSERT INTO t VALUES (?, ?)", [7, { a: 1 }]),
    status: 400,
    code: "invalid",
  },
  {
    title: "two statements where one is expected",
    route: "execute",
    body: sql("INSERT INTO t VALUES (7, 'x'); DELETE FROM t"),
    status: 400,
    code: "invalid",
  },
  {
    title: "two statements in a query",
    route: "query",
    body: sql("SELECT 1; SELECT 2"),
    status: 400,
    code: "invalid",
  },
  {
    title: "a write in a query",
    route: "query",
    body: sql("DELETE FROM t"),
    status: 403,
    code: "forbidden",
  },
  {
    title: "a write in a query, behind WITH",
    route: "query",
    body: sql("WITH x AS (SELECT 1) INSERT INTO t SELECT 9, 'x' FROM x"),
    status: 403,
    code: "forbidden",
  },
  ...[
    "PRAGMA journal_mode = DELETE",
    "ATTACH 'other.db' AS other",
    "VACUUM INTO 'copy.db'",
    "BEGIN",
    "ROLLBACK",
    "CREATE TEMP TABLE z (a)",
    "DELETE FROM _hql_meta",
    "SELECT load_extension('x')",
  ].map((text): Call => ({
    title: text,
    route: "execute",
    body: sql(text),
    status: 403,
    code: "forbidden",
  })),
  {
    title: "malformed JSON",
    route: "execute",
    body: '{"sql": "SELECT 1',
    status: 400,
    code: "invalid",
  },
  {
    title: "a body that is no object",
    route: "execute",
    body: "[1, 2]",
    status: 400,
    code: "invalid",
  },
  {
    title: "an unknown field",
    route: "execute",
    body: { sql: "DELETE FROM t", parms: [] },
    status: 400,
    code: "invalid",
    message: /parms/,
  },
  {
    title: "a wrong secret",
    route: "execute",
    body: sql("DELETE FROM t"),
    headers: { "x-api-secret": "wrong-wrong-wrong-wrong" },
    status: 401,
    code: "unauthorized",
  },
  {
    title: "an unknown route",
    route: "exec",
    body: sql("DELETE FROM t"),
    status: 404,
    code: "not_found",
  },
  {
    title: "a failing transaction",
    route: "txn",
    body: {
      statements: [
        sql("INSERT INTO t VALUES (20, 'kept?')"),
        sql("INSERT INTO t VALUES (1, 'dup')"),
      ],
    },
    status: 409,
    code: "constraint",
  },
  {
    title: "a reference to a later statement",
    route: "txn",
    body: {
      statements: [
        sql("INSERT INTO t VALUES (?, 'x')", [
          { $ref: { statement: 1, column: "id" } },
        ]),
      ],
    },
    status: 400,
    code: "invalid",
  },
  {
    title: "a value of 100 MB",
    route: "execute",
    body: sql("INSERT INTO t VALUES (30, ?)", ["x".repeat(100_000_000)]),
    status: 413,
    code: "too_large",
  },
  {
    title: "a value over the limit inside an accepted body",
    route: "execute",
    body: sql("INSERT INTO t VALUES (31, ?)", ["x".repeat(17 * 1024 * 1024)]),
    status: 413,
    code: "too_large",
  },
  {
    title: "an answer without end",
    route: "query",
    body: sql(
      "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c",
    ),
    status: 413,
    code: "too_large",
  },
];

Deno.test("bad input gets a precise error, and every member lives and stays equal", async (t) => {
  await using cluster = await TestCluster.start();
  const api = cluster.api(1);
  const ok = await api.execute({
    sql: "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)",
  }, { timeoutMs: 10_000 });
  assert.equal(ok.type, "ok");
  await api.execute({ sql: "INSERT INTO t VALUES (1, 'one')" }, {
    timeoutMs: 10_000,
  });
  const leader = await cluster.waitLeader();
  for (const call of CALLS) {
    await t.step(call.title, async () => {
      // Alternating, so that followers check and forward too.
      const node = CALLS.indexOf(call) % 2 === 0 ? leader : leader % 3 + 1;
      const response = await post(cluster.network.apiUrl(node), call);
      const text = await response.text();
      assert.equal(response.status, call.status, text.slice(0, 300));
      const { error } = JSON.parse(text);
      assert.equal(error.code, call.code, error.message);
      if (call.message) assert.match(error.message, call.message);
      assert.ok(!text.includes(SECRET));
    });
  }
  for (const node of cluster.nodes) {
    assert.ok(cluster.process(node), `member ${node} died`);
  }
  const contents = await cluster.assertEqualContents();
  assert.deepEqual(contents.t, ['[1,"one"]']);
});

function post(
  url: string,
  { route, body, headers }: Call,
): Promise<Response> {
  return fetch(`${url}/api/v1/${route}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-api-secret": SECRET,
      ...headers,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}
