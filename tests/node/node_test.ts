import assert from "node:assert/strict";
import type { HiqliteNode } from "../../src/node/node.ts";
import type { WriteAnswer } from "../../src/node/port.ts";
import { HiqliteError } from "../../src/errors.ts";
import { memberIdOf } from "../../src/node/identity.ts";
import { recoverCluster } from "../../src/node/recover.ts";
import { Cluster, until } from "./cluster.ts";

function write(node: HiqliteNode, timeoutMs = 5_000): Promise<WriteAnswer> {
  return node.write({
    body: { kind: "execute", statement: { sql: "x" } },
    timeoutMs,
  });
}

async function writesSeen(node: HiqliteNode): Promise<unknown> {
  const { rows } = await node.query({
    sql: "",
    consistency: "linearizable",
  });
  return rows[0]![0];
}

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
  await cluster.start(3).whenReady(10_000);
  await cluster.node(1).whenReady(10_000);
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

Deno.test("a member that lost its volume comes back as a voter by itself", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  for (let i = 0; i < 20; i++) await write(cluster.node(1));
  const old = cluster.node(3).id;
  await cluster.stop(3);
  cluster.wipe(3);
  const back = cluster.start(3);
  assert.notEqual(back.id, old);
  await back.whenReady(10_000);
  assert.equal(await writesSeen(back), 20);
  const { members } = cluster.leader.cluster();
  assert.equal(members.length, 3);
  assert.equal(members.some(({ id }) => id === old), false);
});

Deno.test("a member that lost only its log does not vote under its old incarnation", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.node(1));
  const old = cluster.node(2).id;
  await cluster.stop(2);
  cluster.loseLog(2);
  const back = cluster.start(2);
  assert.notEqual(back.id, old);
  await back.whenReady(10_000);
  assert.equal(await writesSeen(back), 1);
});

/** Puts an old copy of node 3's volume back, from before the last five of six writes. */
async function assertRecognised(
  cluster: Cluster,
  copy: ReturnType<Cluster["backup"]>,
): Promise<void> {
  const old = cluster.node(3).id;
  await cluster.stop(3);
  cluster.restore(3, copy);
  const back = cluster.start(3);
  await until("a new incarnation", () => back.id !== old);
  await back.whenReady(10_000);
  assert.equal(await writesSeen(back), 6);
}

/** A copy of node 3's volume from before its last start, and five writes ago. */
async function oldVolume(
  cluster: Cluster,
): Promise<ReturnType<Cluster["backup"]>> {
  await cluster.stop(3);
  const copy = cluster.backup(3);
  await cluster.start(3).whenReady(10_000);
  for (let i = 0; i < 5; i++) await write(cluster.node(1));
  return copy;
}

/** A member on an old volume becomes a new incarnation without having taken part; it was just started. */
async function assertReplacedUnheard(back: HiqliteNode): Promise<void> {
  const old = back.id;
  await until("a new incarnation", () => {
    assert.ok(back.id !== old || back.cluster().term === 0, "it took part");
    return back.id !== old;
  });
  await back.whenReady(10_000);
  assert.equal(await writesSeen(back), 6);
}

/** Starts a node again as if it had never heard of the others' starts. */
async function forgetStarts(cluster: Cluster, id: number): Promise<void> {
  await cluster.stop(id);
  const { witnessed: _, ...identity } = cluster.volume(id).identity;
  cluster.volume(id).save(identity);
  await cluster.start(id).whenReady(10_000);
}

/** Waits for the rebuild of a running node and holds it, its volume closed, until `meanwhile` is over. */
async function holdRebuild(
  volume: ReturnType<Cluster["volume"]>,
  meanwhile: () => Promise<void>,
): Promise<void> {
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const startOver = volume.startOver.bind(volume);
  volume.startOver = async () => {
    volume.closed = true;
    begun.resolve();
    await held.promise;
    volume.closed = false;
    await startOver();
  };
  await begun.promise;
  try {
    await meanwhile();
  } finally {
    held.resolve();
  }
}

