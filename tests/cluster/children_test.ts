import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import {
  childrenOf,
  type ChildSeen,
  cpuOf,
  isRunning,
  memoryOf,
  printed,
  SEES_CHILDREN,
  until,
} from "../state/sqlite/children.ts";
import { SECRET_API, TestCluster } from "./harness.ts";

const ENDLESS =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c";

async function ask(
  cluster: TestCluster,
  route: "query" | "execute",
  body: Record<string, unknown>,
): Promise<{ status: number; text: string }> {
  const response = await fetch(
    `${cluster.network.apiUrl(1)}/api/v1/${route}`,
    {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-api-secret": SECRET_API,
      },
      body: JSON.stringify(body),
    },
  );
  return { status: response.status, text: await response.text() };
}

/** All children of a member, once a query runs in one of them without an end. */
async function busyChildren(
  cluster: TestCluster,
): Promise<
  { children: ChildSeen[]; reader: number; answer: Promise<unknown> }
> {
  const { pid } = cluster.process(1)!;
  const answer = ask(cluster, "query", { sql: ENDLESS, timeout_ms: 20_000 });
  answer.catch(() => {});
  await until(() => childrenOf(pid, "reader").length > 0, 5000);
  const [reader] = childrenOf(pid, "reader");
  await until(() => cpuOf(reader!.pid) > 30, 60_000);
  const children = [
    ...childrenOf(pid, "reader"),
    ...childrenOf(pid, "writer"),
  ];
  return { children, reader: reader!.pid, answer };
}

function clusterTest(
  name: string,
  body: (cluster: TestCluster) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: !SEES_CHILDREN,
    async fn() {
      await using cluster = await TestCluster.start({ nodes: 1 });
      await body(cluster);
    },
  });
}

clusterTest(
  "H6 no child outlives a member that is killed, not in the middle of an endless query either",
  async (cluster) => {
    const { children, answer } = await busyChildren(cluster);
    assert.equal(children.length, 2);
    await cluster.process(1)!.kill();
    await until(() => children.every(({ pid }) => !isRunning(pid)), 60_000);
    await answer.catch(() => {});
  },
);

clusterTest(
  "H6 no child outlives a member that was told twice to stop",
  async (cluster) => {
    const { children, answer } = await busyChildren(cluster);
    const { pid } = cluster.process(1)!;
    Deno.kill(pid, "SIGTERM");
    await sleep(1200);
    if (isRunning(pid)) Deno.kill(pid, "SIGTERM");
    await until(() => !isRunning(pid), 60_000);
    await until(() => children.every(({ pid }) => !isRunning(pid)), 60_000);
    await answer.catch(() => {});
  },
);

clusterTest(
  "U14 a supervisor's signals do not end a member's children, and one that died is not the query's fault",
  async (cluster) => {
    const { children, reader } = await busyChildren(cluster);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      for (const { pid } of children) Deno.kill(pid, signal);
    }
    await sleep(200);
    assert.ok(children.every(({ pid }) => isRunning(pid)));
    const { status } = await ask(cluster, "execute", {
      sql: "CREATE TABLE t (a)",
    });
    assert.equal(status, 200);
    const answer = ask(cluster, "query", { sql: ENDLESS, timeout_ms: 20_000 });
    await until(
      () => childrenOf(cluster.process(1)!.pid, "reader").length === 2,
      60_000,
    );
    const other = childrenOf(cluster.process(1)!.pid, "reader")
      .find(({ pid }) => pid !== reader)!;
    await until(() => cpuOf(other.pid) > 30, 60_000);
    Deno.kill(other.pid, "SIGKILL");
    const refused = await answer;
    assert.equal(refused.status, 429, refused.text);
    assert.match(refused.text, /may be repeated.*SIGKILL/);
    const next = await ask(cluster, "query", { sql: "SELECT 1 AS one" });
    assert.equal(next.status, 200, next.text);
  },
);

clusterTest(
  "L3 children know no secret, and may touch the database's folder only",
  async (cluster) => {
    const { children } = await busyChildren(cluster);
    for (const { pid, args } of children) {
      const environment = printed("cat", `/proc/${pid}/environ`);
      assert.ok(!/HQL_|secret/i.test(environment), environment);
      const allowed = [...args.matchAll(/--allow-(\w+)=(\S+)/g)]
        .map(([, what, where]) => `${what} ${where}`);
      const state = allowed.find((each) => each.startsWith("read "))!.slice(5);
      assert.ok(state.startsWith(`${cluster.dataDir(1)}/`), state);
      assert.deepEqual(allowed, [
        `read ${state}`,
        `write ${state}`,
        "sys statfs",
      ]);
      assert.ok(!/--allow-(all|net|env|run|ffi)|-A\b/.test(args), args);
    }
  },
);

clusterTest(
  "a member whose writer is killed answers the next write, and the killed one's",
  async (cluster) => {
    const { pid } = cluster.process(1)!;
    await ask(cluster, "execute", { sql: "CREATE TABLE t (a)" });
    for (let i = 0; i < 5; i++) {
      const [writer] = childrenOf(pid, "writer");
      const writing = Array.from(
        { length: 8 },
        (_, n) =>
          ask(cluster, "execute", {
            sql: `INSERT INTO t VALUES (${8 * i + n})`,
          }),
      );
      Deno.kill(writer!.pid, "SIGKILL");
      for (const answer of await Promise.all(writing)) {
        assert.equal(answer.status, 200, answer.text);
      }
    }
    const { text } = await ask(cluster, "query", {
      sql: "SELECT count(*), count(DISTINCT a) FROM t",
    });
    assert.match(text, /40,\s*40/);
  },
);

clusterTest(
  "H7 two queries at a time for far more than fits leave the member as it is",
  async (cluster) => {
    const { pid } = cluster.process(1)!;
    const large = Array(20).fill("zeroblob(600000000)").join(", ");
    const all = Array(20).fill("hex(zeroblob(33000000))").join(", ");
    const before = memoryOf(pid, "VmRSS");
    const answers = await Promise.all(
      [large, all, large, all].map((columns) =>
        ask(cluster, "query", { sql: `SELECT ${columns}` })
      ),
    );
    for (const { status, text } of answers) {
      assert.ok(status === 413 || status === 400, `${status} ${text}`);
    }
    assert.ok(memoryOf(pid, "VmHWM") - before < 200);
    for (const child of childrenOf(pid, "reader")) {
      assert.ok(memoryOf(child.pid, "VmHWM") < 1200);
    }
    const next = await ask(cluster, "query", { sql: "SELECT 1 AS one" });
    assert.equal(next.status, 200, next.text);
  },
);
