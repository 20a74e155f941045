import assert from "node:assert/strict";
import { memberIdOf } from "../../src/node/volume/identity.ts";
import type { HiqliteNode } from "../../src/node/node.ts";
import type { WriteAnswer } from "../../src/node/port.ts";
import { Cluster, until, write, writesSeen } from "./cluster.ts";

Deno.test("a member that lost its volume comes back as a voter by itself", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  for (let i = 0; i < 20; i++) await write(cluster.node(1));
  const old = cluster.node(3).id;
  await cluster.stop(3);
  cluster.wipe(3);
  const back = cluster.start(3);
  assert.notEqual(back.id, old);
  await back.whenReady(60_000);
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
  await back.whenReady(60_000);
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
  await back.whenReady(60_000);
  assert.equal(await writesSeen(back), 6);
}

/** A copy of node 3's volume from before its last start, and five writes ago. */
async function oldVolume(
  cluster: Cluster,
): Promise<ReturnType<Cluster["backup"]>> {
  await cluster.stop(3);
  const copy = cluster.backup(3);
  await cluster.start(3).whenReady(60_000);
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
  await back.whenReady(60_000);
  assert.equal(await writesSeen(back), 6);
}

/** Starts a node again as if it had never heard of the others' starts. */
async function forgetStarts(cluster: Cluster, id: number): Promise<void> {
  await cluster.stop(id);
  const { witnessed: _, ...identity } = cluster.volume(id).identity;
  cluster.volume(id).save(identity);
  await cluster.start(id).whenReady(60_000);
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

Deno.test("members that promise less from now on (log_sync) keep what they have", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await cluster.node(1).transferLeadership(1);
  for (let i = 0; i < 5; i++) await write(cluster.node(1));
  const ids = [2, 3].map((id) => cluster.node(id).id);
  for (const id of [2, 3]) await cluster.stop(id);
  for (const id of [2, 3]) {
    cluster.start(id, { logSync: { mode: "immediate_async" } });
  }
  for (const id of [1, 2, 3]) await cluster.node(id).whenReady(60_000);
  assert.deepEqual([2, 3].map((id) => cluster.node(id).id), ids);
  assert.equal(await writesSeen(cluster.node(2)), 5);
});

Deno.test("a volume from before the formation of its cluster does not take part", async () => {
  await using cluster = new Cluster(3);
  cluster.start(3);
  await until(
    "a progress line",
    () => cluster.lines.some((line) => line.includes("waiting for node")),
  );
  const copy = cluster.backup(3);
  assert.equal(copy.identity.phase, "new");
  for (const id of [1, 2]) cluster.start(id);
  for (const id of [1, 2, 3]) await cluster.node(id).whenReady(60_000);
  const remembered = (id: number): unknown =>
    cluster.volume(id).identity.witnessed?.[3];
  await until("witnesses", () => !!remembered(1) && !!remembered(2));
  for (let i = 0; i < 6; i++) await write(cluster.node(1));
  await cluster.stop(3);
  cluster.restore(3, copy);
  await assertReplacedUnheard(cluster.start(3));
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
  await back.whenReady(60_000);
  assert.equal(back.id, old, "recognised before anybody could know");
  return back;
}

/** Waits until node 2, which alone says that node 3 is an old copy, is heard and moved nothing. */
async function doubted(cluster: Cluster, node: HiqliteNode): Promise<void> {
  const old = node.id;
  await until(
    "the doubt",
    () =>
      cluster.lines.some((line) =>
        /^3: node 2 says that this member's data is an old copy .*no majority of the voters says so: this member goes on and keeps its data/
          .test(line)
      ),
  );
  assert.equal(node.id, old);
  assert.equal(node.ready().ok, true);
}

Deno.test("a volume put back that only a member met later remembers is kept, until the leader says the same", async () => {
  await using cluster = new Cluster(3);
  const back = await takePartForgotten(cluster);
  const old = back.id;
  cluster.network.heal(2, 3);
  await doubted(cluster, back);
  await cluster.node(1).transferLeadership(2);
  await until("a new incarnation", () => back.id !== old);
  await back.whenReady(60_000);
  assert.equal(await writesSeen(back), 6);
});

Deno.test("a volume put back is recognised also after more starts than were forgotten", async () => {
  await using cluster = new Cluster(3);
  const old = (await takePartForgotten(cluster)).id;
  await cluster.stop(3);
  const back = cluster.start(3);
  await back.whenReady(60_000);
  assert.equal(back.id, old, "recognised before anybody could know");
  // So that its log is as long as the others' again.
  await write(back);
  cluster.network.heal(2, 3);
  await doubted(cluster, back);
  await cluster.node(1).transferLeadership(2);
  await until("a new incarnation", () => back.id !== old);
  await back.whenReady(60_000);
  assert.equal(await writesSeen(back), 7);
});

Deno.test("an old volume put back does not take part because those who forgot answer first", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.node(1));
  const copy = await oldVolume(cluster);
  await cluster.stop(3);
  await forgetStarts(cluster, 1);
  // The word of one who does not lead keeps it out; the leader's replaces it.
  await cluster.node(1).transferLeadership(2);
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
  await cluster.start(3).whenReady(60_000);
  await cluster.stop(3);
  // As if its disk had only been out of reach: nothing of it is forgotten.
  cluster.restore(3, volume);
  const back = cluster.start(3);
  await back.whenReady(60_000);
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
  await cluster.start(1).whenReady(60_000);
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
  await node.whenReady(60_000);
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
  await cluster.node(2).whenReady(60_000);
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
  await wrong.whenReady(60_000);
  assert.equal(await writesSeen(wrong), 5);
  assert.equal(cluster.leader.cluster().members.length, 3);
});
