import assert from "node:assert/strict";
import { poll, TestCluster } from "./harness.ts";

/** How long anything may take on a machine that is busy with other tests, ms. */
const PATIENCE_MS = 60_000;
/** Less than the 15 s that a member gives to what is under way, ms. */
const AT_ONCE_MS = 10_000;

/** Counts to `n` inside SQLite: about a second per ten million where nothing else runs. */
const count = (n: number): string =>
  `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${n}) SELECT max(n) FROM c`;

Deno.test("SIGTERM of the leader: not ready, leadership moves, requests under way are answered, exit code 0", async (t) => {
  await using cluster = await TestCluster.start();
  const leader = await cluster.waitLeader();
  const api = cluster.api(leader);
  const process = cluster.process(leader)!;
  const write = (sql: string) => api.execute({ sql }, { timeoutMs: 60_000 });
  assert.equal((await write("CREATE TABLE t (n INTEGER)")).type, "ok");

  const reading = api.query({ sql: count(300_000) }, {
    timeoutMs: 60_000,
    consistency: "local",
  });
  const writing = [
    write(`INSERT INTO t ${count(500_000)}`),
    ...Array.from(
      { length: 20 },
      (_, n) => write(`INSERT INTO t VALUES (${n})`),
    ),
  ];
  // Whatever is asked now arrives after what is above.
  assert.ok(await api.ready(PATIENCE_MS));
  const stopping = process.terminate();

  await t.step("/ready answers 503 while it finishes", async () => {
    const url = `${cluster.network.apiUrl(leader)}/ready`;
    for (let status = 200; status !== 503;) {
      const response = await fetch(url);
      status = response.status;
      assert.ok(status === 200 || status === 503, `status ${status}`);
      const { detail } = await response.json();
      assert.equal(detail, status === 200 ? "ok" : "stopping");
    }
  });
  await t.step(
    "another member leads",
    () =>
      poll("another leader", PATIENCE_MS, async () => {
        const now = await cluster.leader();
        return now !== undefined && now !== leader;
      }),
  );
  await t.step("what was asked before is answered", async () => {
    for (const answer of await Promise.all(writing)) {
      assert.equal(answer.type, "ok", JSON.stringify(answer));
    }
    const answer = await reading;
    assert.equal(answer.type, "ok", JSON.stringify(answer));
  });
  await t.step("it exits 0 within the bound", async () => {
    assert.ok(await stopping, "it had to be killed");
    assert.equal((await process.exited).code, 0, await cluster.logTails());
  });
  await t.step("nothing is lost", async () => {
    await cluster.startMember(leader);
    await cluster.waitReady();
    const contents = await cluster.assertEqualContents();
    assert.equal(contents.t?.length, 21);
  });
});

Deno.test("a second signal ends a stopping member at once", async () => {
  await using cluster = await TestCluster.start({ nodes: 1 });
  const api = cluster.api(1);
  const process = cluster.process(1)!;
  const reading = api.query({ sql: count(500_000_000) }, {
    timeoutMs: 60_000,
    consistency: "local",
  });
  assert.ok(await api.ready(PATIENCE_MS));
  const stopping = process.terminate();
  await poll("not ready", PATIENCE_MS, async () => !await api.ready(1000));
  // Sooner it would count as the double of the first.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const second = performance.now();
  process.terminate();
  const { code } = await process.exited;
  const took = performance.now() - second;
  assert.ok(took < AT_ONCE_MS, `it took ${took} ms`);
  assert.notEqual(code, 0);
  await Promise.all([reading, stopping]);
});

Deno.test("a request that never ends does not keep a member from stopping in time", async () => {
  await using cluster = await TestCluster.start({ nodes: 1 });
  const { port } = new URL(cluster.network.apiUrl(1));
  const half = await Deno.connect({ hostname: "127.0.0.1", port: +port });
  try {
    const request = "POST /api/v1/execute HTTP/1.1\r\nhost: x\r\ncontent-le";
    await half.write(new TextEncoder().encode(request));
    assert.ok(await cluster.api(1).ready(PATIENCE_MS));
    const process = cluster.process(1)!;
    assert.ok(await process.terminate(), "it had to be killed");
    assert.equal((await process.exited).code, 0, await cluster.logTails());
  } finally {
    half.close();
  }
});
