import assert from "node:assert/strict";
import { HiqliteError } from "../../src/errors.ts";
import { recoverCluster } from "../../src/node/volume/recover.ts";
import { Cluster, until, write, writesSeen } from "./cluster.ts";

Deno.test("start() of three new members forms one cluster without manual steps", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  const ids = [1, 2, 3].map((id) => cluster.node(id).cluster().clusterId);
  assert.equal(new Set(ids).size, 1);
  assert.notEqual(ids[0], "");
  assert.equal(cluster.leader.cluster().members.length, 3);
});

Deno.test("start() forms no cluster while a configured voter is unreachable", async () => {
  await using cluster = new Cluster(3);
  cluster.start(1);
  cluster.start(2);
  await until(
    "a progress line",
    () => cluster.lines.some((line) => line.includes("waiting for node 3")),
  );
  assert.equal(cluster.node(1).cluster().clusterId, "");
  assert.equal(cluster.node(1).ready().ok, false);
  await cluster.start(3).whenReady(60_000);
  await cluster.node(1).whenReady(60_000);
});

Deno.test("start() of a single member needs nobody", async () => {
  await using cluster = new Cluster(1);
  await cluster.startAll();
  await write(cluster.node(1));
  assert.equal(await writesSeen(cluster.node(1)), 1);
});

Deno.test("write() on a follower goes to the leader and is applied there when it returns", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  for (const id of [1, 2, 3]) {
    const { index } = await write(cluster.node(id));
    assert.ok(cluster.node(id).cluster().appliedIndex >= index);
  }
  for (const id of [1, 2, 3]) {
    assert.equal(await writesSeen(cluster.node(id)), 3);
  }
});

Deno.test("write() on a follower that cannot apply it is answered when its time is over", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  const leaderId = Number(cluster.leader.cluster().self[0]);
  const id = leaderId === 1 ? 2 : 1;
  await write(cluster.node(id));
  const { machine } = cluster.volume(id);
  const apply = machine.apply.bind(machine);
  const held: (() => void)[] = [];
  machine.apply = (...batch) => void held.push(() => apply(...batch));
  const begun = performance.now();
  let index = 0;
  write(cluster.node(id), 300).then((answer) => index = answer.index);
  await until("an answer", () => index > 0);
  const waited = performance.now() - begun;
  assert.ok(waited >= 250, `${waited} ms`);
  assert.ok(cluster.node(id).cluster().appliedIndex < index);
  assert.ok(cluster.node(leaderId).cluster().appliedIndex >= index);
  machine.apply = apply;
  for (const run of held) run();
});

Deno.test("write() survives a leader that is cut off, and applies once", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  const leader = cluster.leader.cluster().self;
  const leaderId = Number(leader[0]);
  const [a, b] = [1, 2, 3].filter((id) => id !== leaderId) as [number, number];
  await write(cluster.node(a));
  const writes = Array.from({ length: 50 }, () => write(cluster.node(a)));
  cluster.network.cut(leaderId, a);
  cluster.network.cut(leaderId, b);
  await Promise.all(writes);
  assert.equal(await writesSeen(cluster.node(b)), 51);
  cluster.network.heal(leaderId, a);
  cluster.network.heal(leaderId, b);
  await until(
    "the old leader follows",
    () => cluster.node(leaderId).cluster().leader !== leader,
  );
  assert.equal(await writesSeen(cluster.node(leaderId)), 51);
});

Deno.test("write() without a majority says in time that nothing was applied or that it is unknown", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.node(1));
  await Promise.all([cluster.stop(2), cluster.stop(3)]);
  const error = await write(cluster.node(1), 600).then(
    () => assert.fail("applied without a majority"),
    (error) => error,
  );
  assert.ok(error instanceof HiqliteError);
  assert.ok(["no_leader", "outcome_unknown"].includes(error.code), error.code);
});

Deno.test("a cluster without a majority that remembers stays down", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.node(1));
  await Promise.all([cluster.stop(1), cluster.stop(2), cluster.stop(3)]);
  cluster.wipe(1);
  cluster.wipe(2);
  for (const id of [1, 2, 3]) cluster.start(id);
  await new Promise((resolve) => setTimeout(resolve, 600));
  for (const id of [1, 2, 3]) assert.equal(cluster.node(id).ready().ok, false);
});

