import assert from "node:assert/strict";
import { clientOf } from "../../src/server/routes/client_of.ts";
import { HiqliteError } from "../../src/errors.ts";
import { Logger } from "../../src/util/logger.ts";
import { accessOfToken, FULL_ACCESS } from "../../src/server/access.ts";
import { drawToken } from "../../src/api/token_text.ts";
import { HEADERS, withApp } from "./with_app.ts";

Deno.test("POST /execute answers rows_affected, last_insert_rowid and index", () =>
  withApp(async (ask) => {
    const { status, json } = await ask("/api/v1/execute", {
      sql: "INSERT INTO t VALUES (7, ?)",
      params: ["x"],
    });
    assert.equal(status, 200);
    assert.deepEqual(json, {
      rows_affected: 1,
      last_insert_rowid: 7,
      index: 2,
    });
  }));

Deno.test("POST /execute answers columns and rows with RETURNING", () =>
  withApp(async (ask) => {
    const { json } = await ask("/api/v1/execute", {
      sql: "INSERT INTO t VALUES (1, :v) RETURNING id, v",
      params: { v: "x" },
    });
    assert.deepEqual(json.columns, ["id", "v"]);
    assert.deepEqual(json.rows, [[1, "x"]]);
  }));

Deno.test("POST /query is guarded, with the options' limits", () =>
  withApp(async (ask, member) => {
    const { json } = await ask("/api/v1/query", {
      sql: "SELECT 1 AS one",
      consistency: "linearizable",
      min_index: 1,
      timeout_ms: 60_000,
    });
    assert.deepEqual(json, { columns: ["one"], rows: [[1]], index: 1 });
    assert.deepEqual(member.queries, [{
      sql: "SELECT 1 AS one",
      consistency: "linearizable",
      minIndex: 1,
      guarded: true,
      client: clientOf(FULL_ACCESS),
      limits: { timeoutMs: 500, maxRows: 10, maxBytes: 1000 },
    }]);
  }, { queryTimeoutMs: 500, queryMaxRows: 10, queryMaxBytes: 1000 }));

Deno.test("POST /query says who waits: the token, or those that have the secret", () =>
  withApp(async (ask, { tokens, queries }) => {
    const { id, digest, token } = await drawToken();
    const rights = { scope: "read", caches: null, expiresMs: null } as const;
    await tokens.create({ wish: { id, digest, name: "reports", ...rights } });
    const query = { sql: "SELECT 1" };
    for (const secret of [token, HEADERS["x-api-secret"]]) {
      const headers = { ...HEADERS, "x-api-secret": secret };
      assert.equal(
        (await ask("/api/v1/query", query, { headers })).status,
        200,
      );
    }
    const reports = accessOfToken(tokens.find(id)!);
    assert.deepEqual(
      queries.map(({ client }) => client),
      [clientOf(reports), clientOf(FULL_ACCESS)],
    );
  }));

Deno.test("POST /query takes a longer timeout than a write may wait, and cuts it itself", () =>
  withApp(async (ask, member) => {
    const query = { sql: "SELECT 1", timeout_ms: 2 ** 32 - 1 };
    assert.equal((await ask("/api/v1/query", query)).status, 200);
    assert.equal(member.queries[0]!.limits!.timeoutMs, 500);
  }, { queryTimeoutMs: 500 }));

Deno.test("POST /txn resolves references to earlier statements", () =>
  withApp(async (ask) => {
    const { status, json } = await ask("/api/v1/txn", {
      statements: [
        { sql: "INSERT INTO t VALUES (5, 'a') RETURNING id" },
        {
          sql: "INSERT INTO t VALUES (6, ?)",
          params: [{ $ref: { statement: 0, column: "id" } }],
        },
      ],
    });
    assert.equal(status, 200);
    assert.equal(json.results.length, 2);
    const read = await ask("/api/v1/query", {
      sql: "SELECT v FROM t WHERE id = 6",
    });
    assert.deepEqual(read.json.rows, [[5]]);
  }));

Deno.test("POST /batch that fails names the statement and keeps what came before", () =>
  withApp(async (ask) => {
    const { status, json } = await ask("/api/v1/batch", {
      sql: "INSERT INTO t VALUES (1, 1); INSERT INTO t VALUES (1, 2)",
    });
    assert.equal(status, 409);
    assert.equal(json.error.code, "constraint");
    assert.equal(json.error.statement, 1);
    assert.deepEqual(json.results, [{
      rows_affected: 1,
      last_insert_rowid: 1,
    }]);
  }));

Deno.test("POST /migrate hands the migrations to the member", () =>
  withApp(async (ask, member) => {
    const migrations = [{ id: 1, name: "init", sql: "CREATE TABLE m (x)" }];
    const { status, json } = await ask("/api/v1/migrate", { migrations });
    assert.equal(status, 200);
    assert.deepEqual(json, { index: 2 });
    assert.deepEqual(member.writes[0]!.body, { kind: "migrate", migrations });
  }));

