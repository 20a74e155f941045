import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../../src/client/client.ts";
import type { Lock } from "../../src/client/locks/lock.ts";
import { TestCluster } from "./harness.ts";
import { LockClients, waitingFor } from "./lock_clients.ts";
import { eventually } from "../client/eventually.ts";
import { recover } from "./recover.ts";

const WAITERS = 40;
const SEMAPHORE_OPERATIONS = 150;

Deno.test("locks through three members: in order, never more than there is, and a writer gets in", async (t) => {
  await using cluster = await TestCluster.start();
  await using remote = new LockClients(cluster);
  const clients = cluster.nodes.map((node) => remote.of(node));
  const of = (at: number): Client => clients[at % clients.length]!;
  const step = (name: string, fn: () => Promise<void>): Promise<boolean> =>
    t.step({ name, fn, sanitizeOps: false, sanitizeResources: false });

  await step(
    "40 waiters get the lock in order; who aborts is skipped; a try never overtakes",
    async () => {
      // No lease ends on a machine that is busy with other tests.
      const ttlMs = 60_000;
      const held = await of(0).lock("job", { ttlMs });
      const order: number[] = [];
      const aborting = new AbortController();
      const waits: Promise<unknown>[] = [];
      for (let at = 0; at < WAITERS; at++) {
        const aborts = at % 10 === 3;
        waits.push(
          of(at).lock(
            "job",
            aborts ? { ttlMs, signal: aborting.signal } : { ttlMs },
          )
            .then(async (lock: Lock) => {
              order.push(at);
              if (at % 20 === 0) {
                assert.equal(await of(at + 1).tryLock("job"), null);
              }
              assert.equal(await lock.release(), true);
            }, (error: Error) => {
              if (!aborts) throw error;
            }),
        );
        await eventually(async () =>
          assert.equal(await waitingFor(of(0), "job"), at + 1)
        );
      }
      aborting.abort();
      await eventually(async () =>
        assert.equal(await waitingFor(of(1), "job"), WAITERS * 9 / 10)
      );
      for (const client of clients) {
        assert.equal(await client.tryLock("job"), null);
      }
      await held.release();
      await Promise.all(waits);
      const expected = Array.from({ length: WAITERS }, (_, at) => at)
        .filter((at) => at % 10 !== 3);
      assert.deepEqual(order, expected);
    },
  );

  await step("a semaphore of 5 is never held by more", async () => {
    let left = SEMAPHORE_OPERATIONS;
    let inUse = 0;
    let most = 0;
    await Promise.all(Array.from({ length: 15 }, async (_, worker) => {
      while (left-- > 0) {
        const permits = 1 + left % 3;
        const lock = await of(worker).lock("pool", { limit: 5, permits });
        inUse += permits;
        most = Math.max(most, inUse);
        assert.ok(inUse <= 5, `${inUse} permits of 5`);
        await sleep(left % 4);
        inUse -= permits;
        await lock.release();
      }
    }));
    assert.ok(most >= 4, `${most} permits at most`);
  });

  await step("a writer gets in though readers come all the time", async () => {
    let ends = false;
    let writes = false;
    const readers = Array.from({ length: 9 }, async (_, at) => {
      while (!ends) {
        const lock = await of(at).lock("doc", { shared: true });
        assert.ok(!writes, "a reader beside the writer");
        await sleep(20);
        await lock.release();
      }
    });
    await sleep(100);
    // Readers who came later would keep it out for ever.
    const lock = await of(2).lock("doc", { waitMs: 60_000 });
    writes = true;
    writes = false;
    await lock.release();
    ends = true;
    await Promise.all(readers);
  });

  await step(
    "a lease that ended between proposal and apply fences the write on every member",
    async () => {
      await of(0).execute("CREATE TABLE guarded (token)");
      await of(0).execute(
        "CREATE TRIGGER guard BEFORE INSERT ON guarded BEGIN SELECT RAISE(ABORT, 'stale') WHERE hql_token('job') IS NOT new.token; END",
      );
      const lock = await of(1).lock("job", { ttlMs: 60_000 });
      const { token } = lock;
      await of(2).execute("INSERT INTO guarded VALUES (?)", [token], {
        fence: lock,
      });
      const [state] = await of(0).locks("job", { consistency: "linearizable" });
      // Both are on their way at once; the fence is looked at where the log puts the write.
      const [_, attempts] = await Promise.all([
        endLease(state!.lease, cluster),
        Promise.allSettled(
          Array.from(
            { length: 30 },
            (_, at) =>
              of(at).execute("INSERT INTO guarded VALUES (?)", [token], {
                fence: lock,
              }),
          ),
        ),
      ]);
      await assert.rejects(
        of(2).execute("INSERT INTO guarded VALUES (?)", [token], {
          fence: lock,
        }),
        { code: "fenced" },
      );
      await assert.rejects(
        of(1).execute("INSERT INTO guarded VALUES (?)", [token]),
        {
          code: "constraint",
          message: /stale/,
        },
      );
      const written =
        attempts.filter(({ status }) => status === "fulfilled").length;
      const contents = await cluster.assertEqualContents();
      assert.equal(contents.guarded?.length, 1 + written);
      const fenced = await Promise.all(
        clients.map(async (client) =>
          /hiqlite_writes_fenced_total (\d+)/.exec(await client.metrics())![1]
        ),
      );
      assert.deepEqual(new Set(fenced).size, 1, `${fenced}`);
      assert.equal(Number(fenced[0]), 31 - written);
    },
  );
});

