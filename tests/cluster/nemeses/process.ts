import { type Random, randomBetween } from "../../../src/util/random.ts";
import type { Node } from "../network.ts";
import {
  all,
  type Choice,
  happened,
  leader,
  majority,
  type NemesisKind,
  one,
} from "./nemesis.ts";

/** SIGKILL; at the end they are started again. */
function kill(name: string, choice: Choice): NemesisKind {
  return {
    name,
    takesMajority: choice.takesMajority,
    create: (cluster, random) => {
      let victims: readonly Node[] = [];
      return {
        start: async () => {
          victims = await choice.draw(cluster, random);
          await Promise.all(victims.map((node) => cluster.killMember(node)));
          return happened(`killed ${victims.join(", ")}`);
        },
        stop: async () => {
          for (const node of victims) await cluster.startMember(node);
        },
      };
    },
  };
}

/** Between `low` and `high`, each order of magnitude as likely as the next. */
function drawLogUniform(random: Random, low: number, high: number): number {
  const part = randomBetween(random, 0, 1_000_000) / 1_000_000;
  return Math.round(low * (high / low) ** part);
}

/** SIGSTOP for 0.1 to 30 s, then SIGCONT. */
function pause(name: string, choice: Choice): NemesisKind {
  return {
    name,
    takesMajority: choice.takesMajority,
    drawDuration: (random) => drawLogUniform(random, 100, 30_000),
    create: (cluster, random) => {
      let victims: readonly Node[] = [];
      return {
        start: async () => {
          victims = await choice.draw(cluster, random);
          for (const node of victims) cluster.process(node)?.pause();
          return happened(`paused ${victims.join(", ")}`);
        },
        stop: () => {
          for (const node of victims) cluster.process(node)?.resume();
          return Promise.resolve();
        },
      };
    },
  };
}

/** SIGTERM to one after the other, each started again at once. */
const rollingRestart: NemesisKind = {
  name: "rolling-restart",
  needsMajority: true,
  create: (cluster) => ({
    start: async () => {
      const slow: Node[] = [];
      for (const node of cluster.nodes) {
        if (await cluster.process(node)?.terminate() === false) slow.push(node);
        await cluster.startMember(node);
        await cluster.waitReady([node], 30_000);
      }
      if (slow.length === 0) return happened("restarted all");
      throw new Error(`${slow.join(", ")} did not end within 15 s of SIGTERM`);
    },
    stop: () => Promise.resolve(),
  }),
};

/** Faults of processes. */
export const PROCESS_NEMESES: readonly NemesisKind[] = [
  kill("kill-one", one),
  kill("kill-leader", leader),
  kill("kill-majority", majority),
  kill("kill-all", all),
  pause("pause-one", one),
  pause("pause-leader", leader),
  rollingRestart,
];
