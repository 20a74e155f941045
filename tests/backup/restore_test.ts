import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { open } from "../../src/app/open.ts";
import { run } from "../cli/fake_terminal.ts";
import {
  databaseOf,
  dataHashes,
  fill,
  makeForeign,
  readBack,
  TestFolder,
} from "./stopped_member.ts";

/** A backup with the rows `a`, `b`, and another member with the row `old`. */
async function scene(folder: TestFolder): Promise<{
  backup: string;
  target: string;
  old: string;
}> {
  await fill(folder.at("source"), ["a", "b"]);
  const backup = folder.at("backup.sqlite");
  fs.copyFileSync(databaseOf(folder.at("source")), backup);
  const target = folder.at("target");
  const old = await fill(target, ["old"]);
  return { backup, target, old };
}

const restore = (dir: string, ...more: string[]) =>
  run(["restore", "--data-dir", dir, ...more]);

Deno.test("restore into an empty folder begins a new cluster with the backup", async () => {
  await using folder = new TestFolder();
  const { backup } = await scene(folder);
  const target = folder.at("empty");
  const { code, out, error } = await restore(
    target,
    "--from",
    `file:${backup}`,
  );
  assert.equal(code, 0, error);
  assert.match(error, /Copying .*\n.*Checking every page.*\n.*Beginning a new/);
  const [, id] = /The new cluster is ([0-9a-f-]{36}),/.exec(out)!;
  assert.deepEqual(await readBack(target), { rows: ["a", "b"], clusterId: id });
  assert.equal(fs.existsSync(join(target, "restore.tmp")), false);
});

Deno.test("restore over data asks to confirm with its cluster's id, and changes nothing without", async () => {
  await using folder = new TestFolder();
  const { backup, target, old } = await scene(folder);
  const before = dataHashes(target);
  for (const more of [[], ["--confirm", "another"]]) {
    const { code, error } = await restore(
      target,
      "--from",
      `file:${backup}`,
      ...more,
    );
    assert.equal(code, 1);
    assert.match(error, new RegExp(`data of cluster ${old} here`));
    assert.equal(/names another one: another\./.test(error), more.length > 0);
  }
  assert.deepEqual(dataHashes(target), before);
  const { code, out } = await restore(
    target,
    ...["--from", `file:${backup}`, "--confirm", old],
  );
  assert.equal(code, 0);
  assert.match(out, /what was there is in .*quarantine/);
  const { rows, clusterId } = await readBack(target);
  assert.deepEqual(rows, ["a", "b"]);
  assert.notEqual(clusterId, old);
  const [kept] = fs.readdirSync(join(target, "quarantine"));
  const moved = dataHashes(join(target, "quarantine", kept!));
  for (const [name, hash] of Object.entries(moved)) {
    assert.equal(hash, before[name], name);
  }
  assert.ok("identity.json" in moved);
});

Deno.test("a restored member is another one: new incarnation, new cluster, itself the only voter", async () => {
  await using folder = new TestFolder();
  const { backup, target, old } = await scene(folder);
  await restore(target, "--from", `file:${backup}`, "--confirm", old);
  await using db = await open({ dataDir: target });
  const { members, self } = await db.cluster();
  assert.deepEqual(members.map(({ id, role }) => [id, role]), [[
    self,
    "leader",
  ]]);
});

Deno.test("tokens of locks grow on after a restore, and a fence of before counts no more once its lease has ended", async () => {
  await using folder = new TestFolder();
  const source = folder.at("source");
  let before: number;
  {
    await using db = await open({ dataDir: source });
    await db.execute("CREATE TABLE t (text TEXT)");
    const lock = await db.lock("job", { ttlMs: 1_000 });
    before = lock.token;
    await lock.release();
  }
  const target = folder.at("target");
  const { code } = await restore(
    target,
    "--from",
    `file:${databaseOf(source)}`,
  );
  assert.equal(code, 0);
  await using db = await open({ dataDir: target });
  const lock = await db.lock("job", { ttlMs: 1_000 });
  assert.ok(lock.token > before, `${lock.token} after ${before}`);
  await assert.rejects(
    db.execute("INSERT INTO t VALUES ('late')", [], {
      fence: { name: "job", token: before },
    }),
    { code: "fenced" },
  );
});

Deno.test("restore refuses what is damaged, no database, another's, in use or not there, and leaves the data byte for byte", async () => {
  await using folder = new TestFolder();
  const { backup, target, old } = await scene(folder);
  const before = dataHashes(target);
  const bad = (name: string, bytes: Uint8Array): string => {
    fs.writeFileSync(folder.at(name), bytes);
    return `file:${folder.at(name)}`;
  };
  const whole = fs.readFileSync(backup);
  const torn = Uint8Array.from(whole);
  torn.fill(0xff, 4096, 4096 + 400);
  const foreign = folder.at("foreign.sqlite");
  makeForeign(foreign, ["CREATE TABLE t (n)"]);
  fs.copyFileSync(backup, folder.at("open.sqlite"));
  fs.writeFileSync(folder.at("open.sqlite-wal"), "frames");
  const cases: [string, RegExp][] = [
    [
      bad("half.sqlite", whole.subarray(0, whole.length / 2)),
      /cannot be res|is damaged/,
    ],
    [bad("torn.sqlite", torn), /cannot be restored|is damaged/],
    [
      bad("text.sqlite", new TextEncoder().encode("x".repeat(9000))),
      /cannot be restored/,
    ],
    [`file:${foreign}`, /no member of ours has written/],
    [`file:${folder.at("open.sqlite")}`, /has a WAL beside it/],
    [`file:${folder.at("nowhere")}`, /cannot be restored: .*no such file/i],
    ["ftp:x", /Restore from/],
    ["file:", /Restore from/],
  ];
  for (const [source, expected] of cases) {
    const { code, error } = await restore(
      target,
      ...["--from", source, "--confirm", old],
    );
    assert.equal(code, 1, source);
    assert.match(error, expected);
    assert.deepEqual(dataHashes(target), before, source);
    assert.equal(fs.existsSync(join(target, "restore.tmp")), false);
  }
  assert.deepEqual((await readBack(target)).rows, ["old"]);
});

