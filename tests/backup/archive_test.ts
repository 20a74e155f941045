import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { open } from "../../src/app/open.ts";
import { reachableRanges } from "../../src/backup/point_in_time.ts";
import { Logger } from "../../src/util/logger.ts";
import { run } from "../cli/fake_terminal.ts";
import { poll } from "../cluster/harness.ts";
import { S3Stub } from "../s3/stub.ts";
import { objectsIn, segmentWith, untilArchived } from "./archived.ts";
import { bucketOptions, bucketVariables, keyLine } from "./bucket.ts";
import { dataHashes, readBack, rowsOf, TestFolder } from "./stopped_member.ts";

const MARKER = "marker-that-nobody-may-read-in-the-archive";

/** What a member has written: each row, its index, and when, in order. */
interface Written {
  readonly text: string;
  readonly index: number;
  readonly timeMs: number;
}

/** Writes rows one by one with a member that archives into `options`' store, takes another backup in between, and stops. */
async function archivedBy(
  dataDir: string,
  options: Parameters<typeof open>[0],
  names: () => Iterable<string>,
): Promise<Written[]> {
  const db = await open({
    dataDir,
    backupCron: "",
    backupLogInterval: 100,
    ...options,
  });
  try {
    const written: Written[] = [];
    const write = async (text: string) => {
      const { index } = await db.execute(
        "INSERT INTO t VALUES (?, CAST(round(unixepoch('subsec') * 1000) AS INTEGER))",
        [text],
      );
      const [row] = await db.query<{ at: number }>(
        "SELECT at FROM t WHERE text = ?",
        [text],
      );
      written.push({ text, index, timeMs: row!.at });
    };
    const { index } = await db.execute(
      "CREATE TABLE t (text TEXT, at INTEGER)",
    );
    await untilArchived(names, index);
    for (const text of ["a", MARKER, "c"]) {
      await write(text);
      await untilArchived(names, written.at(-1)!.index);
    }
    await db.backup();
    for (const text of ["d", "e"]) {
      await write(text);
      await untilArchived(names, written.at(-1)!.index);
    }
    // Nobody writes any more, and so it is known that nobody did.
    await untilArchived(names, 0, written.at(-1)!.timeMs);
    // That an object is there is noted a moment after it is.
    const { index: last } = written.at(-1)!;
    let through = "";
    await poll(
      () => `the archived index ${through} in the metrics is ${last}`,
      120_000,
      async () => {
        [, through = ""] = /^hiqlite_backup_log_archived_index (\d+)$/m.exec(
          await db.metrics(),
        )!;
        return Number(through) >= last;
      },
    );
    return written;
  } finally {
    await db.shutdown();
  }
}

function texts(written: readonly Written[], to: number): string[] {
  return written.filter(({ index }) => index <= to).map(({ text }) => text);
}

