import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { nodeIdOf } from "../../src/raft/types.ts";
import { run } from "../cli/fake_terminal.ts";
import { TestCluster } from "../cluster/harness.ts";
import { SteadyLoad } from "../cluster/steady_load.ts";
import { S3Stub } from "../s3/stub.ts";
import { forgetPeak, memoryOf } from "../state/sqlite/children.ts";
import { bucketVariables } from "./bucket.ts";
import { clientOf, untilBackups } from "./real_members.ts";
import { TestFolder } from "./stopped_member.ts";

const MIB = 1024 * 1024;

Deno.test("a backup of 64 MiB to S3 while clients write: the leader stays, no member needs 250 MiB more, and it is what its record says", async () => {
  await using folder = new TestFolder();
  await using stub = new S3Stub();
  const environment = {
    ...bucketVariables(stub),
    HQL_BACKUP_CRON: "",
    // A busy machine takes a leader's time by itself; a backup must not take seconds of it.
    HQL_ELECTION_TICKS: "50",
  };
  await using cluster = await TestCluster.start({ environment });
  await cluster.write(1, "CREATE TABLE big (id INTEGER PRIMARY KEY, pad BLOB)");
  for (let part = 0; part < 8; part++) {
    await cluster.write(
      1,
      "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2048) INSERT INTO big (pad) SELECT randomblob(4000) FROM n",
    );
  }
  await using client = clientOf(cluster, 1);
  const before = await client.cluster();
  const load = await SteadyLoad.start({
    cluster,
    clients: 4,
    pauseMs: 5,
    attempts: 1,
  });
  const memory = new Map(
    cluster.nodes.map((node) => {
      const { pid } = cluster.process(node)!;
      forgetPeak(pid);
      return [node, memoryOf(pid, "VmRSS")];
    }),
  );
  const record = await client.backup().finally(() => load.stop());
  const after = await client.cluster();
  assert.deepEqual([after.leader, after.term], [before.leader, before.term]);
  assert.notEqual(record.uploader, before.leader);
  assert.deepEqual(load.failures, []);
  assert.ok(load.acknowledged.length > 0);
  assert.ok(record.contents!.size > 64 * MIB);
  for (const [node, mib] of memory) {
    const grown = memoryOf(cluster.process(node)!.pid, "VmHWM") - mib;
    assert.ok(grown < 250, `member ${node} needed ${grown} MiB more`);
  }
  const copy = folder.at("copy.sqlite");
  const got = await run(
    ["backup", "get", record.name, "--to", copy],
    bucketVariables(stub),
  );
  assert.equal(got.code, 0, got.error);
  const db = new DatabaseSync(copy, { readOnly: true });
  const [checked] = db.prepare("PRAGMA integrity_check").all();
  const [meta] = db.prepare("SELECT idx, term, hash FROM _hql_meta").all();
  const [big] = db.prepare("SELECT count(*) AS n FROM big").all();
  db.close();
  assert.deepEqual({ ...checked }, { integrity_check: "ok" });
  const { index, term, hash } = record.contents!;
  assert.deepEqual({ ...meta }, { idx: index, term, hash });
  assert.deepEqual({ ...big }, { n: 8 * 2048 });
});

Deno.test("a schedule every two seconds through a change of leadership and the death of a leader: one object for each time that was begun, none twice", async () => {
  await using stub = new S3Stub();
  const environment = {
    ...bucketVariables(stub),
    HQL_BACKUP_CRON: "*/2 * * * * * *",
    HQL_BACKUP_KEEP_DAYS: "30",
  };
  await using cluster = await TestCluster.start({ environment });
  await cluster.write(1, "CREATE TABLE t (n INTEGER)");
  await using client = clientOf(cluster, 1);
  const done = (wanted: number, timeoutMs: number) =>
    untilBackups(
      client,
      `${wanted} backups`,
      timeoutMs,
      (all) => all.filter(({ state }) => state === "done").length >= wanted,
    );
  await done(2, 60_000);
  await client.transferLeadership(1);
  await done(4, 60_000);
  await client.transferLeadership(2);
  await cluster.killWithChildren(2);
  // If the dead one was taking a backup, it is looked for 30 s.
  await done(6, 120_000);
  await cluster.startMember(2);
  await cluster.waitReady();
  const records = await done(8, 120_000);
  const slots = records.map(({ slot }) => slot);
  assert.equal(new Set(slots).size, slots.length);
  assert.ok(slots.every((slot) => slot !== null && slot % 2_000 === 0));
  // What is taken now may be in the bucket already.
  const names = records.map(({ name }) => name);
  const taken = records.filter(({ state }) => state === "done")
    .map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const name of taken) assert.ok(stub.objects.has(name), name);
  const puts = stub.requests.filter((request) => request.startsWith("PUT "));
  for (const name of taken) {
    assert.equal(puts.filter((put) => put === `PUT ${name}`).length, 1, name);
  }
});

Deno.test("whoever takes a backup dies while it sends it: another one takes it, and there is one object", async () => {
  await using stub = new S3Stub();
  const environment = { ...bucketVariables(stub), HQL_BACKUP_CRON: "" };
  await using cluster = await TestCluster.start({ environment });
  await cluster.write(1, "CREATE TABLE t (n INTEGER)");
  const sent = Promise.withResolvers<void>();
  let silent = true;
  stub.fault = ({ method }) => {
    if (method !== "PUT" || !silent) return null;
    sent.resolve();
    return "silence";
  };
  await using first = clientOf(cluster, 1);
  const { leader } = await first.cluster();
  await using client = clientOf(cluster, nodeIdOf(leader!));
  const backup = client.backup();
  await sent.promise;
  const { uploader } = (await client.backups())[0]!;
  silent = false;
  await cluster.killWithChildren(nodeIdOf(uploader));
  const record = await backup;
  assert.equal(record.attempt, 2);
  assert.notEqual(record.uploader, uploader);
  assert.deepEqual([...stub.objects.keys()], [record.name]);
  await cluster.startMember(nodeIdOf(uploader));
  await cluster.waitReady();
  await using late = clientOf(cluster, nodeIdOf(uploader));
  assert.deepEqual(await late.backups(), [record]);
});