Deno.test("values survive the way in and out", () =>
  withApp(async (ask) => {
    const values = [
      null,
      1.5,
      -7,
      "ä\u0001b😀",
      { $int: "9223372036854775807" },
      { $int: "-9223372036854775808" },
      { $float: "Infinity" },
      { $float: "100000000000000000000" },
      { $blob: "AP/+" },
      { $blob: "" },
    ];
    for (const [at, value] of values.entries()) {
      const { status } = await ask("/api/v1/execute", {
        sql: "INSERT INTO t VALUES (?, ?)",
        params: [at, value],
      });
      assert.equal(status, 200);
    }
    const { json } = await ask("/api/v1/query", {
      sql: "SELECT v FROM t ORDER BY id",
    });
    assert.deepEqual(json.rows.flat(), values);
  }));

Deno.test("integers beyond 2^53 in plain JSON are kept exactly", () =>
  withApp(async (ask) => {
    await ask(
      "/api/v1/execute",
      '{"sql": "INSERT INTO t VALUES (1, ?)", "params": [9007199254740993]}',
    );
    const { json } = await ask("/api/v1/query", { sql: "SELECT v FROM t" });
    assert.deepEqual(json.rows, [[{ $int: "9007199254740993" }]]);
  }));

Deno.test("a parameter named __proto__ is only a name", () =>
  withApp(async (ask, member) => {
    await ask(
      "/api/v1/execute",
      '{"sql": "SELECT 1", "params": {"__proto__": 5}}',
    );
    const { body } = member.writes[0]!;
    assert(body.kind === "execute");
    assert.deepEqual(Object.entries(body.statement.params!), [[
      "__proto__",
      5,
    ]]);
    assert.equal(({} as Record<string, unknown>)["5"], undefined);
  }));

Deno.test("Idempotency-Key makes a repeated write apply once", () =>
  withApp(async (ask) => {
    const headers = { ...HEADERS, "idempotency-key": "k1" };
    const body = { sql: "INSERT INTO t (v) VALUES (hex(randomblob(8)))" };
    const first = await ask("/api/v1/execute", body, { headers });
    const second = await ask("/api/v1/execute", body, { headers });
    assert.deepEqual(second.json, first.json);
    const { json } = await ask("/api/v1/query", {
      sql: "SELECT count(*) FROM t",
    });
    assert.deepEqual(json.rows, [[1]]);
  }));

Deno.test("an Idempotency-Key above 128 bytes is refused", () =>
  withApp(async (ask) => {
    const headers = { ...HEADERS, "idempotency-key": "k".repeat(129) };
    const { status, json } = await ask("/api/v1/execute", { sql: "x" }, {
      headers,
    });
    assert.equal(status, 400);
    assert.match(json.error.message, /Idempotency-Key: .* 128 bytes, got 129/);
  }));

Deno.test("timeout_ms of a write reaches the member", () =>
  withApp(async (ask, member) => {
    await ask("/api/v1/batch", { sql: "SELECT 1", timeout_ms: 1234 });
    assert.equal(member.writes[0]!.timeoutMs, 1234);
  }));

const STATUSES: readonly [HiqliteError["code"], number][] = [
  ["no_leader", 503],
  ["overloaded", 429],
  ["disk_full", 507],
  ["too_large", 413],
  ["outcome_unknown", 500],
  ["shutting_down", 503],
];
for (const [code, expected] of STATUSES) {
  Deno.test(`a write that fails with ${code} answers ${expected}`, () =>
    withApp(async (ask, member) => {
      member.faults.push(new HiqliteError(code, "the reason"));
      const { status, json } = await ask("/api/v1/execute", {
        sql: "SELECT 1",
      });
      assert.equal(status, expected);
      assert.deepEqual(json, { error: { code, message: "the reason" } });
    }));
}

Deno.test("a statement's error answers 400 sql", () =>
  withApp(async (ask) => {
    const { status, json } = await ask("/api/v1/execute", { sql: "INSRT" });
    assert.equal(status, 400);
    assert.equal(json.error.code, "sql");
    assert.match(json.error.message, /INSRT/);
  }));

Deno.test("a defect is logged and not shown", () => {
  const lines: string[] = [];
  const logger = new Logger(
    "debug",
    ({ fields }) => lines.push(String(fields.error)),
  );
  return withApp(async (ask, member) => {
    member.faults.push(new TypeError("inner detail"));
    const { status, json } = await ask("/api/v1/execute", { sql: "SELECT 1" });
    assert.equal(status, 500);
    assert.equal(json.error.code, "internal");
    assert(!JSON.stringify(json).includes("inner detail"));
    assert.match(lines.join(), /inner detail/);
  }, { logger });
});
