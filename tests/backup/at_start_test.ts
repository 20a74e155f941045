import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { open } from "../../src/app/open.ts";
import { Logger } from "../../src/util/logger.ts";
import { databaseOf, dataHashes, fill, TestFolder } from "./stopped_member.ts";

Deno.test("HQL_BACKUP_RESTORE of a single member restores once, over data, too, and says so", async () => {
  await using folder = new TestFolder();
  await fill(folder.at("source"), ["a"]);
  const backup = folder.at("backup.sqlite");
  fs.copyFileSync(databaseOf(folder.at("source")), backup);
  const dataDir = folder.at("target");
  const old = await fill(dataDir, ["old"]);
  const lines: string[] = [];
  const logger = new Logger("info", ({ message }) => void lines.push(message));
  const options = { dataDir, backupRestore: `file:${backup}`, logger };
  const first = await open(options);
  const { clusterId } = await first.cluster();
  assert.deepEqual(await first.query("SELECT text FROM t"), [{ text: "a" }]);
  await first.execute("INSERT INTO t VALUES ('later')");
  await first.shutdown();
  assert.notEqual(clusterId, old);
  assert.ok(lines.some((line) => line === `file:${backup} is restored`));
  assert.equal(fs.readdirSync(join(dataDir, "quarantine")).length, 1);

  await using again = await open(options);
  assert.equal((await again.cluster()).clusterId, clusterId);
  assert.equal((await again.query("SELECT text FROM t")).length, 2);
  assert.ok(lines.some((line) => line.includes("was restored before")));
});

Deno.test("HQL_BACKUP_RESTORE of what cannot be restored stops the start, and the data is as it was", async () => {
  await using folder = new TestFolder();
  const dataDir = folder.at("target");
  await fill(dataDir, ["old"]);
  const before = dataHashes(dataDir);
  const nowhere = `file:${folder.at("nowhere.sqlite")}`;
  await assert.rejects(open({ dataDir, backupRestore: nowhere }), {
    code: "invalid",
    message: /nowhere\.sqlite cannot be restored/,
  });
  assert.deepEqual(dataHashes(dataDir), before);
  await using db = await open({ dataDir });
  assert.equal((await db.query("SELECT text FROM t")).length, 1);
});
