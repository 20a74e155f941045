import { join } from "node:path";
import { randomBetween } from "../../../src/util/random.ts";
import type { TestCluster } from "../harness.ts";
import type { Node } from "../network.ts";
import { drawNode, type NemesisKind } from "./nemesis.ts";

const LIBRARY =
  `/usr/lib/${Deno.build.arch}-linux-gnu/faketime/libfaketime.so.1`;

/** Jumps of the wall clock, s. */
const JUMPS: readonly number[] = [-86_400, -3600, -60, -2, 2, 60, 3600, 86_400];

/** The wall clock of one member jumps (libfaketime); the monotonic one does not. */
export const clockNemesis: NemesisKind = {
  name: "clock",
  prepare: async (cluster) => {
    await Deno.stat(LIBRARY).catch((cause) => {
      throw new Error(`the fault "clock" needs libfaketime: ${LIBRARY}`, {
        cause,
      });
    });
    for (const node of cluster.nodes) {
      await setOffset(cluster, node, 0);
      cluster.setEnvironment(node, {
        LD_PRELOAD: LIBRARY,
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
        return `clock of ${victim} by ${seconds} s`;
      },
      stop: () => setOffset(cluster, victim!, 0),
    };
  },
};

function offsetPath(cluster: TestCluster, node: Node): string {
  return join(cluster.root, `clock-${node}`);
}

async function setOffset(
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
