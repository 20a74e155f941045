import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseFiles } from "../../../src/state/sqlite/files/files.ts";
import type { SqlValue } from "../../../src/state/sql/types.ts";
import { command, execute, Subject } from "./subject.ts";
import { settled } from "../machine_calls.ts";
import { test } from "./drivers.ts";
import { read, receive, transfer } from "./transfer.ts";

async function filled(): Promise<Subject> {
  const subject = await Subject.open();
  await subject.execute("CREATE TABLE t (a, b DEFAULT (random()))");
  await subject.run({ kind: "openSession" });
  const session = subject.machine.applied.index;
  for (let sequence = 1; sequence <= 20; sequence++) {
    await subject.run(execute("INSERT INTO t (a) VALUES (randomblob(500))"), {
      session,
      sequence,
      answeredBelow: 1,
    });
  }
  await subject.execute("DELETE FROM t WHERE rowid % 3 = 0");
  return subject;
}

test("§1.5 install() makes a received snapshot the state: same rows, rowids, sessions, and the same from then on", async () => {
  await using source = await filled();
  await using target = await Subject.open();
  await target.execute("CREATE TABLE old (x)");
  assert.deepEqual(target.rows("SELECT * FROM old"), []);
  const snapshot = await source.snapshot();
  const sink = await transfer(snapshot, target);
  await settled((done) => sink.finish(snapshot, done));
  await settled((done) => target.machine.install(snapshot.last, done));
  snapshot.release();
  assert.deepEqual(target.machine.applied, source.machine.applied);
  assert.equal(await target.dump(), await source.dump());
  const next = [
    command(execute("INSERT INTO t (a) SELECT last_insert_rowid() FROM t")),
    command(execute("INSERT INTO t (a) VALUES (1) RETURNING rowid, *")),
  ];
  assert.deepEqual(
    await target.apply(...next),
    await source.apply(...next),
  );
  await target.restart();
  assert.equal(await target.dump(), await source.dump());
});

test("install() lets every query see the old or the new state, and only the new one after it", async () => {
  await using source = await filled();
  await using target = await Subject.open();
  const snapshot = await source.snapshot();
  const sink = await transfer(snapshot, target);
  await settled((done) => sink.finish(snapshot, done));
  let done = false;
  const installed = settled((done) =>
    target.machine.install(snapshot.last, done)
  ).then(() => done = true);
  const sql = "SELECT count(*) FROM sqlite_schema WHERE name = 't'";
  const seen: unknown[] = [];
  while (!done) seen.push((await target.machine.query({ sql })).rows[0]![0]);
  await installed;
  snapshot.release();
  assert.deepEqual(seen, seen.toSorted());
  assert.deepEqual((await target.machine.query({ sql })).rows, [[1]]);
});

test("querySync() reads the old or the new state while install() goes on, and the new one after", async () => {
  await using source = await filled();
  await using target = await Subject.open();
  await target.execute("CREATE TABLE t (a, b)");
  const snapshot = await source.snapshot();
  const sink = await transfer(snapshot, target);
  await settled((done) => sink.finish(snapshot, done));
  const count = "SELECT count(*) FROM t";
  const [[before], [after]] = [target.rows(count), source.rows(count)];
  let installing = true;
  const installed = settled((done) =>
    target.machine.install(snapshot.last, done)
  ).finally(() => installing = false);
  const seen = new Set<SqlValue>();
  while (installing) {
    seen.add(target.rows(count)[0]![0]!);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await installed;
  snapshot.release();
  for (const rows of seen) assert.ok(rows === before![0] || rows === after![0]);
  assert.deepEqual(target.rows(count), [after]);
});

test("install() lets a running query end on the old state; its reader then reads the new one", async () => {
  await using source = await filled();
  await using target = await Subject.open();
  await target.execute("CREATE TABLE t (a, b)");
  const snapshot = await source.snapshot();
  const sink = await transfer(snapshot, target);
  await settled((done) => sink.finish(snapshot, done));
  // The only reader has started, and takes the query at once.
  await target.machine.query({ sql: "SELECT 1" });
  const running = target.machine.query({
    sql:
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 300000) SELECT count(*) - 300000 + (SELECT count(*) FROM t) FROM c",
  });
  await settled((done) => target.machine.install(snapshot.last, done));
  const count = { sql: "SELECT count(*) FROM t" };
  const next = await target.machine.query(count);
  assert.deepEqual((await running).rows, [[0]]);
  assert.deepEqual(next.rows, source.rows(count.sql));
  snapshot.release();
});

