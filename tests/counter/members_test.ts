import assert from "node:assert/strict";
import type { NodeConfig } from "../../src/config/types.ts";
import type { GroupOptions } from "../../src/group/ports.ts";
import type { HiqliteNode } from "../../src/node/node.ts";
import type { HostedGroup } from "../../src/node/groups/hosted_group.ts";
import { startIdOf } from "../../src/node/volume/identity.ts";
import { encodeMessage } from "../../src/network/raft_codec.ts";
import { membersOf } from "../../src/raft/configuration.ts";
import {
  NO_CONFIGURATION,
  type NodeId,
  nodeIdOf,
} from "../../src/raft/types.ts";
import { SeededRandom } from "../../src/util/random.ts";
import { Cluster, until, write } from "../node/cluster.ts";
import { add, COUNTER_GROUP, CounterSpec } from "./spec.ts";

const NODES = [1, 2, 3];

/** Members with the counter beside their durable group. */
class Counters implements AsyncDisposable {
  readonly cluster: Cluster;
  /** As each node was started last. */
  readonly specs = new Map<NodeId, CounterSpec>();

  constructor(
    size = 3,
    { hosts = () => true, config = {}, options = {} }: {
      hosts?: (id: NodeId) => boolean;
      config?: Partial<NodeConfig>;
      options?: Partial<GroupOptions>;
    } = {},
  ) {
    this.cluster = new Cluster(size, config, (id) => {
      if (!hosts(id)) return {};
      const spec = new CounterSpec({ electionMs: 100, ...options });
      this.specs.set(id, spec);
      return { following: [spec] };
    });
  }

  static async started(
    ...args: ConstructorParameters<typeof Counters>
  ): Promise<Counters> {
    const counters = new Counters(...args);
    await counters.cluster.startAll();
    return counters;
  }

  node(id: NodeId): HiqliteNode {
    return this.cluster.node(id);
  }

  hosted(id: NodeId): HostedGroup {
    return this.node(id).hosted(COUNTER_GROUP)!;
  }

  add(id: NodeId, n: number): Promise<number> {
    return add(this.hosted(id), n);
  }

  sum(id: NodeId): number {
    return this.specs.get(id)!.sum;
  }

  /** The node that leads the counter, as `id` sees it. */
  leader(id: NodeId): NodeId | null {
    const leader = this.hosted(id).group?.core.leader ?? null;
    return leader === null ? null : nodeIdOf(leader);
  }

  /** Makes a node the counter's leader. */
  async lead(id: NodeId): Promise<void> {
    await until(`node ${id} leads the counter`, () => {
      const from = this.leader(id);
      if (from === null || from === id) return from === id;
      this.hosted(from).group!.transferLeadership(this.hosted(id).self);
      return false;
    });
  }

  /** Has the durable group begin an epoch of the counter, with everybody. */
  async begin(number: number): Promise<void> {
    const ids = [...this.specs.keys()];
    const voters = ids.map((id) => {
      const start = BigInt(`0x${startIdOf(this.cluster.volume(id).identity)}`);
      const mark = (start ^ BigInt(number)).toString(16).padStart(16, "0");
      return `${id}.${mark}`;
    }).sort();
    const { refusal } = await this.node(ids[0]!).hosted(0)!.proposer.change({
      kind: "epoch",
      group: COUNTER_GROUP,
      epoch: { number, founding: { ...NO_CONFIGURATION, voters } },
    }, 5_000);
    assert.equal(refusal, null);
    await until(
      "all begin it",
      () => ids.every((id) => this.hosted(id).epoch === number),
    );
    await Promise.all(ids.map((id) => this.node(id).whenReady(60_000)));
  }

  /** The nodes of the counter group, as its leader has them. */
  members(): NodeId[] {
    const [id] = [...this.specs.keys()].filter((id) =>
      this.cluster.node(id)?.hosted(COUNTER_GROUP)?.group?.core.role ===
        "leader"
    );
    if (id === undefined) return [];
    return membersOf(this.hosted(id).group!.core.config).map(nodeIdOf);
  }

