import assert from "node:assert/strict";
import { join } from "node:path";
import { poll, TestCluster } from "./harness.ts";
import { LoopbackNetwork } from "./loopback.ts";
import type { Node } from "./network.ts";

const PRELOAD = new URL("./failing_fsync.ts", import.meta.url);

/** Members run with a log whose fdatasync can be made to fail. */
class FailingNetwork extends LoopbackNetwork {
  override command(_node: Node, argv: readonly string[]): readonly string[] {
    const [deno, run, ...rest] = argv;
    return [deno!, run!, `--preload=${PRELOAD.pathname}`, ...rest];
  }
}

Deno.test("EIO on the leader's fsync: it ends at once with exit code 1 and says why, the others go on, and nothing acknowledged is lost", async () => {
  const network = new FailingNetwork({ nodes: 3 });
  await using cluster = await TestCluster.start({
    network,
    prepare: (cluster) => {
      for (const node of cluster.nodes) {
        const marker = join(cluster.root, `fail-${node}`);
        cluster.setEnvironment(node, { TEST_FAIL_FSYNC: marker });
      }
      return Promise.resolve();
    },
  });
  const leader = await cluster.waitLeader();
  const other = leader % 3 + 1;
  let acknowledged = 0;
  let unknown = 0;
  const write = async (): Promise<void> => {
    const answer = await cluster.api(other).execute(
      { sql: "INSERT INTO t DEFAULT VALUES" },
      { timeoutMs: 10_000 },
    );
    if (answer.type === "ok") acknowledged++;
    if (answer.type === "info") unknown++;
  };
  const created = await cluster.api(other).execute(
    { sql: "CREATE TABLE t (n INTEGER PRIMARY KEY)" },
    { timeoutMs: 10_000 },
  );
  assert.equal(created.type, "ok", JSON.stringify(created));
  for (let i = 0; i < 5; i++) await write();

  const process = cluster.process(leader)!;
  const marker = join(cluster.root, `fail-${leader}`);
  await Deno.writeTextFile(marker, "");
  await write();
  await poll("the member to end", 60_000, async () => {
    await write();
    return !process.running;
  });
  assert.equal((await process.exited).code, 1);
  // The mark of what is durable is synced beside the segments; whichever comes first fails.
  assert.match(
    await Deno.readTextFile(cluster.logPath(leader)),
    /the member cannot go on: fdatasync .*(segment-\d+|durable-mark): EIO/,
  );
  const before = acknowledged;
  for (let i = 0; i < 5; i++) await write();
  assert.ok(acknowledged > before, "the others go on");

  await Deno.remove(marker);
  await cluster.startMember(leader);
  await cluster.waitReady();
  const rows = (await cluster.assertEqualContents()).t!.length;
  assert.ok(
    rows >= acknowledged && rows <= acknowledged + unknown,
    `${rows} rows, ${acknowledged} acknowledged, ${unknown} unknown`,
  );
});
