import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { nodeIdOf } from "../../src/raft/types.ts";
import { open } from "../../src/app/open.ts";
import { openThree } from "../open_three.ts";
import { run } from "../cli/fake_terminal.ts";
import { readBack, TestFolder } from "./stopped_member.ts";

Deno.test("backup() of a single member without a store: a file in its folder that restores to the state at the index it says", async () => {
  await using folder = new TestFolder();
  const dataDir = folder.at("source");
  const db = await open({ dataDir });
  await db.execute("CREATE TABLE t (text TEXT)");
  await db.execute("INSERT INTO t VALUES ('before')");
  const seen: string[] = [];
  const record = await db.backup({ progress: ({ state }) => seen.push(state) });
  await db.execute("INSERT INTO t VALUES ('after')");
  assert.deepEqual(await db.backups(), [record]);
  const { clusterId } = await db.cluster();
  const metrics = await db.metrics();
  await db.shutdown();
  assert.deepEqual(seen, ["running"]);
  assert.equal(record.state, "done");
  assert.equal(record.place, "folder");
  assert.equal(record.cluster, clusterId);
  assert.match(
    metrics,
    new RegExp(`^hiqlite_backup_last_index ${record.contents!.index}$`, "m"),
  );
  assert.match(metrics, /^hiqlite_backup_running 0$/m);
  const path = join(dataDir, "backups", record.name);
  const bytes = fs.readFileSync(path);
  assert.equal(bytes.length, record.contents!.size);
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
    .toHex();
  assert.equal(sha256, record.contents!.sha256);
  assert.deepEqual(fs.readdirSync(join(dataDir, "backups")), [record.name]);
  const target = folder.at("target");
  const { code, out } = await run([
    "restore",
    ...["--data-dir", target, "--from", `file:${path}`, "--json"],
  ]);
  assert.equal(code, 0);
  const restored = JSON.parse(out);
  assert.equal(restored.backup_of, clusterId);
  assert.equal(restored.applied.index, record.contents!.index);
  assert.deepEqual((await readBack(target)).rows, ["before"]);
});

Deno.test("a restored cluster goes on taking backups: what was being taken when the backup was made stands in nobody's way", async () => {
  await using folder = new TestFolder();
  const first = await open({ dataDir: folder.at("source") });
  await first.execute("CREATE TABLE t (text TEXT)");
  const { name } = await first.backup();
  await first.shutdown();
  const target = folder.at("target");
  const from = `file:${folder.at("source/backups")}/${name}`;
  await run(["restore", "--data-dir", target, "--from", from]);
  await using db = await open({ dataDir: target });
  const second = await db.backup();
  const [orphan, taken, ...more] = await db.backups();
  assert.equal(orphan!.state, "failed");
  assert.match(orphan!.error!, /went on as another one/);
  assert.deepEqual([taken, more], [second, []]);
});

Deno.test("backup() of three members while writes go on: a voter that does not lead takes it, it holds exactly the entries up to its index, and the leader stays", async () => {
  await using folder = new TestFolder();
  const { members } = await openThree(folder.path);
  try {
    const { leader, term } = await members[0]!.cluster();
    const leading = members[nodeIdOf(leader!) - 1]!;
    await leading.execute(
      "CREATE TABLE t (n INTEGER PRIMARY KEY, pad BLOB NOT NULL)",
    );
    let writing = true;
    const written = new Map<number, number>();
    const writes = (async () => {
      for (let n = 1; writing; n++) {
        const { index } = await leading.execute(
          "INSERT INTO t VALUES (?, zeroblob(2000))",
          [n],
        );
        written.set(n, index);
      }
    })();
    while (written.size < 20) await new Promise((done) => setTimeout(done, 5));
    const record = await leading.backup();
    const later = written.size + 20;
    while (written.size < later) {
      await new Promise((done) => setTimeout(done, 5));
    }
    writing = false;
    await writes;
    assert.notEqual(record.uploader, leader);
    const after = await leading.cluster();
    assert.deepEqual([after.leader, after.term], [leader, term]);
    const taker = nodeIdOf(record.uploader);
    const path = join(folder.at(`${taker}`), "backups", record.name);
    for (const id of [1, 2, 3].filter((id) => id !== taker)) {
      assert.equal(fs.existsSync(folder.at(`${id}/backups`)), false);
    }
    const target = folder.at("target");
    const { code, error } = await run([
      "restore",
      ...["--data-dir", target, "--from", `file:${path}`],
    ]);
    assert.equal(code, 0, error);
    await using restored = await open({ dataDir: target });
    const rows = await restored.query<{ n: number }>("SELECT n FROM t");
    const expected = [...written].filter(([, index]) =>
      index <= record.contents!.index
    ).map(([n]) => n);
    assert.deepEqual(rows.map(({ n }) => n), expected);
    assert.ok(expected.length >= 20 && expected.length < written.size);
  } finally {
    await Promise.all(members.map((member) => member.shutdown()));
  }
});

Deno.test("with backup_keep_days_local every member has a copy, and old ones go but never the newest", async () => {
  await using folder = new TestFolder();
  const { members } = await openThree(folder.path, { backupKeepDaysLocal: 2 });
  try {
    const [db] = members;
    await db!.execute("CREATE TABLE t (text TEXT)");
    const old = "backup_node_1_1000.sqlite";
    for (const id of [1, 2, 3]) {
      fs.mkdirSync(folder.at(`${id}/backups`), { mode: 0o700 });
      fs.writeFileSync(folder.at(`${id}/backups/${old}`), "old");
      fs.writeFileSync(folder.at(`${id}/backups/mine.txt`), "mine");
    }
    const { name } = await db!.backup();
    for (const id of [1, 2, 3]) {
      const path = folder.at(`${id}/backups`);
      const wanted = ["mine.txt", name].toSorted();
      for (let looks = 0;; looks++) {
        const found = fs.readdirSync(path).toSorted();
        if (`${found}` === `${wanted}`) break;
        assert.ok(looks < 600, `${id}: ${found}`);
        await new Promise((done) => setTimeout(done, 50));
      }
    }
  } finally {
    await Promise.all(members.map((member) => member.shutdown()));
  }
});

Deno.test("a second backup while one is being taken is refused, and the same key begins one", async () => {
  await using folder = new TestFolder();
  await using db = await open({ dataDir: folder.at("source") });
  const [first, again] = await Promise.all([
    db.backup({ idempotencyKey: "nightly" }),
    db.backup({ idempotencyKey: "nightly" }),
  ]);
  assert.deepEqual(first, again);
  const outcomes = await Promise.allSettled([db.backup(), db.backup()]);
  const [refused] = outcomes.filter(({ status }) => status === "rejected");
  assert.match(
    (refused as PromiseRejectedResult).reason.message,
    /is still being taken/,
  );
  assert.equal((await db.backups()).length, 2);
});
