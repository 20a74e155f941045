// deno-lint-ignore-file no-console -- the write gap is a figure worth seeing
import { deepEqual, equal, ok } from "node:assert/strict";
import { TestCluster } from "./harness.ts";
import { SteadyLoad } from "./steady_load.ts";

/** Longest time without an acknowledged write. */
const GAP_MS = 500;

Deno.test("a rolling restart under load fails no request that is repeated once, stops writes for less than half a second, loses nothing and doubles nothing", async () => {
  await using cluster = await TestCluster.start();
  const load = await SteadyLoad.start({
    cluster,
    clients: 9,
    pauseMs: 5,
    attempts: 2,
  });
  const begin = performance.now();
  for (const node of cluster.nodes) {
    const process = cluster.process(node)!;
    const stopping = performance.now();
    ok(await process.terminate(), `member ${node} had to be killed`);
    equal((await process.exited).code, 0, await cluster.logTails());
    const stopped = performance.now();
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
  await load.stop();
  console.log(
    `${load.acknowledged.length} writes, ${load.repeated.length} repeated, ` +
      `longest gap ${Math.round(gap)} ms`,
  );
  deepEqual(load.failures, []);
  ok(gap < GAP_MS, `nothing was acknowledged for ${gap} ms`);
  ok(load.acknowledged.length > 100, `${load.acknowledged.length} writes`);
  await load.verify();
  await cluster.assertEqualContents();
});
