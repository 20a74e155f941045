import { connect } from "../../src/client/remote.ts";
import assert from "node:assert/strict";
import { cacheContract, runCacheCase } from "./cache_contract.ts";
import { inSteps, withApi, withMember } from "./one_member.ts";

Deno.test("caches of a client in the member's process keep the contract", async (t) => {
  await withMember((db) =>
    inSteps(t, cacheContract(), (one) => runCacheCase(one, db))
  );
});

Deno.test("caches of a client from afar keep the same contract", async (t) => {
  await withMember((db) =>
    withApi(db, async (reach) => {
      await using client = connect(reach);
      await inSteps(t, cacheContract(), (one) => runCacheCase(one, client));
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

Deno.test("what getSync() returns stays as it is, whatever is written later", async () => {
  await withMember(async (db) => {
    const cache = db.cache("c");
    const values = [
      "short",
      "x".repeat(100),
      "é\u{1F600}",
      "",
      "\ufeff",
      { text: "é" },
      Uint8Array.of(0, 128, 255),
      new Uint8Array(100_000).fill(7),
    ];
    for (const value of values) {
      await cache.put("k", value);
      const read = cache.getSync("k");
      const { value: entry } = cache.entrySync("k")!;
      await cache.put("k", typeof value === "string" ? "other" : "y");
      await cache.put("k", new Uint8Array(3).fill(9));
      assert.deepEqual(read, value);
      assert.deepEqual(entry, value);
    }
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
    await withApi(db, async (reach) => {
      await using client = connect(reach);
      await assert.rejects(client.cache("c").put("k", 1), off);
      await assert.rejects(client.cache("c").watch().next(), off);
    });
    const { groups } = await db.cluster();
    assert.deepEqual(groups.map(({ name }) => name), ["db"]);
  }, { cache: false });
});
