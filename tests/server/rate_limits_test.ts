import assert from "node:assert/strict";
import { RateLimits } from "../../src/server/rate_limits.ts";
import type { ApiToken } from "../../src/state/tokens/types.ts";
import { HEADERS, withApp } from "./with_app.ts";

const SECRET_ACCESS = { token: null };
const TOKEN: ApiToken = {
  id: "",
  digest: new Uint8Array(32),
  name: "a",
  scope: "write",
  caches: null,
  createdMs: 0,
  expiresMs: null,
};

type Rates = Record<`${"db" | "cache"}${"Rps" | "Burst"}`, number>;

/** An application with limits, on a clock that stands. */
function limited(
  run: Parameters<typeof withApp>[0],
  given: Partial<Rates & { now: () => number }> = {},
): Promise<void> {
  const rateLimits = {
    dbRps: 1,
    dbBurst: 3,
    cacheRps: 1,
    cacheBurst: 2,
    now: () => 0,
    ...given,
  };
  return withApp(run, { rateLimits });
}

const WRITE = { sql: "UPDATE t SET v = 1" };
const READ = { sql: "SELECT 1" };
const MAJORITY = { ...READ, consistency: "linearizable" };

Deno.test("writes and linearizable reads beyond the limit are 429 with Retry-After, and nothing is done", async () => {
  let nowMs = 0;
  await limited(async (ask, member) => {
    // Making the table took one of three.
    assert.equal((await ask("/api/v1/execute", WRITE)).status, 200);
    assert.equal((await ask("/api/v1/query", MAJORITY)).status, 200);
    const asked = member.writes.length;
    for (const [path, body] of [["execute", WRITE], ["query", MAJORITY]]) {
      const { status, headers, json } = await ask(`/api/v1/${path}`, body);
      assert.deepEqual([status, headers.get("retry-after")], [429, "1"]);
      assert.equal(json.error.code, "overloaded");
      assert.match(
        json.error.message,
        /limit of the API secret at this member is used up: 1 writes .* 3 at once \(rate_limit_db_rps, rate_limit_db_burst\); try again in 1000 ms$/,
      );
    }
    assert.equal(member.writes.length, asked);
    // Local reads, status and administration have none.
    assert.equal((await ask("/api/v1/query", READ)).status, 200);
    assert.equal((await ask("/api/v1/cluster")).status, 200);
    assert.equal((await ask("/api/v1/tokens")).status, 200);
    const metrics = await ask("/metrics");
    assert.match(
      metrics.json,
      /^hiqlite_http_rate_limited_total\{group="db"\} 2$/m,
    );
    assert.match(
      metrics.json,
      /^hiqlite_http_rate_limited_total\{group="cache"\} 0$/m,
    );
    nowMs = 1000;
    assert.equal((await ask("/api/v1/execute", WRITE)).status, 200);
    assert.equal((await ask("/api/v1/execute", WRITE)).status, 429);
  }, { now: () => nowMs });
});

/** Requests that count, as a group, a path, and what is sent. */
const COUNTED: readonly (readonly ["db" | "cache", string, RequestInit])[] = [
  ["db", "/api/v1/execute", post(WRITE)],
  ["db", "/api/v1/txn", post({ statements: [WRITE] })],
  ["db", "/api/v1/batch", post(WRITE)],
  ["db", "/api/v1/migrate", post({ migrations: [] })],
  ["db", "/api/v1/notify", post({ topic: "a", data: 1 })],
  ["db", "/api/v1/query", post(MAJORITY)],
  ["db", "/api/v1/locks/acquire", post({})],
  ["db", "/api/v1/locks/change", post({})],
  ["db", "/api/v1/locks/list", post({ consistency: "linearizable" })],
  ["db", "/api/v1/lock/a?consistency=linearizable", {}],
  ["db", "/api/v1/lock/a?consistency=%6Cinearizable", {}],
  ["db", "/api/v1/lock/a", { method: "DELETE" }],
  ["cache", "/api/v1/cache/a/k", { method: "PUT", body: "x" }],
  ["cache", "/api/v1/cache/a/k", { method: "DELETE" }],
  ["cache", "/api/v1/cache/a/k/remove", { method: "POST" }],
  ["cache", "/api/v1/cache/a/k/add", post({ delta: 1 })],
  ["cache", "/api/v1/cache/a", post({ ops: [] })],
  ["cache", "/api/v1/cache/a", { method: "DELETE" }],
  ["cache", "/api/v1/cache/a/k?consistency=linearizable", {}],
  ["cache", "/api/v1/cache/a?consistency=linearizable", {}],
  ["cache", "/api/v1/caches/atomic", post({ ops: [] })],
  [
    "cache",
    "/api/v1/caches/get",
    post({ cache: "a", keys: ["k"], consistency: "linearizable" }),
  ],
];

function post(body: unknown): RequestInit {
  return { method: "POST", body: JSON.stringify(body) };
}

Deno.test("every route that changes or asks a majority counts for its group, and for no other", async () => {
  for (const used of ["db", "cache"] as const) {
    const rates = { dbRps: 0, dbBurst: 0, cacheRps: 0, cacheBurst: 0 };
    // The table of every application takes one.
    rates[`${used}Rps`] = used === "db" ? 2 : 1;
    await limited(async (ask) => {
      const [path, body] = used === "db"
        ? ["/api/v1/execute", WRITE] as const
        : ["/api/v1/caches/atomic", { ops: [] }] as const;
      assert.notEqual((await ask(path, body)).status, 429);
      for (const [group, path, init] of COUNTED) {
        const { status } = await ask(path, undefined, {
          headers: HEADERS,
          ...init,
        });
        assert.equal(status === 429, used === group, `${used}: ${path}`);
      }
    }, rates);
  }
});

Deno.test("each credential has its own limit, and without one there is none", () => {
  const token = (id: string) => ({ token: { ...TOKEN, id } });
  const limits = new RateLimits({
    db: { perSecond: 1, burst: 1 },
    cache: null,
  }, () => 0);
  for (const access of [SECRET_ACCESS, token("one"), token("two")]) {
    limits.take("db", access);
    assert.throws(() => limits.take("db", access), {
      code: "overloaded",
      message: access.token === null
        ? /^The limit of the API secret /
        : new RegExp(`^The limit of token ${access.token.id} `),
    });
    for (let times = 0; times < 100; times++) limits.take("cache", access);
  }
  assert.deepEqual(limits.refused, { db: 3, cache: 0 });
});