  /** Stops a node and starts it again on its volume: it forgets the counter. */
  async restart(id: NodeId): Promise<void> {
    await this.cluster.stop(id);
    await this.cluster.start(id).whenReady(60_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
  }
}

Deno.test("a group beside the durable one begins by itself, and adds through every member are exactly once", async () => {
  await using counters = await Counters.started();
  const { epochs } = counters.cluster.volume(1).machine.facts;
  const epoch = epochs.get(COUNTER_GROUP)!;
  assert.equal(epoch.number, 1);
  assert.deepEqual(epoch.founding.voters.map(nodeIdOf), NODES);
  const sums = await Promise.all(
    Array.from({ length: 150 }, (_, i) => counters.add(1 + i % 3, 1)),
  );
  assert.deepEqual(
    sums.toSorted((a, b) => a - b),
    Array.from({ length: 150 }, (_, i) => i + 1),
  );
  await until(
    "all counted",
    () => NODES.every((id) => counters.sum(id) === 150),
  );
  for (const id of NODES) {
    assert.equal(counters.specs.get(id)!.machines.length, 1);
  }
  await write(counters.node(2));
});

Deno.test("the groups' leaders may differ, and each group answers for itself", async () => {
  await using counters = await Counters.started();
  const { cluster } = counters;
  const durable = nodeIdOf(cluster.leader.id);
  const target = 1 + durable % 3;
  await counters.lead(target);
  assert.equal(nodeIdOf(cluster.leader.id), durable);
  await Promise.all(NODES.map((id) => counters.add(id, 1)));
  await Promise.all(NODES.map((id) => write(counters.node(id))));
  const { leader, self, groups } = counters.node(durable).cluster();
  assert.equal(leader, self);
  assert.deepEqual(groups.map(({ name }) => name), ["db", "counter"]);
  const [db, counter] = groups;
  assert.equal(db!.leader, leader);
  assert.equal(nodeIdOf(counter!.leader!), target);
  assert.deepEqual(
    counter!.members.map(({ nodeId, connected }) => [nodeId, connected]),
    NODES.map((id) => [id, true]),
  );
  const metrics = counters.node(target).metrics();
  assert.match(metrics, /hiqlite_is_leader\{group="db"\} 0/);
  assert.match(metrics, /hiqlite_is_leader\{group="counter"\} 1/);
  assert.match(metrics, /hiqlite_raft_members\{group="counter"\} 3/);
  assert.match(metrics, /hiqlite_frames_dropped_total 0/);
});

Deno.test("whoever stops hands over both groups, and calls under way find their fate", async () => {
  await using counters = await Counters.started();
  const { cluster } = counters;
  const leader = nodeIdOf(cluster.leader.id);
  await counters.lead(leader);
  const other = 1 + leader % 3;
  const term = counters.hosted(other).group!.core.term;
  const adds = Array.from({ length: 30 }, () => counters.add(leader, 1));
  const stopping = cluster.stop(leader);
  await Promise.all(adds);
  await stopping;
  assert.notEqual(counters.leader(other), leader);
  assert.equal(counters.hosted(other).group!.core.term, term + 1);
  await counters.add(other, 1);
  assert.equal(await counters.add(other, 0), 31);
});

Deno.test("a member is ready only when it votes in every group it hosts", async () => {
  await using counters = new Counters();
  const { cluster } = counters;
  cluster.start(1);
  assert.match(counters.node(1).ready().detail, /^not in a cluster yet/);
  cluster.start(2);
  cluster.start(3);
  await Promise.all(NODES.map((id) => cluster.node(id).whenReady(60_000)));
  const durable = nodeIdOf(cluster.leader.id);
  const [stopped, leader] = NODES.filter((id) => id !== durable) as [
    NodeId,
    NodeId,
  ];
  await counters.lead(leader);
  await cluster.stop(stopped);
  // Whoever leads the counter learns nothing of the new process.
  cluster.network.cut(stopped, leader);
  cluster.start(stopped);
  const node = cluster.node(stopped);
  await until(
    "only the counter is missing",
    () => node.ready().detail.startsWith("group counter: "),
  );
  assert.match(node.metrics(), /hiqlite_ready 0/);
  assert.equal(node.health().ok, true);
  cluster.network.heal(stopped, leader);
  await node.whenReady(60_000);
});

Deno.test("a restarted member is another one that takes the dead one's place, and nothing acknowledged is lost over 20 restarts", async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = new SeededRandom(seed);
  await using counters = await Counters.started(3, {
    // Little is kept, so that some catch up by a snapshot and some from the log.
    options: { retainEntries: 40, checkpointEntries: 20 },
  });
  let acknowledged = 0;
  let installed = 0;
  for (let round = 0; round < 20; round++) {
    const adds = random.uint32() % 2 === 0 ? 5 : 100;
    await Promise.all(Array.from(
      { length: adds },
      () => counters.add(1 + random.uint32() % 3, 1),
    ));
    acknowledged += adds;
    const id = 1 + random.uint32() % 3;
    const before = counters.hosted(id).self;
    const restarting = counters.restart(id);
    const other = 1 + id % 3;
    await Promise.all([0, 0, 0].map(() => counters.add(other, 1)));
    acknowledged += 3;
    await restarting;
    const { self, group } = counters.hosted(id);
    assert.notEqual(self, before, `seed ${seed}`);
    assert.ok(group!.core.config.voters.includes(self), `seed ${seed}`);
    assert.ok(!membersOf(group!.core.config).includes(before), `seed ${seed}`);
    assert.equal(await counters.add(id, 0), acknowledged, `seed ${seed}`);
    if (group!.log.base.index > 0) installed++;
  }
  await until(
    `all counted, seed ${seed}`,
    () => NODES.every((id) => counters.sum(id) === acknowledged),
  );
  assert.ok(installed > 0, `nobody caught up by a snapshot, seed ${seed}`);
  assert.deepEqual(counters.members(), NODES);
});