Deno.test("restore of a member that runs is refused", async () => {
  await using folder = new TestFolder();
  const { backup, target, old } = await scene(folder);
  await using db = await open({ dataDir: target });
  const { code, error } = await restore(
    target,
    ...["--from", `file:${backup}`, "--confirm", old],
  );
  assert.equal(code, 1);
  assert.match(error, /in use by another process/);
  assert.equal((await db.query("SELECT * FROM t")).length, 1);
});

Deno.test("restore needs one source, and says how it is used", async () => {
  assert.equal((await run(["restore"])).code, 2);
  const both = ["restore", "--from", "file:x", "--import", "y"];
  assert.equal((await run(both)).code, 2);
  const { code, out } = await run(["restore", "--help"]);
  assert.equal(code, 0);
  assert.match(out, /^Usage: hiqlite restore --from/);
});

const HIQLITE = [
  "CREATE TABLE _metadata (key TEXT PRIMARY KEY, data BLOB NOT NULL)",
  "INSERT INTO _metadata VALUES ('meta', x'00')",
  "CREATE TABLE _migrations (id INTEGER NOT NULL CONSTRAINT _migrations_pk PRIMARY KEY, name TEXT NOT NULL, ts INTEGER NOT NULL, hash TEXT NOT NULL)",
  `INSERT INTO _migrations VALUES (1, 'init', 5, '${"8f8b5e4d3ce2ff6a8d61e5bbbb6b4c5c2ca4f6c9a7b0d2a5b1a7d0cbb2e7d9f0"}')`,
  "CREATE TABLE t (text TEXT)",
  "INSERT INTO t VALUES ('from hiqlite')",
];

Deno.test("restore --import begins a cluster with Hiqlite's own backup: without _metadata, with its migrations known", async () => {
  await using folder = new TestFolder();
  const sql = "CREATE TABLE t (text TEXT)";
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(sql),
  );
  const hash = new Uint8Array(digest).toHex();
  makeForeign(folder.at("hiqlite.sqlite"), [
    "PRAGMA journal_mode = WAL",
    ...HIQLITE,
    `UPDATE _migrations SET hash = '${hash}'`,
  ]);
  const target = folder.at("target");
  const { code, error } = await restore(
    target,
    ...["--import", folder.at("hiqlite.sqlite")],
  );
  assert.equal(code, 0, error);
  await using db = await open({ dataDir: target });
  assert.deepEqual(await db.query("SELECT text FROM t"), [{
    text: "from hiqlite",
  }]);
  const names = await db.query<{ name: string }>(
    "SELECT name FROM sqlite_schema WHERE name IN ('_metadata', '_migrations')",
  );
  assert.deepEqual(names, []);
  await db.migrate([{ id: 1, name: "init", sql }, {
    id: 2,
    name: "more",
    sql: "INSERT INTO t VALUES ('second')",
  }]);
  assert.equal((await db.query("SELECT * FROM t")).length, 2);
  await assert.rejects(
    db.migrate([{ id: 1, name: "init", sql: "CREATE TABLE other (n)" }]),
    { code: "conflict" },
  );
});

Deno.test("restore --import takes what is in a WAL, too, and leaves the file as it is", async () => {
  await using folder = new TestFolder();
  const path = folder.at("live.sqlite");
  const db = new DatabaseSync(path);
  try {
    db.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (text TEXT)");
    db.exec("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES ('in wal')");
    const before = fs.readFileSync(path);
    const target = folder.at("target");
    const { code, error } = await restore(target, "--import", path);
    assert.equal(code, 0, error);
    assert.deepEqual((await readBack(target)).rows, ["in wal"]);
    assert.deepEqual(fs.readFileSync(path), before);
  } finally {
    db.close();
  }
});

Deno.test("restore --import refuses what no statement may make here, and what is not whole", async () => {
  await using folder = new TestFolder();
  const cases: [string, readonly string[], RegExp][] = [
    ["own", ["CREATE TABLE _hql_meta (n)"], /is a name of this software/],
    [
      "reference",
      [
        "CREATE TABLE t (n)",
        "CREATE TABLE u (a REFERENCES _HQL_leases(owner))",
      ],
      /the table "u" may not be made here: .*reserved/,
    ],
    [
      "migrations",
      ["CREATE TABLE _migrations (version INTEGER)"],
      /table _migrations is not Hiqlite's/,
    ],
    [
      "utf16",
      ["PRAGMA encoding = 'UTF-16le'", "CREATE TABLE t (n)"],
      /in UTF-16le, not in UTF-8/,
    ],
    [
      "integrity",
      [
        "CREATE TABLE t (n CHECK (n > 5))",
        "PRAGMA ignore_check_constraints = ON",
        "INSERT INTO t VALUES (1)",
      ],
      /it is damaged/,
    ],
  ];
  for (const [name, statements, expected] of cases) {
    const path = folder.at(`${name}.sqlite`);
    makeForeign(path, statements);
    const target = folder.at(`target-${name}`);
    const { code, error } = await restore(target, "--import", path);
    assert.equal(code, 1, name);
    assert.match(error, expected);
  }
  const { error } = await restore(
    folder.at("target"),
    "--import",
    folder.at("nowhere"),
  );
  assert.match(error, /there is no such file/);
  assert.equal(fs.existsSync(folder.at("nowhere")), false);
});
