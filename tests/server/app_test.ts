import assert from "node:assert/strict";
import { createApp } from "../../src/server/app.ts";
import { FakeMember } from "../client/fake_member.ts";
import { HiqliteError } from "../../src/errors.ts";
import { Logger } from "../../src/util/logger.ts";

const SECRET = "api-secret-0123456789";
const HEADERS = { "x-api-secret": SECRET, "content-type": "application/json" };

/** An app over a fresh member with the table `t(id, v)`. */
async function withApp(
  run: (ask: Ask, member: FakeMember) => Promise<void>,
  options: Partial<Parameters<typeof createApp>[1]> = {},
): Promise<void> {
  const member = new FakeMember();
  const app = createApp(member, { secretApi: SECRET, ...options });
  const ask: Ask = async (path, body, init = {}) => {
    const response = await app.request(path, {
      method: body === undefined ? "GET" : "POST",
      headers: HEADERS,
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...init,
    });
    const text = await response.text();
    const json = text.startsWith("{") ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, json };
  };
  try {
    await ask("/api/v1/execute", {
      sql: "CREATE TABLE t (id INTEGER PRIMARY KEY, v ANY UNIQUE)",
    });
    member.writes.length = 0;
    await run(ask, member);
  } finally {
    await member.shutdown();
  }
}
type Ask = (
  path: string,
  body?: unknown,
  init?: RequestInit,
) => Promise<{
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any
  json: any;
}>;

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
      limits: { timeoutMs: 500, maxRows: 10, maxBytes: 1000 },
    }]);
  }, { queryTimeoutMs: 500, queryMaxRows: 10, queryMaxBytes: 1000 }));

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

const REFUSED_BODIES: readonly [string, string, unknown, RegExp][] = [
  ["JSON that breaks off", "execute", '{"sql": ', /the body is not JSON/],
  ["an empty body", "execute", "", /the body is empty/],
  ["an array", "execute", [], /body: expected an object, got an array/],
  ["null", "execute", "null", /body: expected an object, got null/],
  ["no sql", "execute", {}, /sql: is missing/],
  ["sql that is no text", "execute", { sql: 5 }, /sql: .* got a number/],
  [
    "an unknown field",
    "execute",
    { sql: "x", parms: [] },
    /unknown field "parms", expected sql, params, timeout_ms/,
  ],
  [
    "a field named __proto__",
    "execute",
    '{"sql": "x", "__proto__": {}}',
    /unknown field "__proto__"/,
  ],
  ["params that are text", "execute", { sql: "x", params: "y" }, /params: /],
  [
    "a nested array as parameter",
    "execute",
    { sql: "x", params: [1, [2]] },
    /params\[1\]: expected .* got an array/,
  ],
  [
    "a plain object as parameter",
    "execute",
    { sql: "x", params: { a: { b: 1 } } },
    /params\.a: expected .* got an object with "b"/,
  ],
  [
    "a $blob that is not base64",
    "execute",
    { sql: "x", params: [{ $blob: "!" }] },
    /params\[0\]: \$blob is not base64/,
  ],
  [
    "an $int beyond 64 bits",
    "execute",
    { sql: "x", params: [{ $int: "9223372036854775808" }] },
    /params\[0\]: 9223372036854775808 does not fit into 64 bits/,
  ],
  [
    "a plain integer beyond 64 bits",
    "execute",
    '{"sql": "x", "params": [-9223372036854775809]}',
    /does not fit into 64 bits/,
  ],
  [
    "a number beyond a double",
    "execute",
    '{"sql": "x", "params": [1e999]}',
    /params\[0\]: the number is beyond what a double holds/,
  ],
  [
    "a tag with company",
    "execute",
    { sql: "x", params: [{ $int: "1", $blob: "" }] },
    /params\[0\]: expected/,
  ],
  [
    "$ref outside of a transaction",
    "execute",
    { sql: "x", params: [{ $ref: { statement: 0, column: 0 } }] },
    /params\[0\]: \$ref works in the statements of a transaction only/,
  ],
  [
    "a negative $ref",
    "txn",
    {
      statements: [{
        sql: "x",
        params: [{ $ref: { statement: -1, column: 0 } }],
      }],
    },
    /statements\[0\]\.params\[0\]\.\$ref\.statement: expected an integer/,
  ],
  ["no statements", "txn", { statements: [] }, /at least one statement/],
  ["statements as text", "txn", { statements: "x" }, /expected an array/],
  [
    "a statement without sql",
    "txn",
    { statements: [{ sql: "x" }, {}] },
    /statements\[1\]\.sql: is missing/,
  ],
  ["params in a batch", "batch", { sql: "x", params: [] }, /unknown field/],
  [
    "an unknown consistency",
    "query",
    { sql: "x", consistency: "strong" },
    /consistency: expected "local" or "linearizable"/,
  ],
  ["a min_index below 0", "query", { sql: "x", min_index: -1 }, /min_index/],
  [
    "a migration without id",
    "migrate",
    { migrations: [{ name: "a", sql: "b" }] },
    /migrations\[0\]\.id: is missing/,
  ],
  ["node_id as text", "cluster/promote", { node_id: "2" }, /node_id: expected/],
  ["no node_id", "cluster/remove", {}, /node_id: is missing/],
  [
    "an address without a port",
    "cluster/add-learner",
    { node_id: 4, raft_address: "nonsense" },
    /raft_address: expected host:port .* got "nonsense"/,
  ],
  [
    "an API address alone",
    "cluster/add-learner",
    { node_id: 4, api_address: "a:1" },
    /api_address: needs raft_address/,
  ],
];
for (const [title, route, body, message] of REFUSED_BODIES) {
  Deno.test(`POST /${route} refuses ${title} with 400`, () =>
    withApp(async (ask, member) => {
      const { status, json } = await ask(`/api/v1/${route}`, body);
      assert.equal(status, 400);
      assert.equal(json.error.code, "invalid");
      assert.match(json.error.message, message);
      assert.equal(member.writes.length + member.queries.length, 0);
    }));
}

