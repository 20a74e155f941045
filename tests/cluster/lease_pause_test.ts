import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { poll, TestCluster } from "./harness.ts";
import { LockClients } from "./lock_clients.ts";

/** Long enough for an election and a renewal on a machine that has other things to do. */
const TTL_MS = 6_000;
const LIMIT_MS = 30_000;

Deno.test("a leader that was stopped while leases were renewed at the next one ends none of them when it goes on", async () => {
  await using cluster = await TestCluster.start();
  await using remote = new LockClients(cluster);
  await cluster.write(1, "CREATE TABLE t (name TEXT)");
  const leader = await cluster.waitLeader();
  const others = cluster.nodes.filter((node) => node !== leader);
  const renewed = await Promise.all(
    others.map((node) =>
      remote.of(node).lock(`renewed ${node}`, { ttlMs: TTL_MS })
    ),
  );
  const waits = remote.of(others[0]!);
  // Nobody renews this one: it is to end at its time, whoever leads.
  const api = cluster.api(others[0]!);
  const wish = { ttl_ms: TTL_MS, wait_ms: 0 };
  assert.equal((await api.lock("left", wish, LIMIT_MS)).type, "ok");
  cluster.process(leader)!.pause();
  const next = await waits.lock("left", {
    ttlMs: LIMIT_MS,
    waitMs: LIMIT_MS,
  });
  await sleep(TTL_MS);
  cluster.process(leader)!.resume();
  await cluster.waitReady();
  const back = remote.of(leader);
  await poll("the old leader knows all of them", LIMIT_MS, async () => {
    const rows = await back.query("SELECT name FROM hql_locks");
    return rows.length === renewed.length + 1;
  });
  for (const lock of [...renewed, next]) {
    assert.equal(lock.signal.aborted, false, lock.name);
    lock.check();
    assert.equal(await back.tryLock(lock.name), null);
    await back.execute("INSERT INTO t VALUES (?)", [lock.name], {
      fence: lock,
    });
  }
});