test("install() leaves nothing of the old state and of what was received", async () => {
  await using source = await filled();
  await using target = await Subject.open();
  const snapshot = await source.snapshot();
  (await transfer(snapshot, target)).abort();
  const sink = await transfer(snapshot, target);
  await settled((done) => sink.finish(snapshot, done));
  await settled((done) => target.machine.install(snapshot.last, done));
  snapshot.release();
  await target.close();
  await source.close();
  const names = (path: string) =>
    [...Deno.readDirSync(path)].map((entry) => entry.name).sort();
  assert.deepEqual(names(target.dir), [
    "current",
    "db-00000002",
    "incoming",
    "snapshots",
    "tmp",
  ]);
  assert.deepEqual(names(join(target.dir, "incoming")), []);
  assert.deepEqual(names(join(source.dir, "snapshots")), []);
});

test("§1.5 snapshot() does not stop the writer and holds one moment", async () => {
  await using subject = await filled();
  const building = subject.snapshot();
  const before = subject.machine.applied.index;
  for (let i = 0; i < 5; i++) {
    await subject.execute("INSERT INTO t VALUES (1, 2)");
  }
  const snapshot = await building;
  assert.ok(snapshot.last.index >= before);
  assert.ok(snapshot.last.index <= before + 5);
  snapshot.release();
});

test("§1.5 finish() refuses a snapshot that arrived damaged", async () => {
  await using source = await filled();
  await using target = await Subject.open();
  const before = await target.dump();
  const snapshot = await source.snapshot();
  const sink = await receive(target, snapshot.last);
  const bytes = (await read(snapshot, 0, snapshot.size)).slice();
  bytes[bytes.length >> 1]! ^= 1;
  await settled((done) => sink.write(bytes, done));
  await assert.rejects(
    settled((done) => sink.finish(snapshot, done)),
    /arrived damaged/,
  );
  await assert.rejects(
    settled((done) => target.machine.install(snapshot.last, done)),
    /no received snapshot/,
  );
  snapshot.release();
  assert.equal(await target.dump(), before);
});

test("install() refuses a snapshot of another entry than its sender said, and keeps the state", async () => {
  await using source = await filled();
  await using target = await Subject.open();
  await target.execute("CREATE TABLE kept (x)");
  const snapshot = await source.snapshot();
  const last = { term: 1, index: snapshot.last.index + 1 };
  const sink = await receive(target, last);
  await settled(async (done) =>
    sink.write(await read(snapshot, 0, snapshot.size), done)
  );
  await settled((done) => sink.finish(snapshot, done));
  await assert.rejects(
    settled((done) => target.machine.install(last, done)),
    /contains entry/,
  );
  snapshot.release();
  assert.deepEqual(target.rows("SELECT * FROM kept"), []);
});

test("§1.5 installSteps() leave the old or the new state, wherever a crash stops them", async () => {
  await using source = await filled();
  const snapshot = await source.snapshot();
  const bytes = await read(snapshot, 0, snapshot.size);
  snapshot.release();
  const newState = await source.dump();
  await using target = await Subject.open();
  await target.execute("CREATE TABLE old (x)");
  await target.execute("INSERT INTO old VALUES (1)");
  const oldState = await target.dump();
  // Only the last one takes the old state's place, so the others find it as the one before left it.
  for (let stop = 0; stop <= 5; stop++) {
    await target.close();
    const files = new DatabaseFiles(target.dir, "test.db");
    const received = files.incomingPath("received.db");
    await Deno.writeFile(received, bytes);
    const steps = files.installSteps(received);
    assert.equal(steps.length, 5);
    for (const step of steps.slice(0, stop)) await step();
    await target.restart();
    assert.equal(await target.dump(), stop === 5 ? newState : oldState);
    const folders = [...Deno.readDirSync(target.dir)]
      .filter((entry) => entry.name.startsWith("db-"));
    assert.equal(folders.length, 1, `stopped after ${stop}`);
    assert.deepEqual([...Deno.readDirSync(join(target.dir, "incoming"))], []);
  }
});

test("openSqliteMachine() finds what was applied", async () => {
  await using subject = await filled();
  const before = await subject.dump();
  const applied = subject.machine.applied;
  await subject.restart();
  assert.deepEqual(subject.machine.applied, applied);
  assert.equal(await subject.dump(), before);
});

test("checkpoint() answers the applied index, also while a reader holds an old state", async () => {
  await using subject = await filled();
  const slow = subject.machine.query({
    sql:
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 300000) SELECT count(*) FROM c, t LIMIT 1",
  });
  await subject.execute("INSERT INTO t VALUES (1, 2)");
  assert.equal(await subject.checkpoint(), subject.machine.applied.index);
  await slow;
});

test("checkpoint() works before anything was written", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (a)");
  await subject.restart();
  assert.equal(await subject.checkpoint(), 1);
});

test("the WAL stays short while big batches are applied", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (a)");
  // More than it may be long.
  for (let i = 0; i < 9; i++) {
    await subject.execute(
      "INSERT INTO t SELECT zeroblob(8000000) FROM (VALUES (1), (2))",
    );
  }
  const { size } = await Deno.stat(
    join(subject.dir, "db-00000001", "test.db-wal"),
  );
  assert.ok(size < 128 * 1024 * 1024, `${size} bytes`);
});