Deno.test("a body that is not UTF-8 is refused with 400", () =>
  withApp(async (ask) => {
    const { status, json } = await ask("/api/v1/execute", "", {
      body: new Uint8Array([0x7b, 0xff, 0xfe]),
    });
    assert.equal(status, 400);
    assert.match(json.error.message, /not UTF-8/);
  }));

Deno.test("a streamed body over the limit is refused with 413 before it ends", () =>
  withApp(async (ask) => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(1024).fill(0x20));
      },
    });
    const { status, json } = await ask("/api/v1/execute", "", {
      body: endless,
      duplex: "half",
    } as RequestInit);
    assert.equal(status, 413);
    assert.equal(json.error.code, "too_large");
    assert.match(
      json.error.message,
      /larger than 4096 bytes \(max_body_bytes\)/,
    );
    assert(pulled < 10, `read ${pulled} KB`);
  }, { maxBodyBytes: 4096 }));

Deno.test("an announced length over the limit is refused with 413 unread", () =>
  withApp(async (ask) => {
    const { status } = await ask("/api/v1/execute", "{}", {
      headers: { ...HEADERS, "content-length": "5000" },
    });
    assert.equal(status, 413);
  }, { maxBodyBytes: 4096 }));

Deno.test("bodies under way share a budget; above it requests get 429", () =>
  withApp(async (ask, member) => {
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    member.beforeWrite = () => {
      started.resolve();
      return release.promise;
    };
    const body = { sql: `SELECT '${"x".repeat(3000)}'` };
    const first = ask("/api/v1/execute", body);
    await started.promise;
    const second = await ask("/api/v1/execute", body);
    assert.equal(second.status, 429);
    assert.equal(second.headers.get("retry-after"), "1");
    release.resolve();
    assert.equal((await first).status, 200);
    assert.equal((await ask("/api/v1/execute", body)).status, 200);
  }, { maxBodyBytes: 4096, maxBufferedBytes: 4096 }));

Deno.test("a body that does not arrive is given up with 408", () =>
  withApp(async (ask) => {
    const { status } = await ask("/api/v1/execute", "", {
      body: new ReadableStream({}),
      duplex: "half",
    } as RequestInit);
    assert.equal(status, 408);
  }, { bodyTimeoutMs: 20 }));

Deno.test("another content type is refused with 415", () =>
  withApp(async (ask) => {
    for (const type of ["text/plain", "application/json; charset=latin1"]) {
      const { status, json } = await ask("/api/v1/execute", "{}", {
        headers: { ...HEADERS, "content-type": type },
      });
      assert.equal(status, 415);
      assert.match(json.error.message, /application\/json/);
    }
  }));

Deno.test("a compressed body is refused with 415", () =>
  withApp(async (ask) => {
    const { status } = await ask("/api/v1/execute", "{}", {
      headers: { ...HEADERS, "content-encoding": "gzip" },
    });
    assert.equal(status, 415);
  }));

Deno.test("another method is refused with 405 and Allow", () =>
  withApp(async (ask) => {
    const { status, headers } = await ask("/api/v1/execute", undefined);
    assert.equal(status, 405);
    assert.equal(headers.get("allow"), "POST");
    const health = await ask("/health", {});
    assert.equal(health.status, 405);
  }));