Deno.test("all members can be restarted at once, in any order", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.node(2));
  await Promise.all([1, 2, 3].map((id) => cluster.stop(id)));
  for (const id of [3, 1, 2]) cluster.start(id);
  await Promise.all([1, 2, 3].map((id) => cluster.node(id).whenReady(60_000)));
  assert.equal(await writesSeen(cluster.node(2)), 1);
});

Deno.test("shutdown() of the leader moves leadership first", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  const { leader, term } = cluster.leader.cluster();
  const id = Number(leader![0]);
  const other = cluster.node(id === 1 ? 2 : 1);
  await cluster.stop(id);
  const now = other.cluster();
  assert.equal(now.term, term + 1, "one election, no timeout");
  assert.notEqual(now.leader, leader);
});

Deno.test("shutdown() refuses what comes later", async () => {
  await using cluster = new Cluster(1);
  await cluster.startAll();
  const node = cluster.node(1);
  await cluster.stop(1);
  await assert.rejects(write(node), { code: "shutting_down" });
  assert.equal(node.ready().ok, false);
});

Deno.test("§1.5 transferLeadership() moves leadership to the named node, asked of any member", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  for (const target of [2, 3, 1]) {
    await cluster.node(3).transferLeadership(target);
    assert.equal(cluster.leader.id, cluster.node(target).id);
  }
});

Deno.test("§1.4 changeMembership() demotes, removes and adds, asked of any member", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await cluster.node(1).transferLeadership(1);
  const roles = () =>
    cluster.node(1).cluster().members.map(({ nodeId, role }) =>
      `${nodeId} ${role}`
    ).sort();
  await cluster.node(2).changeMembership({ action: "demote", nodeId: 3 });
  assert.deepEqual(roles(), ["1 leader", "2 voter", "3 learner"]);
  await cluster.node(2).changeMembership({ action: "promote", nodeId: 3 });
  assert.deepEqual(roles(), ["1 leader", "2 voter", "3 voter"]);
  await cluster.node(1).changeMembership({ action: "remove", nodeId: 3 });
  assert.deepEqual(roles(), ["1 leader", "2 voter"]);
  await cluster.node(1).changeMembership({ action: "add-learner", nodeId: 3 });
  assert.deepEqual(roles(), ["1 leader", "2 voter", "3 learner"]);
});

Deno.test("a removed member says so, also after a restart, until it is added again", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  const removed = (): boolean =>
    /was removed from the cluster/.test(cluster.node(3).ready().detail) &&
    !cluster.node(3).health().ok;
  await cluster.node(1).changeMembership({ action: "remove", nodeId: 3 });
  await until("node 3 says that it was removed", removed);
  await cluster.stop(3);
  cluster.start(3);
  await until("node 3 says so again", removed);
  const lines = cluster.lines.filter((line) => /^3: .*removed/.test(line));
  assert.ok(lines.length >= 2, lines.join("\n"));
  await cluster.node(1).changeMembership({ action: "add-learner", nodeId: 3 });
  await cluster.node(1).changeMembership({ action: "promote", nodeId: 3 });
  await cluster.node(3).whenReady(60_000);
});

Deno.test("changeMembership() of a node nobody knows names it", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await assert.rejects(
    cluster.node(2).changeMembership({ action: "remove", nodeId: 9 }),
    {
      code: "invalid",
      message: "Node 9 is not a member: members are the nodes 1, 2, 3",
    },
  );
});

Deno.test("§1.3 with lease_reads a read on any member sees what was written before, also after a change of leaders", async () => {
  await using cluster = new Cluster(3, { leaseReads: true });
  await cluster.startAll();
  for (let writes = 1; writes <= 6; writes++) {
    await write(cluster.node(writes % 3 + 1));
    for (const id of [1, 2, 3]) {
      const { rows } = await cluster.node(id).query({
        sql: "",
        consistency: "linearizable",
      });
      assert.deepEqual(rows, [[writes]], `on node ${id}`);
    }
    if (writes % 2 === 0) await cluster.node(1).transferLeadership();
  }
});

Deno.test("changeMembership() refuses an address that is none before it asks anybody", async () => {
  await using cluster = new Cluster(1);
  await cluster.startAll();
  await assert.rejects(
    cluster.node(1).changeMembership({
      action: "add-learner",
      nodeId: 2,
      raftAddress: "nonsense",
    }),
    { code: "invalid", message: /^raftAddress: .*"nonsense"$/ },
  );
});

