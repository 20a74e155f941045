import { join } from "node:path";
import { randomBetween } from "../../../src/util/random.ts";
import { run } from "../command.ts";
import type { TestCluster } from "../harness.ts";
import type { Node } from "../network.ts";
import { FAKE_CLOCK, FAKETIME } from "../requirements.ts";
import { drawNode, happened, type NemesisKind } from "./nemesis.ts";

/** Jumps of the wall clock, s. */
const JUMPS: readonly number[] = [-86_400, -3600, -60, -2, 2, 60, 3600, 86_400];

/** The wall clock of one member jumps (libfaketime); the monotonic one does not. */
export const clockNemesis: NemesisKind = {
  name: "clock",
  requires: [FAKE_CLOCK],
  prepare: async (cluster) => {
    cluster.defer(() => run(["sh", "-c", REMOVE_LEFTOVERS]));
    for (const node of cluster.nodes) {
      await setOffset(cluster, node, 0);
      cluster.setEnvironment(node, {
        LD_PRELOAD: FAKETIME,
        FAKETIME_TIMESTAMP_FILE: offsetPath(cluster, node),
        FAKETIME_NO_CACHE: "1",
        DONT_FAKE_MONOTONIC: "1",
      });
    }
  },
  create: (cluster, random) => {
    let victim: Node | undefined;
    return {
      start: async () => {
        victim = drawNode(cluster, random);
        const seconds = JUMPS[randomBetween(random, 0, JUMPS.length)]!;
        await setOffset(cluster, victim, seconds);
        return happened(`clock of ${victim} by ${seconds} s`);
      },
      stop: () => setOffset(cluster, victim!, 0),
    };
  },
};

/**
 * Removes what the library keeps in shared memory for each process and a killed one
 * leaves behind: one with the same id would trip over it. By a shell, since Deno
 * reads these folders only with every permission.
 */
const REMOVE_LEFTOVERS =
  `for file in /dev/shm/faketime_shm_* /dev/shm/sem.faketime_sem_*
do [ -e "/proc/\${file##*_}" ] || rm -f "$file"
done`;

function offsetPath(cluster: TestCluster, node: Node): string {
  return join(cluster.root, `clock-${node}`);
}

/** Has a member's wall clock be so many seconds off, if its cluster was prepared for it. */
export async function setOffset(
  cluster: TestCluster,
  node: Node,
  seconds: number,
): Promise<void> {
  const path = offsetPath(cluster, node);
  const sign = seconds < 0 ? "-" : "+";
  // Replaced at once, so that no reader sees half a number.
  await Deno.writeTextFile(`${path}.new`, `${sign}${Math.abs(seconds)}s\n`);
  await Deno.rename(`${path}.new`, path);
}
