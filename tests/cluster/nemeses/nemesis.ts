import { type Random, randomBetween } from "../../../src/util/random.ts";
import type { TestCluster } from "../harness.ts";
import type { Node } from "../network.ts";
import type { Requirement } from "../requirements.ts";

/** What became of the beginning of a fault. */
export interface Outcome {
  readonly said: string;
  /** Whether something went wrong (or may have); not if all that was asked for was refused. */
  readonly happened: boolean;
  /** Operations that the cluster refused. */
  readonly refused: number;
}

/** It went wrong. */
export function happened(said: string): Outcome {
  return { said, happened: true, refused: 0 };
}

/** The cluster refused it, so nothing went wrong. */
export function refused(said: string): Outcome {
  return { said, happened: false, refused: 1 };
}

/** Something that goes wrong for a while. */
export interface Nemesis {
  /** Lets it go wrong; says what. */
  start(): Promise<Outcome>;
  /** Ends it. What it did to data is not undone; the members must deal with that. */
  stop(): Promise<void>;
}

/** A kind of fault. */
export interface NemesisKind {
  readonly name: string;
  /** Damages what a member has on disk, so only one of them may be under way. */
  readonly destructive?: boolean;
  /** Takes votes away: with three members none of the others may lose its memory meanwhile. */
  readonly takesVotes?: boolean;
  /** Leaves no majority that could go on while it lasts. */
  readonly takesMajority?: boolean;
  /** Waits until members are ready, so a majority must be up meanwhile. */
  readonly needsMajority?: boolean;
  /** Gives every member a disk of its own, so only one of them may do it. */
  readonly ownDisk?: boolean;
  /** Only possible where there is a proxy on every link. */
  readonly needsProxies?: boolean;
  /** What this machine must have or allow. */
  readonly requires?: readonly Requirement[];
  /** Called before the members start. */
  prepare?(cluster: TestCluster): Promise<void>;
  /** How long one fault lasts, ms. @default {drawing from 500 to 5000} */
  drawDuration?(random: Random): number;
  create(cluster: TestCluster, random: Random): Nemesis;
}

/** A member drawn at random. */
export function drawNode(cluster: TestCluster, random: Random): Node {
  return cluster.nodes[randomBetween(random, 0, cluster.nodes.length)]!;
}

/** All members in random order. */
export function shuffled(cluster: TestCluster, random: Random): Node[] {
  const nodes = [...cluster.nodes];
  for (let i = nodes.length - 1; i > 0; i--) {
    const j = randomBetween(random, 0, i + 1);
    [nodes[i], nodes[j]] = [nodes[j]!, nodes[i]!];
  }
  return nodes;
}

/** The leader, or any member when there is none at the moment. */
export async function leaderOrAny(
  cluster: TestCluster,
  random: Random,
): Promise<Node> {
  return await cluster.leader() ?? drawNode(cluster, random);
}

/** Whom a fault hits. */
export interface Choice {
  readonly takesMajority: boolean;
  draw(
    cluster: TestCluster,
    random: Random,
  ): readonly Node[] | Promise<readonly Node[]>;
}

/** Any member. */
export const one: Choice = {
  takesMajority: false,
  draw: (cluster, random) => [drawNode(cluster, random)],
};

/** The leader, or any member when there is none at the moment. */
export const leader: Choice = {
  takesMajority: false,
  draw: async (cluster, random) => [await leaderOrAny(cluster, random)],
};

/** So many that the others cannot go on. */
export const majority: Choice = {
  takesMajority: true,
  draw: (cluster, random) =>
    shuffled(cluster, random)
      .slice(0, Math.floor(cluster.nodes.length / 2) + 1),
};

/** Every member. */
export const all: Choice = {
  takesMajority: true,
  draw: (cluster) => cluster.nodes,
};

/** How long a fault of this kind lasts this time, ms. */
export function durationOf(kind: NemesisKind, random: Random): number {
  return kind.drawDuration?.(random) ?? randomBetween(random, 500, 5000);
}

/** Why two kinds cannot be under way at the same time; nothing if they can. */
export function conflict(a: NemesisKind, b: NemesisKind): string {
  if (a.destructive && b.destructive) return "would damage two disks at once";
  if (a.ownDisk && b.ownDisk) return "would mount two disks at the same place";
  return a.needsMajority && b.takesMajority ||
      b.needsMajority && a.takesMajority
    ? "would wait for members to be ready while a majority is down"
    : "";
}

/** Two kinds at the same time. */
export function together(a: NemesisKind, b: NemesisKind): NemesisKind {
  return {
    name: `${a.name}+${b.name}`,
    destructive: a.destructive === true || b.destructive === true,
    takesVotes: a.takesVotes === true || b.takesVotes === true,
    takesMajority: a.takesMajority === true || b.takesMajority === true,
    needsMajority: a.needsMajority === true || b.needsMajority === true,
    ownDisk: a.ownDisk === true || b.ownDisk === true,
    needsProxies: a.needsProxies === true || b.needsProxies === true,
    requires: [...a.requires ?? [], ...b.requires ?? []],
    drawDuration: (random) =>
      Math.max(durationOf(a, random), durationOf(b, random)),
    prepare: async (cluster) => {
      await a.prepare?.(cluster);
      await b.prepare?.(cluster);
    },
    create: (cluster, random) => {
      const first = a.create(cluster, random);
      const second = b.create(cluster, random);
      return {
        start: async () => {
          const [one, other] = [await first.start(), await second.start()];
          return {
            said: `${one.said}, ${other.said}`,
            happened: one.happened || other.happened,
            refused: one.refused + other.refused,
          };
        },
        stop: async () => {
          if (needOneAnother(a, b)) {
            await Promise.all([first.stop(), second.stop()]);
            return;
          }
          const order = patience(a) > patience(b)
            ? [second, first]
            : [first, second];
          for (const fault of order) await fault.stop();
        },
      };
    },
  };
}

/** A member that got its disk back is ready only with its vote, and who gives votes back needs members that run: neither can end first. */
function needOneAnother(a: NemesisKind, b: NemesisKind): boolean {
  return a.takesVotes === true && b.ownDisk === true ||
    b.takesVotes === true && a.ownDisk === true;
}

/** What ends only when its members are well again, which the other fault may prevent, ends last. */
function patience({ destructive, takesVotes, ownDisk }: NemesisKind): number {
  if (destructive) return 3;
  if (takesVotes) return 2;
  return ownDisk ? 1 : 0;
}