Deno.test("an old volume put back is recognised and replaced", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.node(1));
  const copy = await oldVolume(cluster);
  await assertRecognised(cluster, copy);
});

Deno.test("a volume copied from a running member and put back is recognised by its log", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.node(1));
  const copy = cluster.backup(3);
  for (let i = 0; i < 5; i++) await write(cluster.node(1));
  // A report to two witnesses asks for the hashes two or three times; the next one begins when the last is answered.
  const { machine } = cluster.volume(3);
  const before = machine.reports;
  await until("two more reports", () => machine.reports >= before + 7);
  await assertRecognised(cluster, copy);
});

Deno.test("a volume that lost the last acknowledged writes, and nothing else, is recognised by the leader", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await cluster.node(1).transferLeadership(1);
  await write(cluster.node(1));
  const { machine } = cluster.volume(3);
  const before = machine.reports;
  await until("a report", () => machine.reports > before);
  // Until the next report, a second later, only the leader knows that there is more.
  const copy = cluster.backup(3);
  for (let i = 0; i < 5; i++) await write(cluster.node(1));
  await assertRecognised(cluster, copy);
});

/** Puts an old volume back on node 3 while only node 2 remembers more, which node 3 cannot reach. */
async function takePartForgotten(cluster: Cluster): Promise<HiqliteNode> {
  await cluster.startAll();
  await write(cluster.node(1));
  const copy = await oldVolume(cluster);
  await cluster.stop(3);
  // Node 2, which heard of node 3's last start, is out of its reach.
  await forgetStarts(cluster, 1);
  await cluster.node(1).transferLeadership(1);
  cluster.network.cut(2, 3);
  cluster.restore(3, copy);
  const back = cluster.start(3);
  const old = back.id;
  await back.whenReady(10_000);
  assert.equal(back.id, old, "recognised before anybody could know");
  return back;
}

Deno.test("a volume put back that only a member met later remembers is rebuilt", async () => {
  await using cluster = new Cluster(3);
  const back = await takePartForgotten(cluster);
  const old = back.id;
  cluster.network.heal(2, 3);
  await until("a new incarnation", () => back.id !== old);
  await back.whenReady(10_000);
  assert.equal(await writesSeen(back), 6);
});

Deno.test("a volume put back is recognised also after more starts than were forgotten", async () => {
  await using cluster = new Cluster(3);
  const old = (await takePartForgotten(cluster)).id;
  await cluster.stop(3);
  const back = cluster.start(3);
  await back.whenReady(10_000);
  assert.equal(back.id, old, "recognised before anybody could know");
  // So that its log is as long as the others' again.
  await write(back);
  cluster.network.heal(2, 3);
  await until("a new incarnation", () => back.id !== old);
  await back.whenReady(10_000);
  assert.equal(await writesSeen(back), 7);
});

Deno.test("an old volume put back does not take part because those who forgot answer first", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.node(1));
  const copy = await oldVolume(cluster);
  await cluster.stop(3);
  await forgetStarts(cluster, 1);
  cluster.network.cut(2, 3);
  cluster.restore(3, copy);
  // Longer ticks make it wait longer than this test takes.
  const back = cluster.start(3, { tickMs: 50 });
  await until("node 1 was asked", () => copy.machine.reports >= 2);
  await new Promise((resolve) => setTimeout(resolve, 100));
  cluster.network.heal(2, 3);
  await assertReplacedUnheard(back);
});

Deno.test("an old volume of a member that was still joining does not take part", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.node(1));
  const copy = await oldVolume(cluster);
  copy.save({ ...copy.identity, phase: "joining" });
  await cluster.stop(3);
  cluster.restore(3, copy);
  const back = cluster.start(3);
  await assertReplacedUnheard(back);
});

Deno.test("a member whose place another incarnation took asks to be let in again", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.node(1));
  await cluster.stop(3);
  const volume = cluster.volume(3);
  cluster.wipe(3);
  await cluster.start(3).whenReady(10_000);
  await cluster.stop(3);
  // As if its disk had only been out of reach: nothing of it is forgotten.
  cluster.restore(3, volume);
  const back = cluster.start(3);
  await back.whenReady(10_000);
  assert.equal(await writesSeen(back), 1);
  assert.equal(cluster.leader.cluster().members.length, 3);
});