Deno.test("an unknown path is a JSON 404", () =>
  withApp(async (ask) => {
    for (const path of ["/nothing", "/api/v1/nothing"]) {
      const { status, json } = await ask(path);
      assert.equal(status, 404);
      assert.equal(json.error.code, "not_found");
    }
  }));

Deno.test("every route below /api asks for the secret", () =>
  withApp(async (ask, member) => {
    const app = createApp(member, { secretApi: SECRET });
    const routes = app.routes.filter(({ path, method }) =>
      path.startsWith("/api/v1") && method !== "ALL"
    );
    assert(routes.length >= 11, `${routes.length} routes`);
    for (const { method, path } of routes) {
      for (const secret of ["", "wrong", `${SECRET}x`, SECRET.slice(1)]) {
        const { status, json } = await ask(path, undefined, {
          method,
          headers: secret === "" ? {} : { "x-api-secret": secret },
        });
        assert.equal(status, 401, `${method} ${path} with "${secret}"`);
        assert.equal(json.error.code, "unauthorized");
        assert(!JSON.stringify(json).includes(SECRET));
      }
    }
    assert.equal(member.writes.length + member.queries.length, 0);
  }));

Deno.test("an unknown path below /api tells nothing without the secret", () =>
  withApp(async (ask) => {
    const { status } = await ask("/api/v1/nothing", undefined, { headers: {} });
    assert.equal(status, 401);
  }));

Deno.test("the secret may come as Bearer token", () =>
  withApp(async (ask) => {
    const { status } = await ask("/api/v1/cluster", undefined, {
      headers: { authorization: `Bearer ${SECRET}` },
    });
    assert.equal(status, 200);
  }));

Deno.test("/ping, /health, /ready and /metrics ask for no secret", () =>
  withApp(async (ask) => {
    for (const path of ["/ping", "/health", "/ready", "/metrics"]) {
      const { status } = await ask(path, undefined, { headers: {} });
      assert.equal(status, 200, path);
    }
    const { json, headers } = await ask("/metrics");
    assert.match(json, /hiqlite_applied_index 1/);
    assert.match(headers.get("content-type")!, /version=0\.0\.4/);
  }));

Deno.test("/health and /ready answer 503 with the reason", () =>
  withApp(async (ask, member) => {
    member.healthy = { ok: false, detail: "no leader" };
    for (const path of ["/health", "/ready"]) {
      const { status, json } = await ask(path);
      assert.equal(status, 503);
      assert.deepEqual(json, { ok: false, detail: "no leader" });
    }
  }));

Deno.test("GET /cluster answers the status in snake case", () =>
  withApp(async (ask) => {
    const { json } = await ask("/api/v1/cluster");
    assert.equal(json.cluster_id, "c0ffee");
    assert.equal(json.members[0].api_address, "127.0.0.1:8200");
  }));

Deno.test("POST /cluster/… hands changes to the member", () =>
  withApp(async (ask, member) => {
    await ask("/api/v1/cluster/add-learner", {
      node_id: 4,
      raft_address: "a:1",
      api_address: "a:2",
    });
    await ask("/api/v1/cluster/promote", { node_id: 4 });
    await ask("/api/v1/cluster/demote", { node_id: 4 });
    await ask("/api/v1/cluster/remove", { node_id: 4 });
    await ask("/api/v1/cluster/transfer", {});
    const moved = await ask("/api/v1/cluster/transfer", { node_id: 2 });
    assert.equal(moved.status, 200);
    assert.deepEqual(member.changes, [
      {
        action: "add-learner",
        nodeId: 4,
        raftAddress: "a:1",
        apiAddress: "a:2",
      },
      { action: "promote", nodeId: 4 },
      { action: "demote", nodeId: 4 },
      { action: "remove", nodeId: 4 },
      { target: undefined },
      { target: 2 },
    ]);
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

Deno.test("the OpenAPI document and the routes name the same operations", () =>
  withApp(async (ask, member) => {
    const { json } = await ask("/openapi.json", undefined, { headers: {} });
    const documented = Object.entries(json.paths).flatMap(([path, item]) =>
      Object.keys(item as object).map((verb) => `${verb.toUpperCase()} ${path}`)
    ).sort();
    const routes = createApp(member, { secretApi: SECRET }).routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path}`).sort();
    assert.deepEqual(documented, routes);
  }));

Deno.test("every reference in the OpenAPI document leads somewhere", () =>
  withApp(async (ask) => {
    const { json } = await ask("/openapi.json");
    const references = [
      ...JSON.stringify(json).matchAll(/"\$ref":"#\/components\/([^"]+)"/g),
    ].map((match) => match[1]!);
    assert(references.length > 10);
    for (const reference of references) {
      const [kind, name] = reference.split("/");
      assert(json.components[kind!][name!], reference);
    }
  }));
