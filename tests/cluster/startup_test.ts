import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { poll, TestCluster } from "./harness.ts";
import type { Node } from "./network.ts";
import { recover } from "./recover.ts";

async function clusterId(cluster: TestCluster, node: Node): Promise<string> {
  const answer = await cluster.api(node).cluster(20_000);
  assert.equal(answer.type, "ok", JSON.stringify(answer));
  return answer.type === "ok" ? String(answer.value.cluster_id) : "";
}

/** Waits until `/ready` of a member says why it is not. */
async function waitDetail(
  cluster: TestCluster,
  node: Node,
  expected: RegExp,
): Promise<void> {
  let last = "";
  await poll(`/ready of member ${node}: ${expected}`, 60_000, async () => {
    try {
      const response = await fetch(`${cluster.network.apiUrl(node)}/ready`);
      last = String((await response.json()).detail);
      return response.status === 503 && expected.test(last);
    } catch {
      return false;
    }
  }).catch((error) => {
    throw new Error(`${error.message}; it said: ${last}`);
  });
}

Deno.test("members started apart form one cluster when the last one is there, and say whom they wait for", async () => {
  await using cluster = await TestCluster.start({ idle: true });
  await cluster.startMember(3);
  await waitDetail(cluster, 3, /^waiting for node 1, 2: a cluster is formed/);
  await cluster.startMember(1);
  await waitDetail(cluster, 3, /^waiting for node 2: a cluster is formed/);
  await waitDetail(cluster, 1, /^waiting for node 2: a cluster is formed/);
  // A majority is there, and nothing is formed.
  await sleep(3000);
  assert.equal(await clusterId(cluster, 1), "");
  // One that waits can be restarted, and nobody mistakes it for another.
  assert.ok(await cluster.process(3)!.terminate());
  await cluster.startMember(3);
  await cluster.startMember(2);
  await cluster.waitReady();
  await cluster.write(2, "CREATE TABLE t (n)");
  await cluster.assertEqualContents();
});

Deno.test("after SIGKILL of all members they start again in any order and apart, with everything", async () => {
  await using cluster = await TestCluster.start();
  await cluster.write(1, "CREATE TABLE t (n INTEGER PRIMARY KEY)");
  const id = await clusterId(cluster, 1);
  let rows = 0;
  for (const [first, ...later] of [[3, 2, 1], [1, 3, 2]] as const) {
    await cluster.write(first, `INSERT INTO t VALUES (${++rows})`);
    await Promise.all(cluster.nodes.map((node) => cluster.killMember(node)));
    await cluster.startMember(first);
    await waitDetail(
      cluster,
      first,
      /^no leader: .*cannot be reached.*2 of 3 voters are needed: bring one back/,
    );
    for (const node of later) {
      await cluster.startMember(node);
      await cluster.waitReady([first, node]);
      await cluster.write(node, `INSERT INTO t VALUES (${++rows})`);
    }
    assert.equal((await cluster.assertEqualContents()).t?.length, rows);
  }
  for (const node of cluster.nodes) {
    assert.equal(await clusterId(cluster, node), id);
    assert.doesNotMatch(await cluster.log(node), /cannot rely on its memory/);
  }
});

Deno.test("two of three volumes wiped: the cluster stays down, all say what is known and what can be done, and that works", async () => {
  await using cluster = await TestCluster.start();
  await cluster.write(1, "CREATE TABLE t (n INTEGER PRIMARY KEY)");
  await cluster.write(1, "INSERT INTO t VALUES (1)");
  const old = await clusterId(cluster, 2);
  for (const node of cluster.nodes) {
    assert.ok(await cluster.process(node)!.terminate());
  }
  for (const wiped of [1, 3]) {
    await Deno.remove(cluster.dataDir(wiped), { recursive: true });
  }
  for (const node of cluster.nodes) await cluster.startMember(node);
  await waitDetail(
    cluster,
    2,
    /^no leader: node 1 came back without its memory, node 2 is this one, node 3 came back without its memory; 2 of 3 voters are needed: .*hiqlite cluster recover/,
  );
  for (const wiped of [1, 3]) {
    await waitDetail(
      cluster,
      wiped,
      /^no leader: this member has nothing of its cluster yet/,
    );
  }
  await sleep(3000);
  assert.equal(await cluster.leader(), undefined);
  const refused = await cluster.api(1).execute({ sql: "SELECT 1" }, {
    timeoutMs: 2000,
  });
  assert.notEqual(refused.type, "ok", JSON.stringify(refused));

  for (const node of cluster.nodes) {
    const process = cluster.process(node)!;
    assert.ok(await process.terminate());
    assert.equal((await process.exited).code, 0);
  }
  const done = await recover(cluster.dataDir(2), "--confirm", old);
  assert.equal(done.code, 0, done.out);
  for (const wiped of [1, 3]) {
    await Deno.remove(cluster.dataDir(wiped), { recursive: true });
  }
  for (const node of cluster.nodes) await cluster.startMember(node);
  await cluster.waitReady();
  await cluster.write(3, "INSERT INTO t VALUES (2)");
  assert.equal((await cluster.assertEqualContents()).t?.length, 2);
  assert.notEqual(await clusterId(cluster, 1), old);
});
