import assert from "node:assert/strict";
import { TestCluster } from "./harness.ts";
import { recover } from "./recover.ts";

const ROWS = 30;

Deno.test("hiqlite cluster recover: with two of three volumes lost, the third begins a new cluster that empty members join", async () => {
  await using cluster = await TestCluster.start();
  const api = cluster.api(3);
  await cluster.write(3, "CREATE TABLE t (n INTEGER PRIMARY KEY)");
  for (let n = 1; n <= ROWS; n++) {
    await cluster.write(3, `INSERT INTO t VALUES (${n})`);
  }
  const status = await api.cluster(20_000);
  const old = status.type === "ok" ? String(status.value.cluster_id) : "";
  const running = await recover(cluster.dataDir(3));
  assert.equal(running.code, 1);
  assert.match(running.out, /in use by another process/);

  for (const node of cluster.nodes) await cluster.killWithChildren(node);
  for (const lost of [1, 2]) {
    await Deno.remove(cluster.dataDir(lost), { recursive: true });
  }
  const shown = await recover(cluster.dataDir(3));
  assert.equal(shown.code, 0, shown.out);
  assert.match(shown.out, new RegExp(`Cluster +${old}`));
  assert.match(shown.out, new RegExp(`--confirm ${old}`));
  const wrong = await recover(cluster.dataDir(3), "--confirm", "yes");
  assert.equal(wrong.code, 1);
  assert.match(wrong.out, new RegExp(`To give up cluster ${old}`));
  const done = await recover(cluster.dataDir(3), "--confirm", old);
  assert.equal(done.code, 0, done.out);
  assert.match(done.out, /was given up. The new one is/);

  for (const node of [3, 1, 2]) await cluster.startMember(node);
  await cluster.waitReady();
  await cluster.write(3, "INSERT INTO t VALUES (1000)");
  const contents = await cluster.assertEqualContents();
  assert.equal(contents.t?.length, ROWS + 1);
  const now = await cluster.api(1).cluster(20_000);
  assert.equal(now.type, "ok");
  assert.notEqual(now.type === "ok" && now.value.cluster_id, old);
});
