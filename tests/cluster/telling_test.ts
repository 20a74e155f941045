import assert from "node:assert/strict";
import { poll, SECRET_API, TestCluster } from "./harness.ts";
import { run } from "../cli/fake_terminal.ts";

const PATIENCE_MS = 60_000;

/** What `hiqlite cluster status --json` says, and how it ends. */
async function status(url: string): Promise<{
  readonly code: number;
  // deno-lint-ignore no-explicit-any -- what a program reads from it
  readonly said: any;
}> {
  const args = ["cluster", "status", "--json", "--timeout=10", `--url=${url}`];
  const { code, out } = await run(args, { HQL_SECRET_API: SECRET_API });
  return { code, said: out === "" ? {} : JSON.parse(out) };
}

Deno.test("real members tell of real disks and links, and status exits by how they are", async (t) => {
  await using cluster = await TestCluster.start();
  await cluster.waitReady();
  await cluster.write(1, "CREATE TABLE t (a)");
  const leader = await cluster.waitLeader();
  const [asked, second] = cluster.nodes.filter((node) => node !== leader);
  const url = cluster.network.apiUrl(asked!);
  const untilCode = (code: number): Promise<void> =>
    poll(
      `status to exit with ${code}`,
      PATIENCE_MS,
      async () => (await status(url)).code === code,
    );

  await t.step(
    "healthy: 0, and every report has what was measured",
    async () => {
      await poll("reports with a write", PATIENCE_MS, async () => {
        const { code, said } = await status(url);
        return code === 0 &&
          said.reports.every(({ report }: { report: { db_bytes: number } }) =>
            report.db_bytes > 0
          );
      });
      const { said } = await status(url);
      assert.equal(said.health, "healthy");
      for (const { report } of said.reports) {
        assert.ok(report.log_bytes > 0);
        assert.ok(report.disk_free_bytes > 0);
        assert.equal(report.peers.length, 2);
      }
      const metrics = await (await fetch(`${url}/metrics`)).text();
      assert.match(metrics, /^hiqlite_fsync_seconds_count [1-9]/m);
      assert.match(metrics, /^hiqlite_disk_free_bytes [1-9]/m);
      assert.match(metrics, /^hiqlite_db_bytes [1-9]/m);
    },
  );

  await t.step("one killed: 4", async () => {
    await cluster.killMember(second!);
    // On its way there it has another problem for a moment: what says nothing any more, and what is behind.
    const only = `node ${second} is not reached`;
    await poll(`only "${only}"`, PATIENCE_MS, async () => {
      const { code, said } = await status(url);
      return code === 4 && said.problems.join() === only;
    });
  });

  await t.step("two killed: 5, and the events say so", async () => {
    await cluster.killMember(leader);
    await untilCode(5);
    const args = ["cluster", "events", `--url=${url}`];
    const events = () => run(args, { HQL_SECRET_API: SECRET_API });
    await poll(
      "an election that nobody wins",
      PATIENCE_MS,
      async () => /leaderless/.test((await events()).out),
    );
    const { code, out, error } = await events();
    assert.equal(code, 0);
    for (const gone of [leader, second]) {
      assert.match(
        out,
        new RegExp(`contact_lost +the link to node ${gone} is`),
      );
    }
    assert.match(error, /No answer from node \d, \d/);
  });
});
