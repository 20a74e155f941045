import assert from "node:assert/strict";
import type { NodeId } from "../../src/raft/types.ts";
import { CacheMembers } from "./cache_members.ts";
import { until, write, writesSeen } from "./cluster.ts";

/** Every `each`-th combination of these nodes, but none of them. */
function combinations(ids: readonly NodeId[], each: number): NodeId[][] {
  return Array.from(
    { length: 2 ** ids.length - 1 },
    (_, bits) => ids.filter((_, at) => (bits + 1) >> at & 1),
  ).filter((_, at) => at % each === 0);
}

/** Ends nodes at once and starts them again; all are ready afterwards. */
async function restartAtOnce(
  { cluster }: CacheMembers,
  ids: readonly NodeId[],
): Promise<void> {
  await cluster.kill(ids);
  await Promise.all(ids.map((id) => cluster.start(id).whenReady(60_000)));
}

for (const size of [3, 4, 5]) {
  Deno.test(`of ${size} members any can end at once: less than half lose nothing, more than half begin an empty epoch, and the database goes on`, async () => {
    await using members = await CacheMembers.started(size);
    const { cluster, ids } = members;
    let writes = 0;
    // Of five nodes these are eleven, of each number of nodes some.
    for (const ended of combinations(ids, size < 5 ? 1 : 3)) {
      const before = members.hosted(1).epoch;
      await members.client(1).cache("c").put("k", ended.join());
      await restartAtOnce(members, ended);
      await Promise.all(ids.map((id) => cluster.node(id).whenReady(60_000)));
      await until(
        "all are in one epoch",
        () => {
          const { epoch } = members.hosted(1);
          return ids.every((id) => members.hosted(id).epoch === epoch);
        },
      );
      const lost = members.hosted(1).epoch - before;
      // Of an even number half is enough, if the leader is among them: it goes on with one less.
      const twice = 2 * ended.length;
      if (twice !== size) assert.equal(lost, Number(twice > size), `${ended}`);
      else assert.ok(lost === 0 || lost === 1);
      for (const id of ids) {
        const cache = members.client(id).cache("c");
        assert.equal(
          await cache.get("k", { consistency: "linearizable" }),
          lost === 1 ? undefined : ended.join(),
          `${ended} at ${id}`,
        );
      }
      await write(cluster.node(ended[0]!));
      writes++;
    }
    assert.equal(await writesSeen(cluster.node(1)), writes);
    for (const id of ids) {
      const group = members.hosted(id).group!;
      assert.equal(group.core.config.voters.length, size);
    }
  });
}

Deno.test("silence is never death: without a majority nothing begins until who was silent comes back, or is removed", async () => {
  for (const removed of [false, true]) {
    await using members = await CacheMembers.started();
    const { cluster } = members;
    await members.client(1).cache("c").put("k", 1);
    await cluster.kill([2, 3]);
    const two = cluster.start(2);
    await until("the database goes on", () => cluster.node(1).health().ok);
    await write(cluster.node(1));
    for (let i = 0; i < 40; i++) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      assert.equal(members.hosted(1).epoch, 1);
    }
    assert.match(two.ready().detail, /^group cache: /);
    if (removed) {
      await cluster.node(1).changeMembership({ action: "remove", nodeId: 3 });
    } else await cluster.start(3).whenReady(60_000);
    await two.whenReady(60_000);
    assert.equal(members.hosted(1).epoch, 2);
    await members.client(2).cache("c").put("k", 2);
    assert.equal(
      members.hosted(1).group!.core.config.voters.length,
      removed ? 2 : 3,
    );
  }
});

Deno.test("who is cut off in an epoch that is over acknowledges nothing, and joins the next one", async () => {
  await using members = await CacheMembers.started(5);
  const { cluster } = members;
  await members.client(1).cache("c").put("k", "old");
  // Members 4 and 5 are a minority that knows nothing of what happens.
  for (const far of [4, 5]) {
    for (const near of [1, 2, 3]) cluster.network.cut(far, near);
  }
  await restartAtOnceWithin(members, [1, 2, 3]);
  await Promise.all([1, 2, 3].map((id) => cluster.node(id).whenReady(60_000)));
  assert.equal(members.hosted(1).epoch, 2);
  await members.client(1).cache("c").put("k", "new");
  const late = members.client(4).cache("c").put("k", "late", {
    timeoutMs: 200,
  });
  await assert.rejects(late);
  for (const far of [4, 5]) {
    for (const near of [1, 2, 3]) cluster.network.heal(far, near);
  }
  await Promise.all([4, 5].map((id) => cluster.node(id).whenReady(60_000)));
  assert.equal(
    await members.client(4).cache("c").get("k", {
      consistency: "linearizable",
    }),
    "new",
  );
});

/** As {@linkcode restartAtOnce}; the others are cut off, so nobody waits for them. */
async function restartAtOnceWithin(
  { cluster }: CacheMembers,
  ids: readonly NodeId[],
): Promise<void> {
  await cluster.kill(ids, ids);
  for (const id of ids) cluster.start(id);
}

Deno.test("handles create their cache again in a new epoch, old versions match nothing, and watches hear of it", async () => {
  await using members = await CacheMembers.started();
  const client = () => members.client(1);
  const limited = client().cache("c", { maxEntries: 1, ttlMs: 60_000 });
  const version = await limited.put("k", 1);
  const heard: string[] = [];
  const watching = (async () => {
    for await (const change of client().cache("c").watch({ prefix: "k" })) {
      if (change.kind === "position") continue;
      heard.push(
        change.kind === "put" ? `${change.key}=${change.value}` : change.kind,
      );
      if (heard.at(-1) === "k=2") return;
    }
  })();
  await until("it watches", () => heard.length === 2);
  await restartAtOnce(members, [2, 3]);
  await members.cluster.node(1).whenReady(60_000);
  await assert.rejects(limited.put("k", 3, { ifVersion: version }), {
    code: "precondition_failed",
    version: null,
  });
  await limited.put("k", 2);
  await assert.rejects(limited.put("l", 2), { code: "cache_full" });
  assert.ok(await limited.ttl("k"));
  await watching;
  assert.equal(heard[0], "reset");
  assert.equal(heard[1], "k=1");
  assert.ok(heard.slice(2, -1).every((one) => one === "reset"));
  assert.equal(heard.at(-1), "k=2");
});
