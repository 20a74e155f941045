import assert from "node:assert/strict";
import { Cluster, until } from "./cluster.ts";

for (const phase of ["forming", "member"] as const) {
  for (const id of [1, 2]) {
    Deno.test(`node ${id} of a new cluster whose disk has no room for its identity (${phase}) waits for some`, async () => {
      await using cluster = new Cluster(3);
      const volume = cluster.volume(id);
      volume.full = (wanted) => wanted === phase;
      for (const node of [1, 2, 3]) cluster.start(node);
      await waiting(cluster, id, phase);
      volume.full = () => false;
      for (const node of [1, 2, 3]) await cluster.node(node).whenReady(60_000);
      await until("a durable phase", () => volume.identity.phase === "member");
      assert.equal(fatal(cluster), undefined);
    });
  }
}

for (const phase of ["joining", "member"] as const) {
  Deno.test(`a member that joins and whose disk has no room for its identity (${phase}) waits for some`, async () => {
    await using cluster = new Cluster(3);
    await cluster.startAll();
    await cluster.stop(3);
    cluster.wipe(3);
    const volume = cluster.volume(3);
    volume.full = (wanted) => wanted === phase;
    const node = cluster.start(3);
    await waiting(cluster, 3, phase);
    volume.full = () => false;
    await node.whenReady(60_000);
    await until("a durable phase", () => volume.identity.phase === "member");
    assert.equal(fatal(cluster), undefined);
  });
}

/** Says it once, and goes on. */
async function waiting(
  cluster: Cluster,
  id: number,
  phase: string,
): Promise<void> {
  const line = `${id}: waiting for room: no room: ${phase}`;
  await until(line, () => cluster.lines.includes(line));
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(cluster.lines.filter((each) => each === line).length, 1);
}

function fatal(cluster: Cluster): string | undefined {
  return cluster.lines.find((line) => line.includes("fatal"));
}