Deno.test("a member that none of the voters it remembers can confirm takes part on a leader's word", async () => {
  await using cluster = new Cluster(4);
  await cluster.startAll();
  await cluster.node(4).transferLeadership(4);
  await cluster.stop(1);
  const volume = cluster.volume(1);
  // All it remembers is a cluster of nodes that are no more.
  volume.machine.config = {
    ...volume.machine.config,
    voters: [
      memberIdOf(volume.identity),
      "7.00000000000000aa",
      "8.00000000000000bb",
      "9.00000000000000cc",
    ],
  };
  volume.log.reset(volume.machine.applied);
  volume.log.sync(() => {});
  volume.log = volume.log.crash();
  await cluster.start(1).whenReady(10_000);
});

Deno.test("a write that is answered while its member is rebuilt is answered", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  const node = [1, 2, 3].map((id) => cluster.node(id))
    .find((node) => node !== cluster.leader)!;
  await write(node);
  const volume = cluster.volume(Number(node.id[0]));
  const begun: Promise<WriteAnswer>[] = [];
  const { machine } = volume;
  // The last look at the hashes comes right before the rebuild.
  machine.stateHashes = () => {
    begun.push(write(node));
    return [{ index: machine.applied.index, hash: 7 }];
  };
  await holdRebuild(volume, async () => {
    for (const { result } of await Promise.all(begun)) assert.ok(result.ok);
  });
  await node.whenReady(10_000);
});

Deno.test("a member whose rebuild takes long goes on", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.node(1));
  const volume = cluster.volume(2);
  volume.machine.hash = 7;
  // Long enough for a complaint about the missing leader to be due.
  await holdRebuild(
    volume,
    () => new Promise((resolve) => setTimeout(resolve, 1_500)),
  );
  await cluster.node(2).whenReady(10_000);
});

Deno.test("an old volume put back while all members were down is recognised and replaced", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  const copy = await oldVolume(cluster);
  const old = cluster.node(3).id;
  const known = () =>
    [1, 2].every((id) =>
      cluster.volume(id).identity.witnessed?.[3]?.boot === 2
    );
  await until("both others know of the second start", known);
  await Promise.all([cluster.stop(1), cluster.stop(2), cluster.stop(3)]);
  cluster.restore(3, copy);
  await cluster.startAll();
  assert.notEqual(cluster.node(3).id, old);
  assert.equal(await writesSeen(cluster.node(3)), 5);
});

Deno.test("a member whose state differs from the majority's is rebuilt", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  for (let i = 0; i < 5; i++) await write(cluster.node(1));
  const wrong = cluster.node(2);
  const { id } = wrong;
  cluster.volume(2).machine.hash = 7;
  await until("a new incarnation", () => wrong.id !== id);
  await wrong.whenReady(10_000);
  assert.equal(await writesSeen(wrong), 5);
  assert.equal(cluster.leader.cluster().members.length, 3);
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
  await Promise.all([1, 2, 3].map((id) => cluster.node(id).whenReady(10_000)));
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

Deno.test("changeMembership() of a node nobody knows names it", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await assert.rejects(
    cluster.node(2).changeMembership({ action: "remove", nodeId: 9 }),
    {
      code: "invalid",
      message: "node 9 is not a member: members are the nodes 1, 2, 3",
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
  await cluster.start(2).whenReady(10_000);
  assert.equal(await writesSeen(cluster.node(2)), 5);
  for (const id of [1, 3]) await cluster.start(id).whenReady(10_000);
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
      /^(# (HELP|TYPE) hiqlite_\w+ .+|hiqlite_\w+ \d+(\.\d+)?)$/,
    );
  }
  assert.match(text, /^hiqlite_is_leader 1$/m);
  assert.match(text, /^hiqlite_raft_members_connected 3$/m);
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
  await cluster.start(3).whenReady(10_000);
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
  await cluster.start(2).whenReady(10_000);
  assert.equal(await writesSeen(cluster.node(2)), 10);
});