/** Ends a lease, as an operator would. */
async function endLease(
  lease: number,
  cluster: TestCluster,
): Promise<void> {
  await fetch(`${cluster.network.apiUrl(3)}/api/v1/locks/change`, {
    method: "POST",
    headers: {
      "x-api-secret": "secret-of-the-test-api",
      "content-type": "application/json",
    },
    body: JSON.stringify({ op: "end", lease }),
  }).then((response) => response.text());
}

Deno.test("a promoted waiter that died with its member costs 5 s, and nobody else's lock is lost", async () => {
  await using cluster = await TestCluster.start();
  await using remote = new LockClients(cluster);
  const leader = await cluster.waitLeader();
  const [one, other] = cluster.nodes.filter((node) => node !== leader);
  const holder = remote.of(one!);
  const dies = remote.of(leader);
  const waiter = remote.of(other!);
  const kept = await holder.lock("kept", { ttlMs: 6_000 });
  const first = await holder.lock("job", { ttlMs: 60_000 });
  const controller = new AbortController();
  const lost = dies.lock("job", { signal: controller.signal, ttlMs: 60_000 })
    .catch(() => {});
  await eventually(async () =>
    assert.equal(await waitingFor(waiter, "job"), 1)
  );
  const next = waiter.lock("job", { ttlMs: 60_000 });
  await eventually(async () =>
    assert.equal(await waitingFor(waiter, "job"), 2)
  );
  await cluster.killMember(leader);
  const begun = performance.now();
  await first.release();
  const lock = await next;
  const passedMs = performance.now() - begun;
  // The lease of the dead one lasts a minute; an election on a busy machine takes a part of that.
  assert.ok(passedMs > 4_500 && passedMs < 40_000, `${passedMs} ms`);
  assert.ok(kept.held && !kept.signal.aborted);
  kept.check();
  await waiter.execute("CREATE TABLE t (x)", [], { fence: kept });
  await lock.release();
  controller.abort();
  await lost;
});

Deno.test("tokens grow over a change of leaders, a restart of all, a recovery, and installed snapshots", async () => {
  await using cluster = await TestCluster.start();
  await using remote = new LockClients(cluster);
  const tokens: number[] = [];
  const take = async (...nodes: number[]): Promise<void> => {
    const client = remote.of(...nodes);
    const lock = await client.lock("job", { ttlMs: 2_000, waitMs: 15_000 });
    tokens.push(lock.token);
    // Half of them are not given back: their lease ends by itself.
    if (tokens.length % 2 === 0) await lock.release();
    else await client.shutdown();
  };
  await take(1, 2, 3);
  const api = remote.of(1, 2, 3);
  await api.transferLeadership();
  await take(1, 2, 3);
  for (const node of cluster.nodes) await cluster.killWithChildren(node);
  for (const node of cluster.nodes) await cluster.startMember(node);
  await cluster.waitReady();
  await take(1, 2, 3);
  const { clusterId } = await remote.of(3).cluster();
  for (const node of cluster.nodes) await cluster.killWithChildren(node);
  for (const lost of [1, 2]) {
    await Deno.remove(cluster.dataDir(lost), { recursive: true });
  }
  const done = await recover(cluster.dataDir(3), "--confirm", clusterId);
  assert.equal(done.code, 0, done.out);
  for (const node of [3, 1, 2]) await cluster.startMember(node);
  await cluster.waitReady();
  await take(3);
  // These two have the state from a snapshot.
  await take(1);
  await take(2);
  const grown = tokens.every((token, at) =>
    at === 0 || token > tokens[at - 1]!
  );
  assert.ok(grown, `${tokens}`);
});