Deno.test("the log in a folder: any index and any time is restored exactly, and what cannot be reached is refused", async (t) => {
  await using folder = new TestFolder();
  const store = folder.at("store");
  const names = () => objectsIn(store);
  const written = await archivedBy(
    folder.at("source"),
    { backupFolder: store },
    names,
  );
  const [a, b, c, , e] = written;
  const env = { HQL_BACKUP_FOLDER: store, HQL_DATA_DIR: folder.at("cli") };
  let count = 0;
  const restore = (...point: string[]) =>
    run(["restore", ...point, "--data-dir", folder.at(`to-${++count}`)], env);
  const restored = async (...point: string[]): Promise<string[]> => {
    const { code, error } = await restore(...point);
    assert.equal(code, 0, error);
    return rowsOf(folder.at(`to-${count}`));
  };
  const archive = await untilArchived(names, e!.index, e!.timeMs);
  const reachedMs = reachableRanges(archive).at(-1)!.lastTimeMs;
  const lost = (name: string, to: Uint8Array | null) => {
    const path = join(store, name);
    const before = fs.readFileSync(path);
    fs.rmSync(path);
    if (to !== null) fs.writeFileSync(path, to);
    return { before, [Symbol.dispose]: () => fs.writeFileSync(path, before) };
  };

  await t.step("an index", async () => {
    for (const { index } of [a!, b!, e!]) {
      const found = await restored("--to-index", `${index}`);
      assert.deepEqual(found, texts(written, index));
    }
  });
  await t.step("a time between two writes", async () => {
    assert.ok(c!.timeMs > b!.timeMs);
    const time = new Date(c!.timeMs - 1).toISOString();
    assert.deepEqual(
      await restored("--to-time", time),
      texts(written, b!.index),
    );
  });
  await t.step("a time after the last write, while nobody wrote", async () => {
    const time = new Date(reachedMs).toISOString();
    assert.ok(reachedMs > e!.timeMs);
    assert.deepEqual(
      await restored("--to-time", time),
      texts(written, e!.index),
    );
  });
  await t.step("what lies outside", async () => {
    const justAfter = new Date(reachedMs + 1).toISOString();
    for (
      const [flag, value, said] of [
        ["--to-index", "1", /Index 1 is before the oldest backup/],
        ["--to-index", "99999", /Index 99999 is after what is archived/],
        ["--to-time", "2020-01-01T00:00:00Z", /before the oldest backup/],
        ["--to-time", "2120-01-01T00:00:00+02:00", /after what is archived/],
        ["--to-time", justAfter, /after what is archived/],
      ] as const
    ) {
      const { code, error } = await restore(flag, value);
      assert.equal(code, 1);
      assert.match(error, said);
      assert.match(
        error,
        /What can be restored: of cluster .* index \d+ to \d+/,
      );
    }
    const past = await restore("--to-time", "yesterday");
    assert.equal(past.code, 2);
  });
  await t.step("a segment that is damaged or of another index", async () => {
    const name = segmentWith(archive, b!.index);
    const bytes = fs.readFileSync(join(store, name));
    const torn = Uint8Array.from(bytes);
    torn[torn.length >> 1]! ^= 1;
    const target = folder.at("kept");
    fs.cpSync(folder.at("source"), target, { recursive: true });
    const before = dataHashes(target);
    using _ = lost(name, torn);
    const { code, error } = await run([
      ...["restore", "--to-index", `${b!.index}`, "--data-dir", target],
      ...["--confirm", archive.clusterId],
    ], env);
    assert.equal(code, 1);
    assert.match(
      error,
      new RegExp(
        `archived entries .*SHA-256.*--to-index ${
          archive.segments.find(({ last }) => last >= b!.index)!.first - 1
        }`,
      ),
    );
    assert.deepEqual(dataHashes(target), before);
  });
  await t.step("a segment that is missing", async () => {
    using _ = lost(segmentWith(archive, b!.index), null);
    const { code, error } = await restore("--to-index", `${c!.index}`);
    assert.equal(code, 1);
    assert.match(error, /the entries \d+ to \d+ are missing in the archive/);
    // The newer backup is behind the hole.
    assert.deepEqual(
      await restored("--to-index", `${e!.index}`),
      texts(written, e!.index),
    );
  });
  await t.step("list and verify show what can be reached", async () => {
    const listed = await run(["backup", "list", "--json"], env);
    const [{ cluster_id, ranges }] = JSON.parse(listed.out).reachable;
    assert.equal(cluster_id, archive.clusterId);
    assert.equal(ranges.length, 1);
    assert.ok(ranges[0].firstIndex < a!.index);
    assert.ok(ranges[0].lastIndex >= e!.index);
    assert.match(
      (await run(["backup", "list"], env)).out,
      /^Any moment of cluster .* index \d+ to \d+/m,
    );
    const verified = await run(["backup", "verify", "--json"], env);
    assert.equal(verified.code, 0, verified.error);
    const facts = JSON.parse(verified.out);
    assert.ok(facts.index < facts.reachable_index);
    assert.ok(facts.reachable_index >= e!.index);
  });
});

Deno.test("a folder that has become a file has nothing of the log: it is archived once the folder is back", async () => {
  await using folder = new TestFolder();
  const store = join(folder.path, "store");
  const warned = Promise.withResolvers<void>();
  const late = setTimeout(
    () => warned.reject(new Error("nobody was told of the failure")),
    60_000,
  );
  await using db = await open({
    dataDir: join(folder.path, "data"),
    backupCron: "",
    backupFolder: store,
    backupLogInterval: 100,
    logger: new Logger("warn", ({ message }) => {
      if (message.includes("could not be archived")) warned.resolve();
    }),
  });
  const names = () => objectsIn(store);
  const { index } = await db.execute("CREATE TABLE t (a)");
  await untilArchived(names, index);
  fs.renameSync(store, `${store}.away`);
  fs.writeFileSync(store, "");
  const written = await db.execute("INSERT INTO t VALUES (1)");
  await warned.promise;
  clearTimeout(late);
  fs.rmSync(store);
  fs.renameSync(`${store}.away`, store);
  await untilArchived(names, written.index);
});

Deno.test("the log on S3 is sealed, opens with its key only, is sealed anew by rekey, and restores", async () => {
  await using folder = new TestFolder();
  await using stub = new S3Stub();
  const names = () => stub.objects.keys();
  const written = await archivedBy(
    folder.at("source"),
    bucketOptions(stub),
    names,
  );
  const segments = [...stub.objects].filter(([name]) => name.endsWith(".seg"));
  assert.ok(segments.length >= 3);
  for (const [name, { body }] of stub.objects) {
    assert.deepEqual([...body.subarray(0, 2)], [1, 1], name);
    assert.equal(Buffer.from(body).includes(MARKER), false, name);
  }
  const lists = stub.requests.filter((request) =>
    request.includes("list-type")
  );
  assert.ok(lists.length <= 6, `${lists}`);
  const both = {
    ...bucketVariables(stub),
    ENC_KEYS: `${keyLine("k1", 7)}\n${keyLine("k2", 9)}`,
    ENC_KEY_ACTIVE: "k2",
  };
  assert.equal((await run(["backup", "rekey"], both)).code, 0);
  const { index } = written[3]!;
  const target = folder.at("target");
  const args = ["restore", "--to-index", `${index}`, "--data-dir", target];
  const old = await run(args, bucketVariables(stub));
  assert.equal(old.code, 1);
  assert.match(old.error, /k2/);
  const only = { ...both, ENC_KEYS: keyLine("k2", 9) };
  const { code, error } = await run(args, only);
  assert.equal(code, 0, error);
  assert.deepEqual((await readBack(target)).rows, texts(written, index));
});
