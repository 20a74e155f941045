import assert from "node:assert/strict";
import * as fs from "node:fs";
import { S3Stub } from "../s3/stub.ts";
import { run } from "../cli/fake_terminal.ts";
import { poll, SECRET_API, TestCluster } from "../cluster/harness.ts";
import { bucketVariables } from "./bucket.ts";

const ROWS = 25;

async function clusterIdOf(
  cluster: TestCluster,
  node: number,
): Promise<string> {
  const answer = await cluster.api(node).cluster(20_000);
  assert.equal(answer.type, "ok");
  return answer.type === "ok" ? String(answer.value.cluster_id) : "";
}

/** Has the running cluster take a backup, from the command line; its name. */
async function backUp(cluster: TestCluster): Promise<string> {
  const { code, out, error } = await run([
    "backup",
    "now",
    "--json",
    "--url",
    cluster.network.apiUrl(1),
  ], { HQL_SECRET_API: SECRET_API });
  assert.equal(code, 0, error);
  return JSON.parse(out).name;
}

async function fill(cluster: TestCluster): Promise<void> {
  await cluster.write(1, "CREATE TABLE t (n INTEGER PRIMARY KEY)");
  for (let n = 1; n <= ROWS; n++) {
    await cluster.write((n % 3) + 1, `INSERT INTO t VALUES (${n})`);
  }
}

Deno.test("You lose a cluster node: without any backup its emptied volume is filled from the others", async () => {
  await using cluster = await TestCluster.start();
  await fill(cluster);
  const id = await clusterIdOf(cluster, 1);
  await cluster.killWithChildren(2);
  await Deno.remove(cluster.dataDir(2), { recursive: true });
  await cluster.startMember(2);
  await cluster.waitReady();
  assert.equal(await clusterIdOf(cluster, 2), id);
  const contents = await cluster.assertEqualContents();
  assert.equal(contents.t?.length, ROWS);
});

Deno.test("You lose the full cluster: HQL_BACKUP_RESTORE on all, start, and it is there again; the variable acts once", async () => {
  await using stub = new S3Stub();
  const s3 = { ...bucketVariables(stub), HQL_BACKUP_CRON: "" };
  await using cluster = await TestCluster.start({ environment: s3 });
  await fill(cluster);
  const before = await clusterIdOf(cluster, 1);
  const name = await backUp(cluster);
  assert.deepEqual([...stub.objects.keys()], [name]);
  await cluster.write(1, "INSERT INTO t VALUES (1000)");

  // 1. The cluster is shut down. One member even lost its volume.
  for (const node of cluster.nodes) await cluster.killWithChildren(node);
  await Deno.remove(cluster.dataDir(3), { recursive: true });
  // 2. The name of the backup goes into the variable.
  for (const node of cluster.nodes) {
    cluster.setEnvironment(node, { HQL_BACKUP_RESTORE: `s3:${name}` });
  }
  // 3. The cluster is started again: members that come first wait, and keep what they have.
  await cluster.startMember(2);
  await cluster.startMember(3);
  await cluster.startMember(1);
  await cluster.waitReady();
  const restored = await clusterIdOf(cluster, 1);
  assert.notEqual(restored, before);
  const contents = await cluster.assertEqualContents();
  assert.equal(contents.t?.length, ROWS);
  assert.ok(fs.existsSync(`${cluster.dataDir(1)}/quarantine`));
  assert.ok(fs.existsSync(`${cluster.dataDir(2)}/quarantine`));
  await cluster.write(2, "INSERT INTO t VALUES (2000)");

  // 4. The variable was forgotten: nothing is restored again, whatever restarts or is lost.
  for (const node of cluster.nodes) await cluster.killWithChildren(node);
  for (const node of cluster.nodes) await cluster.startMember(node);
  await cluster.waitReady();
  await cluster.killWithChildren(1);
  await Deno.remove(cluster.dataDir(1), { recursive: true });
  await cluster.startMember(1);
  await cluster.waitReady();
  assert.equal(await clusterIdOf(cluster, 1), restored);
  const after = await cluster.assertEqualContents();
  assert.equal(after.t?.length, ROWS + 1);
});

Deno.test("a restore that fails leaves every member's data: the cluster goes on once the variable is gone", async () => {
  await using stub = new S3Stub();
  const s3 = { ...bucketVariables(stub), HQL_BACKUP_CRON: "" };
  await using cluster = await TestCluster.start({ environment: s3 });
  await fill(cluster);
  const before = await clusterIdOf(cluster, 1);
  for (const node of cluster.nodes) await cluster.killWithChildren(node);
  for (const node of cluster.nodes) {
    cluster.setEnvironment(node, {
      HQL_BACKUP_RESTORE: "s3:backup_node_1_1000.sqlite",
    });
    await cluster.startMember(node);
  }
  // Node 1 finds no such backup, says so, and ends.
  await poll(
    "member 1 to end",
    60_000,
    () => Promise.resolve(cluster.process(1) === undefined),
  );
  for (const node of [2, 3]) await cluster.killWithChildren(node);
  assert.equal(cluster.complaints.length, 1, `${cluster.complaints}`);
  cluster.complaints.length = 0;
  for (const node of cluster.nodes) {
    cluster.setEnvironment(node, {});
    await cluster.startMember(node);
  }
  await cluster.waitReady();
  assert.equal(await clusterIdOf(cluster, 2), before);
  const contents = await cluster.assertEqualContents();
  assert.equal(contents.t?.length, ROWS);
});

Deno.test("a member of a running cluster that is told alone to restore waits, harms nobody, and is back as itself once the variable is gone", async () => {
  await using cluster = await TestCluster.start();
  await fill(cluster);
  const before = await cluster.api(1).cluster(20_000);
  assert.equal(before.type, "ok");
  await cluster.killWithChildren(2);
  cluster.setEnvironment(2, { HQL_BACKUP_RESTORE: "file:/nowhere.sqlite" });
  await cluster.startMember(2);
  await poll(
    "member 2 to wait",
    60_000,
    async () => /waiting until node 1 has restored/.test(await cluster.log(2)),
  );
  await cluster.write(1, "INSERT INTO t VALUES (3000)");
  await cluster.write(3, "INSERT INTO t VALUES (3001)");
  await cluster.killWithChildren(2);
  cluster.setEnvironment(2, {});
  await cluster.startMember(2);
  await cluster.waitReady();
  const after = await cluster.api(1).cluster(20_000);
  assert.ok(before.type === "ok" && after.type === "ok");
  assert.deepEqual(
    after.value.members.map(({ id }) => id),
    before.value.members.map(({ id }) => id),
  );
  assert.equal(fs.existsSync(`${cluster.dataDir(2)}/quarantine`), false);
  const contents = await cluster.assertEqualContents();
  assert.equal(contents.t?.length, ROWS + 2);
});
