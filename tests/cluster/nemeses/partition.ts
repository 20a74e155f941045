import { type Random, randomBetween } from "../../../src/util/random.ts";
import type { TestCluster } from "../harness.ts";
import { cutBoth, type Disturbance, type Node } from "../network.ts";
import {
  happened,
  leaderOrAny,
  type NemesisKind,
  shuffled,
} from "./nemesis.ts";

/** A message that goes astray comes later by at most so much, which is more than a heartbeat, ms. */
const ASTRAY_MS = 500;

type Partition = (
  cluster: TestCluster,
  nodes: readonly Node[],
) => Promise<string>;

/** Two groups, the smaller one first. */
const halves: Partition = async ({ network }, nodes) => {
  const left = nodes.slice(0, Math.floor(nodes.length / 2));
  const right = nodes.slice(left.length);
  for (const a of left) for (const b of right) await cutBoth(network, a, b);
  return `${left.join(", ")} | ${right.join(", ")}`;
};

/** Two groups that only one member reaches both of. */
const bridge: Partition = async ({ network }, nodes) => {
  const [middle, ...others] = nodes;
  const left = others.slice(0, Math.floor(others.length / 2));
  const right = others.slice(left.length);
  for (const a of left) for (const b of right) await cutBoth(network, a, b);
  return `${left.join(", ")} – ${middle} – ${right.join(", ")}`;
};

/** One member that hears nobody, or that nobody hears. */
const oneWay: Partition = async ({ network }, nodes) => {
  const [victim, ...others] = nodes;
  const deaf = victim! % 2 === 0;
  for (const other of others) {
    if (deaf) await network.cut(other, victim!);
    else await network.cut(victim!, other);
  }
  return deaf ? `${victim} hears nobody` : `nobody hears ${victim}`;
};

function partition(name: string, cut: Partition): NemesisKind {
  return {
    name,
    create: (cluster, random) => ({
      start: async () =>
        happened(await cut(cluster, shuffled(cluster, random))),
      stop: () => cluster.network.heal(),
    }),
  };
}

const isolateLeader: NemesisKind = {
  name: "isolate-leader",
  create: (cluster, random) => ({
    start: async () => {
      const leader = await leaderOrAny(cluster, random);
      for (const other of cluster.nodes) {
        if (other !== leader) await cutBoth(cluster.network, leader, other);
      }
      return happened(`isolated ${leader}`);
    },
    stop: () => cluster.network.heal(),
  }),
};

const loss: NemesisKind = {
  name: "loss",
  create: (cluster, random) => ({
    start: async () => {
      const percent = randomBetween(random, 2, 30);
      await cluster.network.degrade(percent);
      return happened(`${percent} % loss`);
    },
    stop: () => cluster.network.heal(),
  }),
};

/** Something that proxies do to every direction of every link, in a measure of its own. */
function disturbance(
  name: string,
  draw: (random: Random) => Disturbance,
): NemesisKind {
  return {
    name,
    needsProxies: true,
    create: (cluster, random) => ({
      start: async () => {
        const told: string[] = [];
        for (const from of cluster.nodes) {
          for (const to of cluster.nodes) {
            if (from === to) continue;
            const drawn = draw(random);
            await cluster.network.disturb(from, to, drawn);
            told.push(`${from}→${to} ${Object.values(drawn).join("/")}`);
          }
        }
        return happened(`${name}: ${told.join(", ")}`);
      },
      stop: () => cluster.network.heal(),
    }),
  };
}

/** Latency and jitter, each up to a few heartbeats: some links make it, some hardly. */
const delay = disturbance("delay", (random) => ({
  latencyMs: randomBetween(random, 0, 200),
  jitterMs: randomBetween(random, 0, 200),
}));

const duplicate = disturbance("duplicate", (random) => ({
  duplicatePercent: randomBetween(random, 5, 60),
  astrayMs: ASTRAY_MS,
}));

const reorder = disturbance("reorder", (random) => ({
  reorderPercent: randomBetween(random, 5, 40),
  astrayMs: ASTRAY_MS,
}));

/** Faults of the network. */
export const PARTITION_NEMESES: readonly NemesisKind[] = [
  partition("halves", halves),
  partition("bridge", bridge),
  partition("one-way", oneWay),
  isolateLeader,
  loss,
  delay,
  duplicate,
  reorder,
];
