import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { decodeAnswer } from "../../../src/state/answer.ts";
import { decodeBackupAnswer } from "../../../src/state/backups/codec.ts";
import type { BackupOperation } from "../../../src/state/backups/types.ts";
import { readBackupFile } from "../../../src/state/sqlite/files/backup_file.ts";
import { SMALL_DISKS, testNeeding } from "../../cluster/requirements.ts";
import { SmallDisk } from "../../cluster/small_disk.ts";
import { presentDriver, test } from "./drivers.ts";
import { command, execute, Subject } from "./subject.ts";
import { Direct } from "./direct.ts";

const BEGIN: BackupOperation = {
  kind: "begin",
  id: "b1",
  cluster: "c1",
  at: 1_000,
  slot: null,
  name: "b1.sqlite",
  uploader: "1.a",
};

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/** The numbers in a file, as any program reads them. */
function numbersIn(path: string): unknown[] {
  const connection = presentDriver().open(path, { readOnly: true });
  try {
    return connection.prepare("SELECT n FROM t ORDER BY n")!
      .all({ anonymous: [], named: null }).map(([n]) => n);
  } finally {
    connection.close();
  }
}

test("a snapshot that is kept while writes go on is one file with the state at exactly the index that it says", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, pad BLOB)");
  await subject.applyEntries(
    subject.entries([command({ kind: "backup", operation: BEGIN })]),
  );
  const began = subject.machine.applied.index;
  let writing = true;
  const writes = (async () => {
    // Entry by entry: each adds the row that is numbered as it is.
    while (writing) {
      const n = subject.machine.applied.index + 1;
      await subject.execute(`INSERT INTO t VALUES (${n}, zeroblob(3000))`);
    }
  })();
  const target = join(subject.dir, "kept.sqlite");
  try {
    while (subject.machine.applied.index < began + 20) await turn();
    const snapshot = await subject.snapshot();
    await snapshot.keep!(target);
    snapshot.release();
    assert.ok(subject.machine.applied.index > snapshot.last.index);
    const { applied, record } = readBackupFile(presentDriver(), target);
    assert.deepEqual(applied, snapshot.last);
    assert.equal(record?.id, "b1");
    assert.equal(record.cluster, "c1");
    assert.equal(record.began, began);
    assert.ok(applied.index >= began + 20);
    assert.deepEqual(
      numbersIn(target),
      Array.from({ length: applied.index - began }, (_, i) => began + 1 + i),
    );
  } finally {
    writing = false;
    await writes;
  }
  await subject.restart();
  assert.equal(fs.existsSync(target), true);
  assert.equal(fs.existsSync(`${target}-wal`), false);
});

test("keep() never writes over a file", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (n)");
  const target = join(subject.dir, "kept.sqlite");
  fs.writeFileSync(target, "precious");
  const snapshot = await subject.snapshot();
  await assert.rejects(snapshot.keep!(target), { code: "EEXIST" });
  snapshot.release();
  assert.equal(fs.readFileSync(target, "utf8"), "precious");
});

const diskTest = await testNeeding(SMALL_DISKS);

diskTest("keep() copies where a file cannot have a second name", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (n)");
  await using disk = await SmallDisk.mount(join(subject.dir, "disk"), 8);
  const target = join(disk.path, "kept.sqlite");
  const snapshot = await subject.snapshot();
  await snapshot.keep!(target);
  await assert.rejects(snapshot.keep!(target), { code: "EEXIST" });
  snapshot.release();
  assert.equal(fs.statSync(target).size, snapshot.size);
  const { applied } = readBackupFile(presentDriver(), target);
  assert.deepEqual(applied, snapshot.last);
});

test("a file with a flipped page is refused, and one that is no state of ours, too", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, pad BLOB)");
  await subject.execute(
    "INSERT INTO t SELECT value, zeroblob(900) FROM json_each('[1,2,3,4,5,6,7,8,9]')",
  );
  const target = join(subject.dir, "kept.sqlite");
  const snapshot = await subject.snapshot();
  await snapshot.keep!(target);
  snapshot.release();
  const bytes = fs.readFileSync(target);
  bytes.fill(0xff, bytes.length - 4096, bytes.length - 4000);
  fs.writeFileSync(target, bytes);
  assert.throws(() => readBackupFile(presentDriver(), target));
  const other = join(subject.dir, "other.sqlite");
  const connection = presentDriver().open(other, { readOnly: false });
  connection.exec("CREATE TABLE t (n)");
  connection.close();
  assert.throws(
    () => readBackupFile(presentDriver(), other),
    /no member of ours has written/,
  );
});

test("what is remembered of backups is part of the state: equal on members, and undone with its transaction", () => {
  using one = new Direct();
  using other = new Direct();
  const payloads = [
    command({ kind: "backup", operation: BEGIN }),
    command({ kind: "backup", operation: { ...BEGIN, id: "b2" } }),
    command(execute("CREATE TABLE t (n INTEGER PRIMARY KEY)")),
  ];
  const prepared = one.prepare(payloads);
  one.rollbackPrepared();
  assert.deepEqual(one.rows("SELECT count(*) FROM _hql_backups"), [[0]]);
  const answers = one.batch(payloads);
  other.batch(payloads);
  assert.equal(
    one.applier.position.hash,
    other.applier.position.hash,
  );
  const said = answers.slice(0, 2).map((answer) =>
    decodeBackupAnswer(decodeAnswer(answer).body)
  );
  assert.equal(said[0]!.ok, true);
  assert.deepEqual(said[1], {
    ok: false,
    detail: "The backup b1 is still being taken",
  });
  assert.equal(prepared.length, 3);
  const sql = "SELECT began, id, record FROM _hql_backups";
  assert.deepEqual(one.rows(sql), other.rows(sql));
  assert.equal(one.fail("DELETE FROM _hql_backups").code, "forbidden");
  const { lastInsertRowid } = one.ok("INSERT INTO t VALUES (NULL)");
  assert.equal(lastInsertRowid, 1);
});
