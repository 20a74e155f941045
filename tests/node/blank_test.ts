import assert from "node:assert/strict";
import type { HiqliteError } from "../../src/errors.ts";
import type { HiqliteNode } from "../../src/node/node.ts";
import { Cluster, until, write } from "./cluster.ts";

const REFUSED = { code: "no_leader", message: /^This member began empty/ };

function countOf(node: HiqliteNode, timeoutMs: number): Promise<unknown> {
  return node.query({
    sql: "",
    consistency: "local",
    limits: { timeoutMs },
  }).then(({ rows }) => rows[0]![0]);
}

/** Five writes, after which node 3 has lost everything. */
async function emptied(): Promise<Cluster> {
  const cluster = new Cluster(3);
  await cluster.startAll();
  for (let i = 0; i < 5; i++) await write(cluster.node(1));
  await cluster.stop(3);
  cluster.wipe(3);
  return cluster;
}

Deno.test("U15 an emptied member that reaches nobody answers no local read", async () => {
  await using cluster = await emptied();
  for (const id of [1, 2]) cluster.network.cut(3, id);
  const node = cluster.start(3);
  await assert.rejects(countOf(node, 100), REFUSED);
  assert.throws(() => node.querySync("SELECT 1"), REFUSED);
  for (const id of [1, 2]) cluster.network.heal(3, id);
  assert.equal(await countOf(node, 10_000), 5);
});

Deno.test("U15 an emptied member answers local reads only once it has what was committed", async () => {
  await using cluster = await emptied();
  const node = cluster.start(3);
  const seen = new Set<unknown>();
  await until("an answer", () => {
    try {
      seen.add(node.querySync("SELECT 1").rows[0]![0]);
    } catch (error) {
      assert.match((error as Error).message, REFUSED.message);
    }
    return seen.size > 0;
  });
  assert.deepEqual([...seen], [5]);
});

Deno.test("an emptied member takes no listener of what is published from now on until it has what was: all of it would be news", async () => {
  await using cluster = await emptied();
  const node = cluster.start(3);
  const answers = (ask: () => void): boolean => {
    try {
      ask();
      return true;
    } catch (error) {
      assert.equal((error as HiqliteError).code, "no_leader");
      return false;
    }
  };
  await until("it to have the cluster's data", () => {
    const isFilled = answers(() => node.querySync("SELECT 1"));
    const listens = answers(() => node.topics.listen({ topics: ["a"] }));
    assert.equal(listens, isFilled);
    return isFilled;
  });
});

Deno.test("U15 an emptied member that was ended while it joined answers nothing at its next start, either", async () => {
  await using cluster = await emptied();
  cluster.start(3);
  await until(
    "some entries",
    () => cluster.volume(3).machine.applied.index > 0,
  );
  await cluster.stop(3);
  const volume = cluster.volume(3);
  volume.save({ ...volume.identity, phase: "joining" });
  for (const id of [1, 2]) cluster.network.cut(3, id);
  await assert.rejects(countOf(cluster.start(3), 100), REFUSED);
});

Deno.test("a member that has data answers local reads alone", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.node(3));
  await cluster.kill([1, 2, 3]);
  assert.equal(await countOf(cluster.start(3), 100), 1);
});
