import assert from "node:assert/strict";
import { nodeIdOf } from "../../../src/raft/types.ts";
import { Cluster, until, write, writesSeen } from "../cluster.ts";

Deno.test("a write that a silent leader holds goes to the next leader at once, and is applied once", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.leader);
  const old = cluster.leader;
  const oldId = nodeIdOf(old.id);
  const [follower] = [1, 2, 3].filter((id) => id !== oldId)
    .map((id) => cluster.node(id));
  const linkOf = (): boolean | undefined =>
    follower!.cluster().members.find(({ id }) => id === old.id)?.connected;

  cluster.silent.add(oldId);
  const written = write(follower!, 5_000);
  await until("another leader", () => {
    const { leader } = follower!.cluster();
    return leader !== null && leader !== old.id;
  });
  // Nothing but the new leader tells that the old one will not answer.
  await written;
  assert.equal(linkOf(), true, "the link to the old leader broke");
  assert.equal(await writesSeen(follower!), 2);
  cluster.silent.delete(oldId);
});

Deno.test("a write that was taken before its leader fell silent is applied once, whoever answers", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  const oldId = nodeIdOf(cluster.leader.id);
  const [follower] = [1, 2, 3].filter((id) => id !== oldId)
    .map((id) => cluster.node(id));
  await write(follower!);
  const writes = Array.from({ length: 50 }, () => write(follower!));
  // Some of them are proposed, replicated or even committed by now.
  await new Promise((resolve) => setTimeout(resolve, 1));
  cluster.silent.add(oldId);
  await Promise.all(writes);
  cluster.silent.delete(oldId);
  assert.equal(await writesSeen(follower!), 51);
});
