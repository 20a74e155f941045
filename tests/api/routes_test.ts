import assert from "node:assert/strict";
import { CLUSTER_ROUTES } from "../../src/api/routes/cluster.ts";
import { CACHE_ROUTES } from "../../src/api/routes/cache.ts";
import { CACHE_RESOURCES } from "../../src/api/routes/cache_resource.ts";
import { CACHE_ATOMIC } from "../../src/api/routes/cache_write.ts";
import { connect } from "../../src/client/remote.ts";
import { createApp } from "../../src/server/app.ts";
import { FakeMember } from "../client/fake_member.ts";
import { fieldsOf, textField } from "../../src/api/fields.ts";
import { Hono } from "@hono/hono";
import { HttpTransport } from "../../src/client/http_transport.ts";
import { BodyReader } from "../../src/server/body.ts";
import { LocalTransport } from "../../src/client/local_transport.ts";
import type { MemberRoute, Route } from "../../src/api/route.ts";
import { LIVE_RESOURCES } from "../../src/api/routes/live.ts";
import { mount, type Mounting, mountMember } from "../../src/server/mount.ts";
import { Deliveries } from "../../src/server/deliveries.ts";
import { TokenEnds } from "../../src/server/token_ends.ts";
import { RateLimits } from "../../src/server/rate_limits.ts";
import { QUERY, SQL_ROUTES, WRITES } from "../../src/api/routes/sql.ts";
import { STATUS_ROUTES } from "../../src/api/routes/status.ts";
import { NOTIFY, TOPIC_ROUTES } from "../../src/api/routes/topics.ts";
import { TRANSFER } from "../../src/api/routes/cluster.ts";

const ROUTES: readonly Route<unknown, unknown>[] = [
  ...Object.values(STATUS_ROUTES),
  ...Object.values(SQL_ROUTES),
  ...Object.values(CACHE_ROUTES),
  ...Object.values(TOPIC_ROUTES),
  ...Object.values(CLUSTER_ROUTES),
];

const LIMITS = {
  maxBodyBytes: 4096,
  maxBufferedBytes: 4096,
  bodyTimeoutMs: 1000,
};

/** A verb that no other file knows: its declaration is all there is. */
const GREET: MemberRoute<string, string> = {
  method: "POST",
  path: "/greet",
  summary: "Greet somebody in the name of the member.",
  scope: "open",
  repeat: "safe",
  request: {
    schema: {},
    encode: (name) => ({ name }),
    decode: (json) => textField(fieldsOf(json, ["name"]), "name"),
  },
  reply: {
    format: "json",
    statuses: { 200: "Done." },
    encode: (text) => ({ text }),
    decode: (body) => (body as { readonly text: string }).text,
  },
  ask: (member, name) => `${member.cluster().self} greets ${name}`,
};

function mountingOf(app: Hono): Mounting {
  return {
    app,
    bodies: new BodyReader(LIMITS),
    deliveries: new Deliveries({ bytes: 1_000_000, stallMs: 1000 }),
    ends: new TokenEnds(() => null),
    rates: new RateLimits({ db: null, cache: null }),
  };
}

Deno.test("a declared route is served and called without another word, near and far", async () => {
  const member = new FakeMember();
  const app = new Hono();
  mountMember(mountingOf(app), GREET, member);
  const far = new HttpTransport({
    urls: ["http://member"],
    secret: "-",
    release: () => {},
    timeoutMs: 1000,
    probeMs: 1000,
    fetch: async (url, init) => await app.request(String(url), init),
  });
  const near = new LocalTransport(member);
  for (const transport of [near, far]) {
    assert.equal(
      await transport.call(GREET, "you", {}),
      "1.00000000000000aa greets you",
    );
  }
  await far.close();
  await near.close();
});