Deno.test("members that stop leave the group to those that stay, down to the last one, which has everything", async () => {
  await using counters = await Counters.started();
  const { cluster } = counters;
  assert.equal(await counters.add(1, 5), 5);
  await counters.lead(3);
  await cluster.stop(3);
  assert.deepEqual(counters.members(), [1, 2]);
  await cluster.stop(2);
  assert.deepEqual(counters.members(), [1]);
  // Most members of the durable group are gone, and nobody's vote is missed here.
  assert.equal(await counters.add(1, 1), 6);
  for (const id of [2, 3]) cluster.start(id);
  for (const id of [2, 3]) await counters.node(id).whenReady(60_000);
  assert.equal(await counters.add(3, 1), 7);
  assert.equal(counters.hosted(3).epoch, 1);
});

Deno.test("a member that leaves the durable group leaves the counter, and one that joins joins it", async () => {
  await using counters = await Counters.started();
  const { cluster } = counters;
  await counters.add(1, 5);
  for (const id of [counters.leader(1)!, 1 + counters.leader(1)! % 3]) {
    const other = NODES.find((node) => node !== id)!;
    await counters.node(other).changeMembership({
      action: "remove",
      nodeId: id,
    });
    await until(`${id} is gone`, () => {
      const members = counters.members();
      return members.length === 2 && !members.includes(id);
    });
    await counters.add(other, 1);
    await cluster.stop(id);
    cluster.wipe(id);
    await cluster.start(id).whenReady(60_000);
    assert.deepEqual(counters.members(), NODES);
    await counters.add(id, 1);
  }
  assert.equal(await counters.add(2, 0), 9);
  const follower = NODES.find((id) =>
    id !== counters.leader(1) && id !== nodeIdOf(cluster.leader.id)
  )!;
  await cluster.leader.changeMembership({ action: "demote", nodeId: follower });
  await until("it votes in neither", () => {
    const { group, self } = counters.hosted(counters.leader(1)!);
    return !group!.core.config.voters.includes(
      counters.hosted(follower).self,
    ) &&
      group!.core.config.learners.includes(counters.hosted(follower).self) &&
      self !== counters.hosted(follower).self;
  });
});

Deno.test("a member that does not host the group goes its own way", async () => {
  await using counters = await Counters.started(3, { hosts: (id) => id !== 3 });
  await counters.add(1, 1);
  assert.equal(await counters.add(2, 1), 2);
  assert.deepEqual(counters.members(), [1, 2]);
  const node = counters.node(3);
  assert.equal(node.hosted(COUNTER_GROUP), undefined);
  assert.deepEqual(node.cluster().groups.map(({ name }) => name), ["db"]);
  await write(node);
});

Deno.test("a group begins once a majority hosts it, also if the durable group's leader does not", async () => {
  await using counters = new Counters(3, { hosts: (id) => id !== 3 });
  const { cluster } = counters;
  const all = NODES.map((id) => cluster.start(id, {}, {}));
  await Promise.all(all.map((node) => node.whenReady(60_000)));
  await until("it leads", () => {
    const leads = cluster.node(3).cluster().leader === cluster.node(3).id;
    if (!leads) void cluster.node(3).transferLeadership(3).catch(() => {});
    return leads;
  });
  await cluster.stop(1);
  const one = cluster.start(1);
  const alone =
    "group counter: it has not begun: that takes a leader of the durable group, and a majority of its voters that host this one";
  await until("it is alone", () => one.ready().detail === alone);
  await cluster.stop(2);
  const two = cluster.start(2);
  await Promise.all([one, two].map((node) => node.whenReady(60_000)));
  assert.equal(cluster.leader.id, cluster.node(3).id);
  assert.equal(await counters.add(1, 1), 1);
  assert.equal(await counters.add(2, 1), 2);
});

