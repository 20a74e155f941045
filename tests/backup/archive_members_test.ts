import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { parseArchiveName } from "../../src/backup/names.ts";
import { nodeIdOf } from "../../src/raft/types.ts";
import { run } from "../cli/fake_terminal.ts";
import { TestCluster } from "../cluster/harness.ts";
import { objectsIn, untilArchived } from "./archived.ts";
import { clientOf } from "./real_members.ts";
import { databaseOf, TestFolder } from "./stopped_member.ts";

const SELECT = "SELECT n, text FROM t ORDER BY n";

function hashOf(rows: unknown): string {
  return createHash("sha256").update(JSON.stringify(rows)).digest("hex");
}

Deno.test("three members archive into one folder: the leader dies in the middle, and any index before, between and after is restored with the contents it had", async () => {
  await using folder = new TestFolder();
  const store = folder.at("store");
  const environment = {
    HQL_BACKUP_FOLDER: store,
    HQL_BACKUP_LOG_INTERVAL: "200ms",
    HQL_BACKUP_CRON: "",
  };
  await using cluster = await TestCluster.start({ environment });
  const names = () => objectsIn(store);
  const states = new Map<number, string>();
  let count = 0;
  const write = async (node: number, times: number): Promise<number> => {
    await using client = clientOf(cluster, node);
    let last = 0;
    for (let n = 0; n < times; n++) {
      ({ index: last } = await client.execute(
        "INSERT INTO t VALUES (?, hex(randomblob(4)) || unixepoch('subsec'))",
        [++count],
      ));
      states.set(
        last,
        hashOf(await client.query(SELECT, [], { consistency: "linearizable" })),
      );
    }
    return last;
  };
  await cluster.write(1, "CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)");
  // The first backup is begun by itself.
  await untilArchived(names, 1);
  await untilArchived(names, await write(1, 10));
  await using first = clientOf(cluster, 1);
  const { leader, clusterId } = await first.cluster();
  const dying = nodeIdOf(leader!);
  const [left, other] = cluster.nodes.filter((node) => node !== dying);
  await using client = clientOf(cluster, left!);
  await client.backup();
  await write(dying, 10);
  await cluster.killWithChildren(dying);
  const last = await write(other!, 10);
  const archive = await untilArchived(names, last);
  assert.equal(archive.clusterId, clusterId);
  assert.equal(archive.bases.length, 2);
  for (const node of cluster.nodes) await cluster.killWithChildren(node);

  // One after the other, whoever led: what two leaders have archived is the same.
  const parts = names().map(parseArchiveName).filter((part) =>
    part !== undefined
  )
    .toSorted((a, b) => a.first - b.first);
  assert.ok(parts.length >= 3);
  for (const [at, { first: begins }] of parts.slice(1).entries()) {
    assert.ok(begins <= parts[at]!.last + 1, `a hole before ${begins}`);
  }
  const indexes = [...states.keys()];
  const env = { HQL_BACKUP_FOLDER: store, HQL_DATA_DIR: folder.at("cli") };
  for (const index of [indexes[0]!, indexes[9]!, indexes[19]!, last]) {
    const target = folder.at(`to-${index}`);
    const { code, error } = await run(
      ["restore", "--to-index", `${index}`, "--data-dir", target],
      env,
    );
    assert.equal(code, 0, error);
    using db = new DatabaseSync(databaseOf(target));
    const rows = db.prepare(SELECT).all();
    assert.equal(hashOf(rows), states.get(index), `${index}`);
  }
  assert.equal(fs.existsSync(folder.at("cli")), false);
});
