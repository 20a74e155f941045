import assert from "node:assert/strict";
import { LocalClient } from "../../src/client/local.ts";
import { type Client, connect } from "../../src/client/remote.ts";
import { eventually } from "./eventually.ts";
import { lockContract, runLockCase } from "./lock_contract.ts";
import { inSteps, withApi, withMember } from "./one_member.ts";

async function withClients(
  run: (clients: { local: LocalClient; remote: () => Client }) => Promise<void>,
): Promise<void> {
  await withMember((local) =>
    withApi(local, async (reach) => {
      const remotes: Client[] = [];
      try {
        await run({
          local,
          remote() {
            const remote = connect(reach);
            remotes.push(remote);
            return remote;
          },
        });
      } finally {
        for (const remote of remotes) await remote.shutdown();
      }
    })
  );
}

for (const kind of ["local", "remote"] as const) {
  Deno.test(`locks of a ${kind} client keep the contract`, async (t) => {
    await withClients(async ({ local, remote }) => {
      const client = kind === "local" ? local : remote();
      const other = kind === "local" ? new LocalClient(local.member) : remote();
      await inSteps(
        t,
        lockContract(),
        (one) => runLockCase(one, client, other),
      );
    });
  });
}

Deno.test("all locks of a client with one time to live hang on one lease, which one entry renews", async () => {
  await withClients(async ({ local, remote }) => {
    const client = remote();
    const names = Array.from({ length: 50 }, (_, at) => `lock ${at}`);
    await Promise.all(names.map((name) => client.lock(name, { ttlMs: 600 })));
    const leases = new Set((await local.locks()).map(({ lease }) => lease));
    assert.equal(leases.size, 1);
    const index = async () => (await local.cluster()).appliedIndex;
    const before = await index();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const entries = await index() - before;
    assert.ok(entries >= 3 && entries <= 10, `${entries} entries in a second`);
    assert.equal((await local.locks()).length, 50);
  });
});

Deno.test("a client that is shut down gives its locks back at once", async () => {
  await withClients(async ({ local, remote }) => {
    const client = remote();
    await client.lock("job", { ttlMs: 60_000 });
    await client.shutdown();
    const lock = await local.lock("job", { waitMs: 1_000 });
    await lock.release();
  });
});

Deno.test("a lock whose lease the cluster ended is lost: its signal aborts, and writes are fenced", async () => {
  await withClients(async ({ local, remote }) => {
    const client = remote();
    await local.execute("CREATE TABLE t (x)");
    const lock = await client.lock("job", { ttlMs: 900 });
    const [state] = await local.locks("job");
    const { lease } = state!;
    await local.member.locks.change({ operation: { kind: "end", lease } });
    await assert.rejects(
      client.execute("INSERT INTO t VALUES (1)", [], { fence: lock }),
      { code: "fenced" },
    );
    await eventually(() => assert.ok(lock.signal.aborted));
    assert.equal(lock.signal.reason.code, "lock_lost");
    assert.throws(() => lock.check(), { code: "lock_lost" });
    assert.equal(await lock.release(), false);
    await (await client.lock("job", { ttlMs: 900 })).release();
  });
});

Deno.test("a request that is repeated with its key is the same place in the queue, and the same grant", async () => {
  await withClients(async ({ local }) => {
    const { locks } = local.member;
    const wish = {
      name: "job",
      lease: { ttlMs: 5_000, owner: "tests" },
      permits: 65_536,
      limit: 65_536,
      waitMs: 10_000,
      value: "",
    };
    const held = await local.lock("job");
    const asked = [1, 2].map(() =>
      locks.acquire({ wish, idempotencyKey: "mine" })
    );
    await eventually(async () =>
      assert.equal((await local.locks("job"))[0]!.waiting, 1)
    );
    await held.release();
    const [one, other] = await Promise.all(asked);
    assert.equal(one!.token, other!.token);
    const again = await locks.acquire({ wish, idempotencyKey: "mine" });
    assert.equal(again.token, one!.token);
  });
});

Deno.test("a request over HTTP that is dropped leaves the queue", async () => {
  await withClients(async ({ local, remote }) => {
    await using _held = await local.lock("job");
    const controller = new AbortController();
    const waits = remote().lock("job", { signal: controller.signal });
    await eventually(async () =>
      assert.equal((await local.locks("job"))[0]!.waiting, 1)
    );
    controller.abort();
    await assert.rejects(waits);
    await eventually(async () =>
      assert.equal((await local.locks("job"))[0]!.waiting, 0)
    );
  });
});