Deno.test("frames of a group that a member does not host are counted and reach no other group", async () => {
  await using counters = new Counters(3, { hosts: (id) => id !== 3 });
  const { cluster } = counters;
  const all = NODES.map((id) => cluster.start(id));
  await Promise.all(all.map((node) => node.whenReady(60_000)));
  const [sender, , receiver] = all as [HiqliteNode, HiqliteNode, HiqliteNode];
  const { term } = receiver.cluster();
  // Whoever takes it for a frame of its own group follows another leader in a later term.
  const frame = encodeMessage(COUNTER_GROUP, {
    type: "heartbeat",
    from: sender.id,
    to: receiver.id,
    term: term + 1_000,
    commit: 0,
    round: 1,
    clockMs: 0,
  });
  for (let i = 0; i < 3; i++) {
    assert.ok(cluster.links.get(1)!.send(3, "control", frame.slice()));
  }
  await until(
    "they are counted",
    () => receiver.metrics().includes("hiqlite_frames_dropped_total 3\n"),
  );
  await write(receiver);
  assert.ok(receiver.cluster().term < term + 1_000);
  const lines = cluster.lines.filter((line) => line.includes("for group 7"));
  assert.equal(lines.length, 1);
});

Deno.test("of two changes that begin an epoch one takes effect, and a stale one is refused", async () => {
  await using counters = await Counters.started();
  const { proposer } = counters.node(1).hosted(0)!;
  const founding = counters.hosted(1).group!.core.config;
  const change = (number: number) =>
    proposer.change({
      kind: "epoch",
      group: COUNTER_GROUP,
      epoch: { number, founding },
    }, 5_000);
  for (const stale of [1, 3]) {
    const { refusal } = await change(stale);
    assert.equal(refusal?.code, "conflict");
    assert.equal(
      refusal.message,
      `group ${COUNTER_GROUP} is in epoch 1, it cannot begin epoch ${stale}`,
    );
  }
  const answers = await Promise.all(
    NODES.map((id) =>
      counters.node(id).hosted(0)!.proposer.change({
        kind: "epoch",
        group: 9,
        epoch: { number: 1, founding: { ...founding, voters: [`${id}.a`] } },
      }, 5_000)
    ),
  );
  assert.equal(answers.filter(({ refusal }) => refusal === null).length, 1);
  const epochs = NODES.map((id) => {
    const { machine } = counters.cluster.volume(id);
    return () => machine.facts.epochs.get(9)?.founding.voters[0];
  });
  await until("all know", () => epochs.every((of) => of() !== undefined));
  assert.equal(new Set(epochs.map((of) => of())).size, 1);
});

Deno.test("a new epoch begins empty, and knows nothing of sessions and proposals of the last one", async () => {
  await using counters = await Counters.started();
  assert.equal(await counters.add(1, 1), 1);
  await counters.begin(2);
  // Its session has the number that the first one's had in the last epoch.
  assert.equal(await counters.add(2, 1), 1);
  const both = await Promise.all([counters.add(1, 1), counters.add(2, 1)]);
  assert.deepEqual(both.toSorted(), [2, 3]);
  await counters.begin(3);
  const sums = await Promise.all(
    Array.from({ length: 30 }, (_, i) => counters.add(1 + i % 3, 1)),
  );
  assert.deepEqual(
    sums.toSorted((a, b) => a - b),
    Array.from({ length: 30 }, (_, i) => i + 1),
  );
});

Deno.test("a member that is rebuilt while it runs is another one in the counter, too", async () => {
  await using counters = await Counters.started();
  await counters.add(1, 3);
  const { self } = counters.hosted(2);
  const { cluster } = counters;
  // The others find that its state differs from theirs.
  cluster.volume(2).machine.hash = 7;
  await until("it is rebuilt", () => counters.hosted(2).self !== self);
  await counters.node(2).whenReady(60_000);
  assert.deepEqual(counters.members(), NODES);
  assert.equal(await counters.add(2, 1), 4);
  await until("it counts", () => counters.sum(2) === 4);
  assert.equal(counters.specs.get(2)!.machines.length, 2);
});
