// deno-lint-ignore-file no-console -- the write gap is a figure worth seeing
import { deepEqual, equal, ok } from "node:assert/strict";
import { poll, TestCluster } from "./harness.ts";
import { SteadyLoad } from "./steady_load.ts";

/** Pauses the leader until another one has taken over; answers how long nothing was acknowledged, ms. */
async function gapOfPause(
  cluster: TestCluster,
  load: SteadyLoad,
): Promise<number> {
  const leader = await cluster.waitLeader();
  const paused = cluster.process(leader)!;
  load.avoid(leader);
  const begin = performance.now();
  paused.pause();
  await poll(
    "another leader",
    60_000,
    async () => ![leader, undefined].includes(await cluster.leader()),
  );
  const before = load.acknowledged.length;
  await poll(
    "another write",
    60_000,
    () => Promise.resolve(load.acknowledged.length > before),
  );
  const gap = load.longestGap(begin, performance.now());
  paused.resume();
  return gap;
}

Deno.test("a rolling restart under load fails no request that is repeated once, stops writes for less time than a silent leader does, loses nothing and doubles nothing", async () => {
  await using cluster = await TestCluster.start();
  const load = await SteadyLoad.start({
    cluster,
    clients: 9,
    pauseMs: 5,
    attempts: 2,
  });
  const begin = performance.now();
  const first = await cluster.waitLeader();
  const handing: number[] = [];
  // The leader first, so that one of them at least hands over.
  for (
    const node of [first, ...cluster.nodes.filter((other) => other !== first)]
  ) {
    const led = node === first || await cluster.leader() === node;
    const process = cluster.process(node)!;
    const stopping = performance.now();
    ok(await process.terminate(), `member ${node} had to be killed`);
    equal((await process.exited).code, 0, await cluster.logTails());
    const stopped = performance.now();
    if (led) handing.push(load.longestGap(stopping, stopped));
    await cluster.startMember(node);
    await cluster.waitReady([node]);
    const ready = performance.now();
    console.log(
      `member ${node}: stopped in ${Math.round(stopped - stopping)} ms, ` +
        `ready after ${Math.round(ready - stopped)} ms, ` +
        `longest write gap ${Math.round(load.longestGap(stopping, ready))} ms`,
    );
  }
  const gap = load.longestGap(begin, performance.now());
  // A busy machine lets writes stand still by itself, so the shortest time of all is what handing over takes.
  const handed = Math.min(...handing);
  deepEqual(load.failures, []);
  // Who stops hands leadership over, so nobody waits for an election's timeout, as is waited for when a leader falls silent.
  const silent = await gapOfPause(cluster, load);
  await load.stop();
  console.log(
    `${load.acknowledged.length} writes, ${load.repeated.length} repeated, ` +
      `longest gap ${Math.round(gap)} ms, of a leader that hands over ${
        Math.round(handed)
      } ms, of a silent one ${Math.round(silent)} ms`,
  );
  ok(handed < silent, `nothing was acknowledged for ${handed} of ${silent} ms`);
  ok(load.acknowledged.length > 100, `${load.acknowledged.length} writes`);
  await load.verify();
  await cluster.assertEqualContents();
});
