import { join } from "node:path";
import { randomBetween } from "../../../src/util/random.ts";
import { LoopDisk } from "../loop_disk.ts";
import type { Node } from "../network.ts";
import { DISKS_WITH_POWER } from "../requirements.ts";
import {
  all,
  type Choice,
  happened,
  leader,
  type NemesisKind,
  one,
} from "./nemesis.ts";
import { OwnDisks } from "./own_disks.ts";

/** Size of a member's disk; it takes as much room as is in use, MB. */
const DISK_MB = 512;

/** A member must be ready again in this time, ms. */
const READY_MS = 30_000;

/**
 * Members lose power at the same moment: they and every write that they have
 * not synced are gone. The disks are back at once, the members at the end.
 */
function powerCut(name: string, choice: Choice): NemesisKind {
  const disks = new OwnDisks<LoopDisk>();
  return {
    name,
    ownDisk: true,
    takesMajority: choice.takesMajority,
    requires: [DISKS_WITH_POWER],
    // It is the moment that counts, not how long nobody is there.
    drawDuration: (random) => randomBetween(random, 0, 500),
    prepare: (cluster) =>
      disks.give(cluster, (folder, node) => {
        const image = join(cluster.root, `disk-${node}.ext4`);
        return LoopDisk.create(image, folder, DISK_MB);
      }),
    create: (cluster, random) => {
      let victims: readonly Node[] = [];
      return {
        start: async () => {
          victims = await choice.draw(cluster, random);
          await Promise.all(
            victims.map((node) => cluster.killWithChildren(node)),
          );
          await Promise.all(
            victims.map((node) => disks.of(cluster, node).cutPower()),
          );
          return happened(`power cut of ${victims.join(", ")}`);
        },
        stop: async () => {
          for (const node of victims) await cluster.startMember(node);
          // Without writes in between the next cut would find nothing to lose.
          await cluster.waitReady(victims, READY_MS);
        },
      };
    },
  };
}

/** Faults of the power supply. */
export const POWER_NEMESES: readonly NemesisKind[] = [
  powerCut("power-cut-one", one),
  powerCut("power-cut-leader", leader),
  powerCut("power-cut-all", all),
];