Deno.test("mount() refuses a route whose path and scope do not fit together", () => {
  const mounting = mountingOf(new Hono());
  for (
    const [path, scope] of [["/open", "read"], [
      "/api/v1/shut",
      "open",
    ]] as const
  ) {
    assert.throws(
      () => mount({ ...mounting }, { ...GREET, path, scope }, () => ""),
      { name: "TypeError", message: /\/api\// },
    );
  }
});

Deno.test("what changes something is keyed or never sent again", () => {
  const repeated = ROUTES.filter(({ repeat }) => repeat === "safe");
  assert.deepEqual(repeated.map(({ path }) => path).sort(), [
    "/api/v1/caches",
    "/api/v1/caches/counter",
    "/api/v1/caches/get",
    "/api/v1/caches/list",
    "/api/v1/cluster",
    "/api/v1/query",
    "/health",
    "/metrics",
    "/openapi.json",
    "/ping",
    "/ready",
  ]);
  for (const route of Object.values(WRITES)) {
    assert.equal(route.repeat, "keyed");
  }
  assert.equal(CACHE_ATOMIC.repeat, "keyed");
  assert.equal(NOTIFY.repeat, "keyed");
  assert.equal(TRANSFER.repeat, "never");
});

function value(kind: "text" | "json" | "bytes", text: string) {
  return { kind, bytes: new TextEncoder().encode(text) };
}

const REQUESTS: readonly [Route<unknown, unknown>, unknown][] = [
  [WRITES.execute, {
    body: {
      kind: "execute",
      statement: { sql: "x", params: [1, null, 2n ** 60n, "ä", true] },
    },
    timeoutMs: 5,
  }],
  [WRITES.txn, {
    body: {
      kind: "txn",
      statements: [
        { sql: "x" },
        { sql: "y", params: [{ $ref: { statement: 0, column: "id" } }] },
      ],
    },
    timeoutMs: 5,
  }],
  [WRITES.txn, {
    body: {
      kind: "txn",
      statements: [{ sql: "x" }],
      notify: [
        { topic: "a", data: value("text", "ä") },
        { topic: "b", data: value("json", '{"$ref": 1}') },
        { topic: "c", data: value("bytes", "\0") },
        { topic: "d", data: { $ref: { statement: 0, column: 1 } } },
      ],
    },
    timeoutMs: 5,
  }],
  [WRITES.execute, {
    body: {
      kind: "execute",
      statement: { sql: "x" },
      notify: [{ topic: "a", data: value("text", "") }],
    },
    timeoutMs: 5,
  }],
  [NOTIFY, {
    notices: [{ topic: "a", data: value("json", '{"n": 9007199254740993}') }],
    timeoutMs: 5,
  }],
  [WRITES.batch, { body: { kind: "batch", sql: "x; y" }, timeoutMs: 5 }],
  [WRITES.migrate, {
    body: { kind: "migrate", migrations: [{ id: 1, name: "a", sql: "b" }] },
    timeoutMs: 5,
  }],
  [QUERY, {
    sql: "x",
    params: [1.5],
    consistency: "linearizable",
    minIndex: 7,
    limits: { timeoutMs: 9 },
  }],
  [CACHE_ATOMIC, {
    unit: {
      checks: [
        { cache: "a", key: "k", version: 0 },
        { cache: "a", key: "k", version: 65_536 },
        { cache: "b", key: "\xff", value: value("text", "ä") },
      ],
      operations: [
        { kind: "put", cache: "a", key: "k", value: value("json", "[1]") },
        {
          kind: "replace",
          cache: "a",
          key: "k",
          value: value("bytes", "\0"),
          ttlMs: null,
          ifVersion: 0,
          ifPresent: false,
        },
        {
          kind: "put",
          cache: "a",
          key: "k",
          value: value("text", ""),
          keepTtl: true,
          ifVersion: 7,
        },
        { kind: "delete", cache: "a", key: "k" },
        { kind: "delete", cache: "a", key: "k", ifVersion: 7 },
        { kind: "getRemove", cache: "a", key: "k" },
        { kind: "touch", cache: "a", key: "k", ttlMs: null },
        { kind: "touch", cache: "a", key: "k", ttlMs: 5 },
        {
          kind: "add",
          cache: "a",
          key: "k",
          delta: 2n ** 63n - 1n,
          initial: -1n,
          ttlMsIfNew: 5,
        },
        { kind: "setCounter", cache: "a", key: "k", value: -(2n ** 63n) },
        { kind: "deleteCounter", cache: "a", key: "k" },
        {
          kind: "create",
          cache: "a",
          settings: { maxBytes: 1, maxEntries: 2, onFull: "evict", ttlMs: 3 },
        },
        { kind: "clear", cache: "a" },
        { kind: "clearCounters", cache: "a" },
        { kind: "drop", cache: "a" },
      ],
    },
    epoch: 3,
    timeoutMs: 5,
  }],
  [CACHE_ROUTES.CACHE_GET, {
    cache: "a",
    keys: ["k", "\xff"],
    consistency: "linearizable",
    minimum: { epoch: 1, index: 7 },
    timeoutMs: 5,
  }],
  [CACHE_ROUTES.CACHE_COUNTER, {
    cache: "a",
    key: "k",
    consistency: "local",
    timeoutMs: 5,
  }],
  [CACHE_ROUTES.CACHE_LIST, {
    cache: "a",
    range: { start: "", end: "\xff", reverse: true, limit: 7 },
    consistency: "local",
    timeoutMs: 5,
  }],
  [CLUSTER_ROUTES.TRANSFER, 2],
  [CLUSTER_ROUTES.TRANSFER, undefined],
  [CLUSTER_ROUTES["add-learner"], {
    action: "add-learner",
    nodeId: 4,
    raftAddress: "a:1",
    apiAddress: "a:2",
  }],
  [CLUSTER_ROUTES.remove, { action: "remove", nodeId: 4 }],
];
for (const [route, request] of REQUESTS) {
  Deno.test(`${route.path} reads what it writes: ${Deno.inspect(request, { compact: true, breakLength: Infinity })}`, () => {
    const json = JSON.stringify(route.request!.encode(request, 5));
    assert.deepEqual(route.request!.decode(JSON.parse(json)), request);
  });
}

for (
  const [timeoutMs, sent] of [
    [600_000, 600_000],
    [0.5, 1],
    [1500.2, 1501],
    [Infinity, 2 ** 32 - 1],
  ] as const
) {
  Deno.test(`a query may ask for ${timeoutMs} ms over HTTP`, () => {
    const request = {
      sql: "x",
      consistency: "local",
      limits: { timeoutMs },
    } as const;
    const json = JSON.stringify(QUERY.request!.encode(request, 5));
    assert.deepEqual(QUERY.request!.decode(JSON.parse(json)), {
      ...request,
      limits: { timeoutMs: sent },
    });
  });
}

Deno.test("an error that comes with 503 is no health", async () => {
  await using client = connect({
    urls: ["member"],
    secret: "-",
    timeoutMs: 100,
    fetch: () =>
      Promise.resolve(
        Response.json(
          { error: { code: "shutting_down", message: "The member stops" } },
          { status: 503 },
        ),
      ),
  });
  await assert.rejects(client.health(), { code: "shutting_down" });
});

Deno.test("the OpenAPI document says of each route what its declaration does", async () => {
  const member = new FakeMember();
  const app = createApp(member, { secretApi: "-", version: "1.2.3" });
  const document = await (await app.request("/openapi.json")).json();
  await member.shutdown();
  assert.equal(document.info.version, "1.2.3");
  for (const route of ROUTES) {
    const operation = document.paths[route.path][route.method.toLowerCase()];
    assert.equal(operation.summary, route.summary);
    const { scope } = route;
    assert.deepEqual(
      operation.security,
      scope === "open" ? [] : [{ secret: [scope] }, { bearer: [scope] }],
    );
    assert.equal("default" in operation.responses, scope !== "open");
    assert.equal(operation.parameters !== undefined, route.repeat === "keyed");
    assert.deepEqual(
      operation.requestBody?.content["application/json"].schema,
      route.request?.schema,
    );
  }
  const resources = [
    ...Object.values(CACHE_RESOURCES),
    ...Object.values(LIVE_RESOURCES),
  ];
  for (const { path, method, summary, scope } of resources) {
    const operation = document.paths[path][method.toLowerCase()];
    assert.deepEqual(operation.security[0], { secret: [scope] });
    assert.equal(operation.summary, summary);
    assert.equal("default" in operation.responses, true);
  }
  const named = JSON.stringify(document).matchAll(
    /"#\/components\/schemas\/(\w+)"/g,
  );
  for (const [, name] of named) {
    assert.ok(document.components.schemas[name!], `${name} is not defined`);
  }
});

Deno.test("what api/ imports runs in a browser", async () => {
  const seen = new Set<string>();
  const open = [
    "openapi.ts",
    "idempotency_key.ts",
    "cache_events.ts",
    "cache_range.ts",
    "live_events.ts",
    "repeat_of.ts",
    "row_lines.ts",
  ].map((
    name,
  ) => new URL(`../../src/api/${name}`, import.meta.url).href);
  for (let url = open.pop(); url !== undefined; url = open.pop()) {
    if (seen.has(url)) continue;
    seen.add(url);
    const source = await Deno.readTextFile(new URL(url));
    const code = source.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    assert(!/\bDeno\b|"node:|\bBuffer\b|\bprocess\b/.test(code), url);
    const imports = code.matchAll(
      /(?:import|export)\s+(type\s)?[^;"]*?from\s+"([^"]+)"/g,
    );
    for (const [, typeOnly, specifier] of imports) {
      assert(specifier!.startsWith("."), `${url} imports ${specifier}`);
      if (typeOnly === undefined) open.push(new URL(specifier!, url).href);
    }
  }
  const own = [...Deno.readDirSync(new URL("../../src/api", import.meta.url))];
  for (const { name } of own.filter(({ isFile }) => isFile)) {
    // Types alone leave nothing to run.
    if (name === "route.ts") continue;
    assert([...seen].some((url) => url.endsWith(`/api/${name}`)), name);
  }
});
