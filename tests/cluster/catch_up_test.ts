import assert from "node:assert/strict";
import { MemberApi } from "./api.ts";
import { assertEqualContents } from "./contents.ts";
import { poll, SECRET_API, TestCluster } from "./harness.ts";
import { LoopbackNetwork } from "./loopback.ts";
import { freePorts } from "../ports.ts";
import type { Node } from "./network.ts";

async function firstIndexOf(cluster: TestCluster, node: Node): Promise<number> {
  const answer = await cluster.api(node).cluster(20_000);
  assert.equal(answer.type, "ok", JSON.stringify(answer));
  return answer.type === "ok" ? Number(answer.value.first_index) : 0;
}

/** Waits until the member's log has a line that matches. */
async function logged(
  cluster: TestCluster,
  node: Node,
  line: RegExp,
): Promise<void> {
  await poll(`${line} in the log of member ${node}`, 60_000, async () => {
    return line.test(await cluster.log(node));
  });
}

Deno.test("a member that was down longer than the log is kept gets a snapshot and ends with equal contents", async () => {
  await using cluster = await TestCluster.start({
    environment: { HQL_LOGS_UNTIL_SNAPSHOT: "50" },
  });
  const down = 2;
  await cluster.write(1, "CREATE TABLE t (n INTEGER, body TEXT)");
  const last = await cluster.write(1, "INSERT INTO t VALUES (0, 'before')");
  await cluster.killMember(down);
  for (let n = 1; n <= 400; n++) {
    await cluster.write(1, `INSERT INTO t VALUES (${n}, 'x${n}')`);
  }
  // For two seconds a leader keeps the log of a member it has just heard, and it purges as it applies.
  for (const node of [1, 3]) {
    await poll(`member ${node} to purge its log`, 60_000, async () => {
      await cluster.write(1, "UPDATE t SET n = 0 WHERE n = 0");
      return await firstIndexOf(cluster, node) > last + 1;
    });
  }
  await cluster.startMember(down);
  await cluster.waitReady();
  // Beyond what it could have replayed, and it goes on from there.
  assert.ok(await firstIndexOf(cluster, down) > last + 1);
  await cluster.write(down, "INSERT INTO t VALUES (401, 'after')");
  const contents = await cluster.assertEqualContents();
  assert.equal(contents.t?.length, 402);
});

Deno.test("a cluster of two members survives the restart of both, by signal and by kill", async () => {
  await using cluster = await TestCluster.start({ nodes: 2 });
  await cluster.write(1, "CREATE TABLE t (n INTEGER)");
  for (const stop of ["terminate", "kill"] as const) {
    await cluster.write(2, "INSERT INTO t VALUES (1)");
    await Promise.all(
      cluster.nodes.map((node) => cluster.process(node)![stop]()),
    );
    for (const node of cluster.nodes) await cluster.startMember(node);
    await cluster.waitReady();
  }
  const contents = await cluster.assertEqualContents();
  assert.equal(contents.t?.length, 2);
});

Deno.test("a member whose addresses changed between two starts takes part under the new ones", async () => {
  const network = new LoopbackNetwork({ nodes: 3 });
  await using cluster = await TestCluster.start({ network });
  await cluster.write(1, "CREATE TABLE t (n INTEGER)");
  await Promise.all(
    cluster.nodes.map((node) => cluster.process(node)!.terminate()),
  );
  const [raft, api] = freePorts(2);
  const moved = network.environment(1).HQL_NODES!.split("\n")
    .with(2, `3 127.0.0.1:${raft} 127.0.0.1:${api}`).join("\n");
  for (const node of cluster.nodes) {
    cluster.setEnvironment(node, { HQL_NODES: moved });
    await cluster.startMember(node);
  }
  const third = new MemberApi({
    secret: SECRET_API,
    url: `http://127.0.0.1:${api}`,
  });
  await cluster.waitReady([1, 2]);
  await poll("the moved member to be ready", 60_000, () => third.ready(1000));
  const index = await cluster.write(1, "INSERT INTO t VALUES (1)");
  const members = [{ node: 1, api: cluster.api(1) }, { node: 3, api: third }];
  const contents = await assertEqualContents(members, index);
  assert.equal(contents.t?.length, 1);
});

Deno.test("a member with another Raft secret is kept out, and both sides say why", async () => {
  await using cluster = await TestCluster.start();
  await cluster.write(1, "CREATE TABLE t (n INTEGER)");
  await cluster.killMember(3);
  const wrong = "another-secret-of-the-raft";
  cluster.setEnvironment(3, { HQL_SECRET_RAFT: wrong });
  await cluster.startMember(3);
  const advice = /set the same secret_raft \(HQL_SECRET_RAFT\) everywhere/;
  for (const node of cluster.nodes) await logged(cluster, node, advice);
  assert.equal(await cluster.api(3).ready(1000), false);
  await cluster.write(1, "INSERT INTO t VALUES (1)");
  for (const node of cluster.nodes) {
    const log = await Deno.readTextFile(cluster.logPath(node));
    assert.ok(!log.includes(wrong), "a secret is in the log");
  }
  await cluster.killMember(3);
  cluster.setEnvironment(3, {});
  await cluster.startMember(3);
  await cluster.waitReady();
  await cluster.assertEqualContents();
});
