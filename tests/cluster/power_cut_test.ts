import assert from "node:assert/strict";
import { join } from "node:path";
import { poll, TestCluster } from "./harness.ts";
import { LoopDisk } from "./loop_disk.ts";
import type { Node } from "./network.ts";
import { DISKS_WITH_POWER, testNeeding } from "./requirements.ts";
import { SteadyLoad } from "./steady_load.ts";

const MEGABYTES = 256;
const WRITE_MS = 60_000;
/** How often all members lose power. */
const CUTS = 3;

const powerTest = await testNeeding(DISKS_WITH_POWER);

/** A cluster whose members have a disk each, and what cuts their power at the same moment. */
async function start(
  nodes: number,
  logSync: string,
): Promise<{
  readonly cluster: TestCluster;
  readonly cutPower: () => Promise<void>;
}> {
  const disks = new Map<Node, LoopDisk>();
  const cluster = await TestCluster.start({
    nodes,
    environment: { HQL_LOG_SYNC: logSync, HQL_WAL_SIZE: "1048576" },
    prepare: async (cluster) => {
      for (const node of cluster.nodes) {
        const image = join(cluster.root, `disk-${node}.ext4`);
        const folder = cluster.dataDir(node);
        const disk = await LoopDisk.create(image, folder, MEGABYTES);
        cluster.defer(() => disk[Symbol.asyncDispose]());
        disks.set(node, disk);
      }
    },
  });
  return {
    cluster,
    cutPower: async () => {
      await Promise.all(
        cluster.nodes.map((node) => cluster.killWithChildren(node)),
      );
      await Promise.all([...disks.values()].map((disk) => disk.cutPower()));
    },
  };
}

/** Waits until more than a hundred more are acknowledged. */
async function moreWrites(load: SteadyLoad): Promise<void> {
  const before = load.acknowledged.length;
  await poll(
    "writes",
    WRITE_MS,
    () => Promise.resolve(load.acknowledged.length > before + 100),
  );
}

powerTest(
  `all members lose power ${CUTS} times under load: every acknowledged write is there, once`,
  async () => {
    const { cluster, cutPower } = await start(3, "immediate");
    await using _ = cluster;
    const load = await SteadyLoad.start({
      cluster,
      clients: 8,
      pauseMs: 5,
      attempts: 1,
    });
    for (let i = 0; i < CUTS; i++) {
      await moreWrites(load);
      await cutPower();
      for (const node of cluster.nodes) await cluster.startMember(node);
      await cluster.waitReady();
    }
    await load.stop();
    await load.verify();
    await cluster.assertEqualContents();
  },
);

powerTest(
  "a member that does not sync its log loses acknowledged writes with its power",
  async () => {
    const { cluster, cutPower } = await start(1, "interval_3600000");
    await using _ = cluster;
    let lost: unknown = null;
    // The kernel writes back when it likes, on a busy machine sooner: then nothing is lost.
    for (let cut = 0; lost === null && cut < 10; cut++) {
      await cluster.write(1, "DROP TABLE IF EXISTS steady");
      const load = await SteadyLoad.start({
        cluster,
        clients: 4,
        pauseMs: 1,
        attempts: 1,
      });
      await moreWrites(load);
      await cutPower();
      await load.stop();
      await cluster.startMember(1);
      await cluster.waitReady();
      lost = await load.verify().then(() => null, (error) => error);
    }
    assert.match(`${lost}`, /lost after the answer|no such table/);
  },
);
