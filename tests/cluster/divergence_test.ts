import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Victim } from "./damage.ts";
import { poll, TestCluster } from "./harness.ts";
import type { Node } from "./network.ts";

const ROWS = 20;
/** Checksums are compared at every 256th index. */
const WRITES = 300;

async function idOf(cluster: TestCluster, node: Node): Promise<string> {
  const answer = await cluster.api(node).cluster(20_000);
  assert.ok(answer.type === "ok", JSON.stringify(answer));
  return String(answer.value.self);
}

/** Changes a row behind the member's back, as a defect of memory or disk that no checksum covers. */
async function falsify(
  cluster: TestCluster,
  node: Node,
  row = 7,
): Promise<void> {
  assert.ok(await cluster.process(node)!.terminate());
  const db = new DatabaseSync(new Victim(cluster.dataDir(node)).database());
  db.exec(`UPDATE t SET amount = amount + 1000 WHERE n = ${row}`);
  db.close();
  await cluster.startMember(node);
  await cluster.waitReady([node]);
}

async function assertRebuilt(
  cluster: TestCluster,
  node: Node,
  before: string,
): Promise<void> {
  await poll("a new incarnation that is ready", 60_000, async () => {
    const answer = await cluster.api(node).cluster(1000);
    return answer.type === "ok" && answer.value.self !== before &&
      await cluster.api(node).ready(1000);
  });
  const { t } = await cluster.assertEqualContents();
  assert.equal(t?.length, ROWS);
  assert.match(
    await cluster.log(node),
    /cannot rely on its memory \(its state at index \d+ has checksum/,
  );
}

Deno.test("a member whose state differs from the majority's is reported and rebuilt, a follower as well as the leader", async (t) => {
  await using cluster = await TestCluster.start();
  await cluster.write(1, "CREATE TABLE t (n INTEGER PRIMARY KEY, amount)");
  for (let n = 0; n < ROWS; n++) {
    await cluster.write(1, `INSERT INTO t VALUES (${n}, 0)`);
  }
  const reveal = async (): Promise<void> => {
    for (let i = 0; i < WRITES; i += 50) {
      await Promise.all(
        Array.from({ length: 50 }, () =>
          cluster.write(
            1,
            "UPDATE t SET amount = amount + 1 WHERE n = 7 RETURNING amount",
          )),
      );
    }
  };
  await t.step("a follower", async () => {
    const leader = await cluster.waitLeader();
    const node = cluster.nodes.find((other) => other !== leader)!;
    const before = await idOf(cluster, node);
    await falsify(cluster, node);
    await reveal();
    await assertRebuilt(cluster, node, before);
  });
  await t.step("a follower with a row that no answer shows", async () => {
    const leader = await cluster.waitLeader();
    const node = cluster.nodes.find((other) => other !== leader)!;
    const before = await idOf(cluster, node);
    await falsify(cluster, node, 9);
    await reveal();
    await assertRebuilt(cluster, node, before);
  });
  await t.step("a follower without any write", async () => {
    const leader = await cluster.waitLeader();
    const node = cluster.nodes.find((other) => other !== leader)!;
    const before = await idOf(cluster, node);
    await falsify(cluster, node, 9);
    await assertRebuilt(cluster, node, before);
  });
  await t.step("the leader", async () => {
    const node = await cluster.waitLeader() % 3 + 1;
    const before = await idOf(cluster, node);
    await falsify(cluster, node);
    const moved = await cluster.api(node).changeCluster(
      "transfer",
      { node_id: node },
      20_000,
    );
    assert.equal(moved.type, "ok", JSON.stringify(moved));
    await poll(
      "it to lead",
      60_000,
      async () => await cluster.leader() === node,
    );
    await reveal();
    await assertRebuilt(cluster, node, before);
  });
});
