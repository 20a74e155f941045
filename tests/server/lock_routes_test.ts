import assert from "node:assert/strict";
import { open } from "../../src/app/open.ts";
import { createApp } from "../../src/server/app.ts";
import { eventually } from "../client/eventually.ts";

const SECRET = "api-secret-0123456789";

Deno.test("locks over HTTP, as people and scripts use them", async (t) => {
  const dataDir = await Deno.makeTempDir();
  const db = await open({ dataDir, tickMs: 5, readyTimeoutMs: 20_000 });
  const app = createApp(db.member, { secretApi: SECRET });
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    init: RequestInit = {},
  ) => {
    const response = await app.request(`http://member/api/v1/${path}`, {
      method,
      headers: {
        "x-api-secret": SECRET,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...init.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(init.signal ? { signal: init.signal } : {}),
    });
    return { status: response.status, json: await response.json() };
  };
  const step = (name: string, fn: () => Promise<void>): Promise<boolean> =>
    t.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
  try {
    await step(
      "POST gets a lock, GET shows it, PUT renews it, DELETE gives it back",
      async () => {
        const free = await ask("GET", "lock/a%2Fb%20%C3%A4");
        assert.deepEqual([free.status, free.json.locks], [200, []]);
        const got = await ask("POST", "lock/a%2Fb%20%C3%A4", {
          ttl_ms: 5_000,
          owner: "script",
          value: "v",
        });
        assert.equal(got.status, 200);
        const { token, lease, expires_in_ms, index } = got.json;
        assert.deepEqual([token, lease, expires_in_ms], [index, index, 5_000]);
        const [state] = (await ask("GET", "lock/a%2Fb%20%C3%A4")).json.locks;
        const { remaining_ms, ...rest } = state;
        assert.deepEqual(rest, {
          name: "a/b ä",
          token,
          owner: "script",
          value: "v",
          permits: 65_536,
          limit: 65_536,
          claimed: true,
          waiting: 0,
          lease,
        });
        assert.ok(remaining_ms > 4_000 && remaining_ms <= 5_000);
        const renewed = await ask("PUT", "lock/a%2Fb%20%C3%A4", { token });
        assert.deepEqual([renewed.status, renewed.json.expires_in_ms], [
          200,
          5_000,
        ]);
        const held = await ask("POST", "lock/a%2Fb%20%C3%A4", {});
        assert.deepEqual([held.status, held.json.error.code], [
          409,
          "lock_held",
        ]);
        assert.match(
          held.json.error.message,
          /is held by "script", and 0 wait/,
        );
        const path = `lock/a%2Fb%20%C3%A4?token=${token}`;
        assert.equal((await ask("DELETE", path)).json.released, true);
        assert.equal((await ask("DELETE", path)).json.released, false);
        const lost = await ask("PUT", "lock/a%2Fb%20%C3%A4", { token });
        assert.deepEqual([lost.status, lost.json.error.code], [
          409,
          "lock_lost",
        ]);
      },
    );

    await step(
      "GET and the list wait for an index for as long as reading may take",
      async () => {
        const index = Number.MAX_SAFE_INTEGER;
        const answers = [
          await ask("GET", `lock/job?min_index=${index}&timeout_ms=50`),
          await ask("POST", "locks/list", { min_index: index, timeout_ms: 50 }),
        ];
        for (const { status, json } of answers) {
          assert.deepEqual([status, json.error.code], [504, "timeout"]);
        }
        const long = await ask("GET", "lock/job?timeout_ms=999999");
        assert.deepEqual([long.status, long.json.error.code], [400, "invalid"]);
      },
    );

    await step("a fence of a write, by its JSON", async () => {
      await db.execute("CREATE TABLE t (x)");
      const { token } = (await ask("POST", "lock/job", {})).json;
      const writes = [
        ["execute", { sql: "INSERT INTO t VALUES (1)" }],
        ["txn", { statements: [{ sql: "INSERT INTO t VALUES (1)" }] }],
        ["batch", { sql: "INSERT INTO t VALUES (1)" }],
      ] as const;
      for (const [route, body] of writes) {
        const fence = { name: "job", token };
        assert.equal(
          (await ask("POST", route, { ...body, fence })).status,
          200,
        );
        const old = { name: "job", token: token + 1 };
        const refused = await ask("POST", route, { ...body, fence: old });
        assert.deepEqual([refused.status, refused.json.error.code], [
          409,
          "fenced",
        ]);
      }
      assert.deepEqual(await db.query("SELECT count(*) AS n FROM t"), [{
        n: 3,
      }]);
      const wrong = await ask("POST", "execute", {
        sql: "INSERT INTO t VALUES (1)",
        fence: { name: "job" },
      });
      assert.equal(wrong.status, 400);
      assert.match(wrong.json.error.message, /^fence\.token: is missing/);
      // As of a program that lost its token.
      const none = { sql: "INSERT INTO t VALUES (1)", fence: null };
      assert.match(
        (await ask("POST", "execute", none)).json.error.message,
        /^fence: expected an object, got null/,
      );
      const both = { lease: 1, ttl_ms: 1_000 };
      assert.match(
        (await ask("POST", "lock/job", both)).json.error.message,
        /^ttl_ms: means nothing beside a lease/,
      );
      await ask("DELETE", `lock/job?token=${token}`);
    });

    await step(
      "a wait lasts for its time, and one that is dropped leaves the queue",
      async () => {
        const lock = await db.lock("wanted");
        const late = await ask("POST", "lock/wanted", { wait_ms: 100 });
        assert.deepEqual([late.status, late.json.error.code], [
          409,
          "lock_held",
        ]);
        const controller = new AbortController();
        const dropped = ask("POST", "lock/wanted", { wait_ms: 60_000 }, {
          signal: controller.signal,
        }).catch(() => {});
        const waiting = async () => (await db.locks("wanted"))[0]?.waiting;
        await eventually(async () => assert.equal(await waiting(), 1));
        controller.abort();
        await eventually(async () => assert.equal(await waiting(), 0));
        await dropped;
        const got = ask("POST", "lock/wanted", {
          ttl_ms: 400,
          wait_ms: 60_000,
        });
        await eventually(async () => assert.equal(await waiting(), 1));
        await lock.release();
        const { token } = (await got).json;
        assert.ok(token > lock.token);
        // Nobody renews it.
        await eventually(async () =>
          assert.equal((await db.locks("wanted")).length, 0)
        );
      },
    );

    await step("GET waits for another holder", async () => {
      const lock = await db.lock("seen");
      const seen = ask("GET", `lock/seen?unlike=${lock.token}&wait_ms=10000`);
      await lock.release();
      assert.deepEqual((await seen).json.locks, []);
      const next = ask("GET", "lock/seen?unlike=0&wait_ms=10000");
      const again = await db.lock("seen");
      assert.equal((await next).json.locks[0].token, again.token);
      const begun = performance.now();
      const same = await ask(
        "GET",
        `lock/seen?unlike=${again.token}&wait_ms=150`,
      );
      assert.ok(performance.now() - begun >= 140);
      assert.equal(same.json.locks[0].token, again.token);
      await again.release();
    });

    await step("what is wrong is refused in words", async () => {
      for (
        const [method, path, body, message] of [
          [
            "POST",
            "lock/x",
            { ttl_ms: 1 },
            /ttlMs: expected an integer from 100/,
          ],
          [
            "POST",
            "lock/x",
            { permits: 2 },
            /^permits: means nothing without a limit/,
          ],
          ["POST", "lock/x", { shared: 1 }, /^shared: expected true or false/],
          [
            "POST",
            "lock/x",
            { shared: true, limit: 2 },
            /^shared: means nothing/,
          ],
          ["POST", "lock/x", { what: 1 }, /unknown field "what"/],
          ["POST", "lock/%ff", {}, /not percent-encoded UTF-8/],
          ["PUT", "lock/x", {}, /^token: is missing/],
          ["DELETE", "lock/x", undefined, /^token: is missing/],
          [
            "DELETE",
            "lock/x?token=0",
            undefined,
            /^token: expected an integer/,
          ],
          ["GET", "lock/x?wait_ms=60001", undefined, /^wait_ms: /],
          ["GET", "lock/x?when=now", undefined, /Unknown parameter "when"/],
          ["POST", "locks/change", { op: "steal" }, /^op: expected open/],
          ["POST", "locks/change", { op: "renew" }, /^lease: is missing/],
          ["POST", "locks/list", { unlike: 3 }, /^unlike: needs the name/],
        ] as const
      ) {
        const { status, json } = await ask(method, path, body);
        assert.equal(status, 400, path);
        assert.match(json.error.message, message);
      }
      const long = await ask("POST", `lock/${"x".repeat(257)}`, {});
      assert.deepEqual([long.status, long.json.error.code], [413, "too_large"]);
    });
  } finally {
    await db.shutdown();
    await Deno.remove(dataDir, { recursive: true });
  }
});
