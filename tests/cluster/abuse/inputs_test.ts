import assert from "node:assert/strict";
import { SECRET_API, TestCluster } from "../harness.ts";
import type { Node } from "../network.ts";
import { DRIVERS, titled } from "../../state/sqlite/drivers.ts";
import { assertEqualStored } from "../stored.ts";
import { Honest } from "./honest.ts";
import { type Input, INPUTS, type Sent } from "./inputs.ts";

const WRITE_TIMEOUT_MS = 5000;
/**
 * No honest write takes longer while something that is refused abuses the cluster, ms: the limit of a write, and two
 * seconds. Other tests keep the machine busy, so it is two more; but nobody waits for two such limits.
 */
const HONEST_MS = WRITE_TIMEOUT_MS + 4000;
/**
 * What is not refused runs on the leader first and then on the followers at once, which share the machine: who writes
 * through a follower waits for both, so this many times what the leader took.
 */
const RUNS = 3;
/** The abuser waits so long, ms. */
const ANSWER_MS = 30_000;

async function send(
  cluster: TestCluster,
  node: Node,
  { route, body }: Sent,
): Promise<string> {
  const response = await fetch(
    `${cluster.network.apiUrl(node)}/api/v1/${route}`,
    {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-api-secret": SECRET_API,
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    },
  );
  const text = await response.text();
  return response.ok ? "ok" : JSON.parse(text).error.code;
}

/**
 * Gives one of them to the cluster, while the honest client writes; followers may still run what was given before,
 * for which the leader took `beforeMs`.
 *
 * @returns What the leader took, ms; nothing, if it was refused.
 */
async function abuse(
  cluster: TestCluster,
  honest: Honest,
  node: Node,
  { sent, times = 1, limits = 1, removes, answers }: Input,
  beforeMs: number,
): Promise<number> {
  for (const each of sent.slice(0, -1)) await send(cluster, node, each);
  await honest.takeSlowest();
  const begun = performance.now();
  const last = Array.from(
    { length: times },
    () => send(cluster, node, sent.at(-1)!),
  );
  const codes = await Promise.all(last);
  const tookMs = codes.includes("ok") ? performance.now() - begun : 0;
  for (const code of codes) assert.match(code, answers);
  const slowest = await honest.takeSlowest();
  if (removes !== undefined) await send(cluster, node, removes);
  const most = HONEST_MS + (limits - 1) * WRITE_TIMEOUT_MS +
    RUNS * Math.max(beforeMs, tookMs);
  assert.ok(slowest < most, `an honest write took ${slowest} of ${most} ms`);
  return tookMs;
}

for (const driver of DRIVERS) {
  const { spec, obstacle } = driver;
  const name =
    "what ended clusters gets a precise error, and disturbs nobody else";
  const ignore = obstacle !== "";
  Deno.test({ name: titled(name, driver), ignore }, async (t) => {
    await using cluster = await TestCluster.start({
      environment: { HQL_WRITE_TIMEOUT_MS: `${WRITE_TIMEOUT_MS}` },
      ...spec.kind === "ffi" ? { library: spec.library, children: false } : {},
    });
    const honest = await Honest.start(cluster);
    const pids = cluster.nodes.map((node) => cluster.process(node)!.pid);
    let beforeMs = 0;
    for (const [at, input] of INPUTS.entries()) {
      const node = cluster.nodes[at % cluster.nodes.length]!;
      await t.step(input.title, async () => {
        beforeMs = await abuse(cluster, honest, node, input, beforeMs);
      });
    }
    await honest.stop();
    assert.deepEqual(
      cluster.nodes.map((node) => cluster.process(node)?.pid),
      pids,
      "nobody was lost",
    );
    honest.assertIn((await cluster.assertEqualContents()).honest!);
    await assertEqualStored(cluster);
    await Promise.all(cluster.nodes.map((node) => cluster.killMember(node)));
    for (const node of cluster.nodes) await cluster.startMember(node);
    await cluster.waitReady();
    honest.assertIn((await cluster.assertEqualContents()).honest!);
  });
}
