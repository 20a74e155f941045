import assert from "node:assert/strict";
import { HEADERS, withApp } from "./with_app.ts";

const REFUSED_BODIES: readonly [string, string, unknown, RegExp][] = [
  ["JSON that breaks off", "execute", '{"sql": ', /The body is not JSON/],
  ["an empty body", "execute", "", /The body is empty/],
  ["an array", "execute", [], /body: expected an object, got an array/],
  ["null", "execute", "null", /body: expected an object, got null/],
  ["no sql", "execute", {}, /sql: is missing/],
  ["sql that is no text", "execute", { sql: 5 }, /sql: .* got a number/],
  [
    "an unknown field",
    "execute",
    { sql: "x", parms: [] },
    /unknown field "parms", expected sql, params, notify, timeout_ms/,
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
  ["a notification without data", "notify", { topic: "t" }, /data: is missing/],
  [
    "an event of a transaction without a topic",
    "txn",
    { statements: [{ sql: "x" }], notify: [{ data: 1 }] },
    /notify\[0\]\.topic: is missing/,
  ],
  [
    "an event of a statement that refers wrongly",
    "execute",
    { sql: "x", notify: [{ topic: "t", data: { $ref: {} } }] },
    /notify\[0\]\.data: expected \{"\$ref"/,
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
    for (
      const type of [
        "text/plain",
        "application/json; charset=latin1",
        "application/jsonx",
      ]
    ) {
      const { status, json } = await ask("/api/v1/execute", "{}", {
        headers: { ...HEADERS, "content-type": type },
      });
      assert.equal(status, 415);
      assert.match(json.error.message, /application\/json/);
    }
  }));

Deno.test("the content type may be spelled as clients do", () =>
  withApp(async (ask) => {
    for (
      const rest of [
        "",
        ";",
        "; charset=utf-8",
        ";charset=UTF-8",
        '; charset="utf-8"',
        "; charset=utf8",
        " ; charset=utf-8 ;",
      ]
    ) {
      const { status } = await ask("/api/v1/query", { sql: "SELECT 1" }, {
        headers: { ...HEADERS, "content-type": `application/json${rest}` },
      });
      assert.equal(status, 200, rest);
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
