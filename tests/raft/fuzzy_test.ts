/** hashicorp/raft's fuzzy cases: random weather, then equal logs and nothing acknowledged lost. */
import assert from "node:assert/strict";
import type { MembershipChange } from "../../src/raft/io.ts";
import { Chaos } from "./chaos.ts";
import type { ClusterOptions } from "./harness/cluster.ts";

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1);

function fuzz(
  name: string,
  options: ClusterOptions,
  scenario: (chaos: Chaos) => void,
): void {
  Deno.test(`fuzzy: ${name}`, () => {
    let acknowledged = 0;
    for (const seed of SEEDS) {
      const chaos = new Chaos(seed, options);
      try {
        scenario(chaos);
        chaos.finish();
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, {
          cause: error,
        });
      }
      acknowledged += chaos.acknowledged.size;
    }
    assert.ok(acknowledged > 10 * SEEDS.length, `only ${acknowledged} writes`);
  });
}

/** Changes the membership wherever somebody leads; most are refused. */
function change(chaos: Chaos, change: MembershipChange): boolean {
  const leader = chaos.cluster.leader();
  if (leader === null) return false;
  return chaos.cluster.change(leader, change).kind === "appended";
}

fuzz("no issue (sanity)", { voters: 5 }, (chaos) => {
  chaos.loss = 0;
  chaos.run(600);
});

fuzz("leadership transfer", { voters: 5 }, (chaos) => {
  chaos.run(800, () => {
    const leader = chaos.cluster.leader();
    if (leader === null || !chaos.chance(3)) return;
    const target = chaos.pick(["1", "2", "3", "4", "5", null]);
    chaos.cluster.transfer(leader, target);
  });
});

fuzz("add membership", { voters: 3, spares: 3 }, (chaos) => {
  const spares = ["4", "5", "6"];
  chaos.run(900, () => {
    if (!chaos.chance(10)) return;
    const id = chaos.pick(spares);
    if (chaos.chance(50)) change(chaos, { addLearners: [id] });
    else change(chaos, { promote: [id] });
  });
});

fuzz("add and remove members that do not lead", { voters: 5 }, (chaos) => {
  chaos.run(900, () => {
    const leader = chaos.cluster.leader();
    if (leader === null || !chaos.chance(5)) return;
    const { voters, learners } = chaos.cluster.core(leader).config;
    const others = voters.filter((id) => id !== leader);
    const outside = ["1", "2", "3", "4", "5"].filter((id) =>
      !voters.includes(id) && !learners.includes(id)
    );
    if (outside.length > 0) {
      const id = chaos.pick(outside);
      change(chaos, { addLearners: [id], promote: [id] });
    } else if (others.length > 0) {
      change(chaos, { remove: [chaos.pick(others)] });
    }
  });
});

fuzz("remove the leader", { voters: 5 }, (chaos) => {
  let removed = 0;
  chaos.run(1200, () => {
    const leader = chaos.cluster.leader();
    if (leader === null || removed === 3 || !chaos.chance(2)) return;
    if (change(chaos, { remove: [leader] })) removed++;
  });
});

fuzz("remove a partitioned member", { voters: 5 }, (chaos) => {
  chaos.run(200);
  chaos.cluster.isolate(5);
  let removed = false;
  chaos.run(600, () => {
    if (!removed && chaos.chance(10)) {
      removed = change(chaos, { remove: ["5"] });
    }
  });
  chaos.cluster.heal();
  chaos.run(300);
});

fuzz("partitions of the leader", { voters: 5 }, (chaos) => {
  chaos.run(1500, () => {
    if (!chaos.chance(1)) return;
    chaos.cluster.heal();
    const leader = chaos.cluster.leader();
    if (leader !== null) chaos.cluster.isolate(leader);
  });
});

fuzz("one-way cuts", { voters: 5 }, (chaos) => {
  const ids = ["1", "2", "3", "4", "5"];
  chaos.run(1500, () => {
    if (!chaos.chance(1)) return;
    chaos.cluster.heal();
    for (let i = 0; i < 3; i++) {
      chaos.cluster.cut(chaos.pick(ids), chaos.pick(ids), true);
    }
  });
});

for (const direction of ["from", "to"] as const) {
  fuzz(`votes ${direction} one member are slow`, { voters: 5 }, (chaos) => {
    const slow = chaos.pick(["1", "2", "3", "4", "5"]);
    const isSlow = (type: string) =>
      type === "requestVote" || type === "voteReply";
    chaos.run(1000, () => {
      // They go to the end of the queue again and again.
      const { wire } = chaos.cluster;
      const first = wire[0];
      if (first === undefined || !isSlow(first.type)) return;
      if (first[direction] !== slow || !chaos.chance(70)) return;
      wire.push(wire.shift()!);
    });
  });
}

fuzz("crashes with slow disks", { voters: 5, learners: 1 }, (chaos) => {
  const ids = ["1", "2", "3", "4", "5", "6"];
  for (const id of ids) chaos.cluster.slowDisks.add(id);
  chaos.run(1500, () => {
    if (!chaos.chance(3)) return;
    const node = chaos.cluster.node(chaos.pick(ids));
    if (!node.up) chaos.cluster.restart(node.id);
    else if (chaos.chance(60)) chaos.cluster.crash(node.id);
  });
});

fuzz("everything at once", { voters: 3, learners: 1, spares: 2 }, (chaos) => {
  const ids = ["1", "2", "3", "4", "5", "6"];
  for (const id of ids.slice(1)) chaos.cluster.slowDisks.add(id);
  chaos.run(2500, () => {
    const { cluster } = chaos;
    const node = cluster.node(chaos.pick(ids));
    const leader = cluster.leader();
    switch (randomAction(chaos)) {
      case "crash":
        if (node.up) cluster.crash(node.id);
        break;
      case "restart":
        if (!node.up) cluster.restart(node.id);
        break;
      case "purge":
        if (node.up && node.applied > node.base.last.index) {
          cluster.purge(node.id);
        }
        break;
      case "cut":
        cluster.heal().cut(chaos.pick(ids), chaos.pick(ids), chaos.chance(50));
        break;
      case "change":
        change(chaos, randomChange(chaos, ids));
        break;
      case "transfer":
        if (leader !== null) cluster.transfer(leader, chaos.pick(ids));
        break;
      case "read":
        if (node.up) cluster.read(node.id);
        break;
      case "hint":
        if (node.up) cluster.step(node.id, { kind: "leaderUnreachable" });
        break;
      case "linkBroke":
        if (leader !== null) {
          const kind = chaos.chance(50) ? "linkBroke" : "unreachable";
          const member = chaos.pick(ids);
          cluster.step(leader, { kind, member });
        }
    }
  });
});

function randomAction(chaos: Chaos): string {
  if (!chaos.chance(15)) return "nothing";
  return chaos.pick([
    "crash",
    "restart",
    "restart",
    "purge",
    "cut",
    "change",
    "change",
    "transfer",
    "read",
    "hint",
    "linkBroke",
  ]);
}

function randomChange(chaos: Chaos, ids: readonly string[]): MembershipChange {
  const id = chaos.pick(ids);
  return chaos.pick<MembershipChange>([
    { addLearners: [id] },
    { promote: [id] },
    { demote: [id] },
    { remove: [id] },
    { addLearners: [id], promote: [id] },
    { promote: [id], remove: [chaos.pick(ids)] },
  ]);
}
