import assert from "node:assert/strict";
import { SECRET_API, TestCluster } from "../harness.ts";
import type { Node } from "../network.ts";
import { DRIVERS, titled } from "../../state/sqlite/drivers.ts";
import { assertEqualStored } from "../stored.ts";
import { Honest } from "./honest.ts";
import { type Input, INPUTS, type Sent } from "./inputs.ts";

const WRITE_TIMEOUT_MS = 5000;
/**
 * An honest write waits for what abuses the cluster beside it: as long as that takes on the leader, whose writer may
 * have to begin anew, and so long for it to run on the followers at once, which share the machine.
 */
const RUNS = 3;
/** What an honest write may take besides, ms: the limit of a write, and some seconds. */
const HONEST_MS = WRITE_TIMEOUT_MS + 4000;
/** The abuser waits so long, ms, however busy the machine. */
const ANSWER_MS = 120_000;

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
 * @returns What the leader took, ms.
 */
async function abuse(
  cluster: TestCluster,
  honest: Honest,
  node: Node,
  { sent, times = 1, removes, answers }: Input,
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
  const tookMs = performance.now() - begun;
  for (const code of codes) assert.match(code, answers);
  const slowest = await honest.takeSlowest();
  if (removes !== undefined) await send(cluster, node, removes);
  const most = HONEST_MS + RUNS * Math.max(beforeMs, tookMs);
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
    await assertEqualStored(cluster);
    const kept = await cluster.api(1).query({ sql: "SELECT n FROM honest" }, {
      consistency: "linearizable",
      timeoutMs: ANSWER_MS,
    });
    assert.ok(kept.type === "ok", JSON.stringify(kept));
    honest.assertIn(kept.value.rows);
  });
}
