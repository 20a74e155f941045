import assert from "node:assert/strict";
import { open } from "../../src/app/open.ts";
import { poll } from "../cluster/harness.ts";
import { S3Stub } from "../s3/stub.ts";
import { bucketOptions } from "./bucket.ts";
import { TestFolder } from "./stopped_member.ts";

Deno.test("backup_verify: the newest backup is read again, and one that another took the place of is found", async () => {
  await using folder = new TestFolder();
  await using stub = new S3Stub();
  await using db = await open({
    dataDir: folder.at("data"),
    ...bucketOptions(stub),
    backupCron: "",
    backupVerify: "* * * * * * *",
  });
  await db.execute("CREATE TABLE t (text TEXT)");
  const first = await db.backup();
  const found = (
    id: string,
    holds: (problem: string | null) => boolean,
  ): Promise<void> =>
    poll(`a look at ${id}`, 60_000, async () => {
      const record = (await db.backups()).find((each) => each.id === id);
      return record?.checked !== undefined && holds(record.checked.problem);
    });
  await found(first.id, (problem) => problem === null);
  assert.match(await db.metrics(), /^hiqlite_backups_bad 0$/m);
  const good = stub.objects.get(first.name)!;
  await db.execute("INSERT INTO t VALUES ('more')");
  const second = await db.backup();
  stub.objects.set(second.name, good);
  // One look may have come before that.
  await found(second.id, (problem) => /is another backup/.test(problem ?? ""));
  assert.match(await db.metrics(), /^hiqlite_backups_bad 1$/m);
});
