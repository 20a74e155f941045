import { open } from "../../src/app/open.ts";
import { type Client, connect } from "../../src/client/remote.ts";
import type { LocalClient } from "../../src/client/local.ts";
import { createApp } from "../../src/server/app.ts";
import assert from "node:assert/strict";
import { cacheContract, runCacheCase } from "./cache_contract.ts";

const SECRET = "api-secret-0123456789";

async function withMember(
  run: (db: LocalClient) => Promise<void>,
  options: { cache?: boolean } = {},
): Promise<void> {
  const dataDir = await Deno.makeTempDir();
  const db = await open({
    dataDir,
    tickMs: 5,
    readyTimeoutMs: 20_000,
    ...options,
  });
  try {
    await run(db);
  } finally {
    await db.shutdown();
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function withRemote(
  db: LocalClient,
  run: (client: Client) => Promise<void>,
): Promise<void> {
  const app = createApp(db.member, { secretApi: SECRET });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    app.fetch,
  );
  const client = connect({
    urls: [`127.0.0.1:${server.addr.port}`],
    secret: SECRET,
  });
  try {
    await run(client);
  } finally {
    await client.shutdown();
    await server.shutdown();
  }
}

Deno.test("caches of a client in the member's process keep the contract", async (t) => {
  await withMember(async (db) => {
    for (const one of cacheContract()) {
      await t.step({
        name: one.title,
        fn: () => runCacheCase(one, db),
        // The member works on between the steps; the test as a whole is watched.
        sanitizeOps: false,
        sanitizeResources: false,
      });
    }
  });
});

Deno.test("caches of a client from afar keep the same contract", async (t) => {
  await withMember((db) =>
    withRemote(db, async (client) => {
      for (const one of cacheContract()) {
        await t.step({
          name: one.title,
          fn: () => runCacheCase(one, client),
          sanitizeOps: false,
          sanitizeResources: false,
        });
      }
    })
  );
});

Deno.test("getSync() reads on the calling thread what was written before", async () => {
  await withMember(async (db) => {
    const cache = db.cache<{ n: number }>("c");
    assert.equal(cache.getSync("k"), undefined);
    assert.equal(cache.entrySync("k"), undefined);
    const version = await cache.put("k", { n: 1 });
    assert.deepEqual(cache.getSync("k"), { n: 1 });
    assert.deepEqual(cache.entrySync("k"), {
      value: { n: 1 },
      version,
      ttlMs: null,
    });
    const [stats] = await db.caches();
    assert.deepEqual([stats!.hits, stats!.misses], [2, 2]);
    const metrics = await db.metrics();
    assert.match(metrics, /^hiqlite_cache_entries\{cache="c"\} 1$/m);
    assert.match(metrics, /^hiqlite_cache_hits_total\{cache="c"\} 2$/m);
    assert.match(metrics, /^hiqlite_is_leader\{group="cache"\} 1$/m);
  });
});

Deno.test("without caches a member says so, and hosts no group for them", async () => {
  await withMember(async (db) => {
    const off = {
      code: "conflict",
      message: "The caches are turned off on this member (HQL_CACHE=false)",
    };
    await assert.rejects(db.cache("c").put("k", 1), off);
    await assert.rejects(db.cache("c").get("k"), off);
    assert.throws(() => db.cache("c").getSync("k"), off);
    await withRemote(db, async (client) => {
      await assert.rejects(client.cache("c").put("k", 1), off);
      await assert.rejects(client.cache("c").watch().next(), off);
    });
    const { groups } = await db.cluster();
    assert.deepEqual(groups.map(({ name }) => name), ["db"]);
  }, { cache: false });
});
