import assert from "node:assert/strict";
import { TestCluster } from "./harness.ts";
import { freePorts } from "../ports.ts";
import type { Node } from "./network.ts";

const MOVED: Node = 3;

/** Ids of all members, as the first one sees them, and where the moved one is. */
async function view(
  cluster: TestCluster,
): Promise<{ readonly ids: readonly string[]; readonly address: string }> {
  const answer = await cluster.api(1).cluster(20_000);
  assert.equal(answer.type, "ok", JSON.stringify(answer));
  if (answer.type !== "ok") throw new Error("no answer");
  const members = answer.value.members as unknown as readonly {
    readonly id: string;
    readonly node_id: number;
    readonly raft_address: string;
  }[];
  const moved = members.find(({ node_id }) => node_id === MOVED)!;
  return { ids: members.map(({ id }) => id), address: moved.raft_address };
}

Deno.test("a member whose address changed takes part as the one it was, whether only it is told or everyone", async (t) => {
  await using cluster = await TestCluster.start();
  let rows = 0;
  await cluster.write(1, "CREATE TABLE t (n INTEGER PRIMARY KEY)");
  const before = await view(cluster);
  const [port] = freePorts(1);
  const address = `127.0.0.1:${port}`;
  const { HQL_NODES } = cluster.network.environment(MOVED);
  const moved = { HQL_NODES: HQL_NODES!.replace(before.address, address) };

  const settled = async (): Promise<void> => {
    await cluster.waitReady();
    for (const node of cluster.nodes) {
      await cluster.write(node, `INSERT INTO t VALUES (${++rows})`);
    }
    assert.equal((await cluster.assertEqualContents()).t?.length, rows);
    assert.deepEqual(await view(cluster), { ids: before.ids, address });
  };
  await t.step("only the moved one is told", async () => {
    assert.ok(await cluster.process(MOVED)!.terminate());
    cluster.setEnvironment(MOVED, moved);
    await cluster.startMember(MOVED);
    await settled();
    assert.match(
      await cluster.log(1),
      /node 3 cannot be reached at .* and says that it is at .*: trying there/,
    );
  });
  await t.step("all are killed, and start as before", async () => {
    for (const node of cluster.nodes) await cluster.killMember(node);
    for (const node of cluster.nodes) await cluster.startMember(node);
    await settled();
  });
  await t.step("the others are told, one after the other", async () => {
    for (const node of cluster.nodes.filter((node) => node !== MOVED)) {
      assert.ok(await cluster.process(node)!.terminate());
      cluster.setEnvironment(node, moved);
      await cluster.startMember(node);
      await cluster.waitReady([node]);
    }
    await settled();
  });
});