Deno.test("recoverCluster() makes a new cluster of what one member has applied; the others join it empty", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  for (let i = 0; i < 5; i++) await write(cluster.node(2));
  const { clusterId } = cluster.node(2).cluster();
  for (const id of [1, 2, 3]) await cluster.stop(id);
  cluster.wipe(1);
  cluster.wipe(3);
  const { newClusterId } = await recoverCluster(cluster.volume(2), clusterId);
  assert.notEqual(newClusterId, clusterId);
  await cluster.start(2).whenReady(60_000);
  assert.equal(await writesSeen(cluster.node(2)), 5);
  for (const id of [1, 3]) await cluster.start(id).whenReady(60_000);
  await write(cluster.node(1));
  assert.equal(await writesSeen(cluster.node(3)), 6);
});

Deno.test("recoverCluster() asks for the id of the cluster that is given up", async () => {
  await using cluster = new Cluster(1);
  await cluster.startAll();
  const { clusterId } = cluster.node(1).cluster();
  await cluster.stop(1);
  await assert.rejects(recoverCluster(cluster.volume(1), "yes"), {
    code: "conflict",
    message: `To give up cluster ${clusterId}, confirm with its id`,
  });
});

Deno.test("without a majority the members say who is missing and what can be done", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await Promise.all([1, 2, 3].map((id) => cluster.stop(id)));
  cluster.start(1);
  await until(
    "a report",
    () =>
      cluster.lines.some((line) =>
        line.startsWith("1: no leader: node 1 is this one") &&
        line.includes("node 2 cannot be reached") &&
        line.includes("hiqlite cluster recover")
      ),
  );
});

Deno.test("metrics() is in Prometheus' text format and tells who leads", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.leader);
  const text = cluster.leader.metrics();
  for (const line of text.trimEnd().split("\n")) {
    assert.match(
      line,
      /^(# (HELP|TYPE) hiqlite_\w+ .+|hiqlite_\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? \d+(\.\d+)?(e-\d+)?)$/,
    );
  }
  const types = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
  assert.deepEqual(types, [...new Set(types)], "each name has one type");
  assert.match(text, /^hiqlite_is_leader{group="db"} 1$/m);
  assert.match(text, /^hiqlite_raft_members_connected{group="db"} 3$/m);
  assert.match(text, /^hiqlite_ready 1$/m);
});

Deno.test("members that lost the file that says whose their data is form no cluster, and say what can be done", async () => {
  await using cluster = new Cluster(3);
  const volume = cluster.volume(2);
  volume.save({ ...volume.identity, forgot: true });
  for (const id of [1, 2, 3]) cluster.start(id);
  await until(
    "a complaint",
    () => cluster.lines.some((line) => line.includes("no cluster is formed")),
  );
  assert.ok(
    [1, 2, 3].every((id) => cluster.node(id).cluster().clusterId === ""),
  );
});

Deno.test("a member that lost its identity joins the cluster that the others are", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await cluster.stop(3);
  cluster.wipe(3);
  const volume = cluster.volume(3);
  volume.save({ ...volume.identity, forgot: true });
  await cluster.start(3).whenReady(60_000);
  assert.equal(cluster.volume(3).identity.forgot, undefined);
});

Deno.test("recoverCluster() keeps entries that were not applied yet: they may have been acknowledged", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  for (let i = 0; i < 5; i++) await write(cluster.node(2));
  const { clusterId } = cluster.node(2).cluster();
  const machine = cluster.volume(2).machine.fork();
  for (let i = 0; i < 5; i++) await write(cluster.node(2));
  for (const id of [1, 2, 3]) await cluster.stop(id);
  cluster.volume(2).machine = machine;
  // Five writes, and the empty entry of a successor if the leader was stopped first.
  const pending = cluster.volume(2).log.last.index - machine.applied.index;
  assert.ok(pending >= 5);
  const recovery = await recoverCluster(cluster.volume(2), clusterId);
  assert.equal(recovery.pendingEntries, pending);
  await cluster.start(2).whenReady(60_000);
  assert.equal(await writesSeen(cluster.node(2)), 10);
});
