import assert from "node:assert/strict";
import { type Entry, EntryKind } from "../../../src/raft/types.ts";
import { SqliteError } from "../../../src/state/sqlite/driver/driver.ts";
import { stateFailure } from "../../../src/state/sqlite/driver/result_codes.ts";
import { Direct } from "./direct.ts";
import { SMALL_DISKS, testNeeding } from "../../cluster/requirements.ts";
import { SmallDisk } from "../../cluster/small_disk.ts";
import { command, execute } from "./subject.ts";
import { test } from "./drivers.ts";

const ROWS = 40;
const INSERT = execute("INSERT INTO t (body) VALUES (hex(zeroblob(2000)))");

/** Entries that follow what was applied; each inserts 4 KB and is written once, by its session. */
function batch(direct: Direct): Entry[] {
  const first = direct.next;
  return Array.from({ length: ROWS }, (_, i) => ({
    index: first + i,
    term: 1,
    kind: EntryKind.command,
    payload: command(INSERT),
  }));
}

function prepared(schema: string): Direct {
  const direct = new Direct();
  for (const sql of schema.split(";")) direct.ok(sql);
  return direct;
}

/** Lets the database grow by so many pages from now on. */
function limit(direct: Direct, pages: number): void {
  const [[now]] = direct.rows("PRAGMA page_count") as [[number]];
  direct.exec(`PRAGMA max_page_count = ${now + pages}`);
}

const SCHEMAS = {
  "as one transaction": "CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT)",
  "entry by entry":
    "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT, p REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
};

for (const [how, schema] of Object.entries(SCHEMAS)) {
  test(`apply() of a batch ${how} that found no room applies it once, with the same answers, when there is some`, () => {
    using roomy = prepared(schema);
    const expected = roomy.applier.apply(batch(roomy));
    using tight = prepared(schema);
    const entries = batch(tight);
    limit(tight, 10);
    for (let attempt = 0; attempt < 3; attempt++) {
      assert.throws(
        () => tight.applier.apply(entries),
        (error) =>
          (stateFailure(error) as { code: string }).code === "disk_full",
      );
      tight.applier.giveUp();
    }
    limit(tight, 10 * ROWS);
    assert.deepEqual(tight.applier.apply(entries), expected);
    assert.equal(tight.dump(), roomy.dump());
    assert.equal(tight.applier.position.hash, roomy.applier.position.hash);
  });
}

/** Pages of the WAL in one block of its index. */
const INDEXED_PAGES = 4062;

const diskTest = await testNeeding(SMALL_DISKS);

diskTest("a WAL whose index cannot grow is a full disk, too", async () => {
  const path = await Deno.makeTempDir({ prefix: "hiqlite-full-" });
  try {
    await using disk = await SmallDisk.mount(path, 32);
    await fillBeforeTheIndexGrows(disk);
  } finally {
    await Deno.remove(path);
  }
});

async function fillBeforeTheIndexGrows(disk: SmallDisk): Promise<void> {
  using direct = new Direct(`${disk.path}/a.db`);
  direct.ok("CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT)");
  const pages = (): number =>
    direct.rows("PRAGMA wal_checkpoint(NOOP)")[0]![1] as number;
  while (pages() < INDEXED_PAGES - 300) direct.batch(commands(100));
  while (pages() < INDEXED_PAGES - 6) direct.ok("DELETE FROM t WHERE n = 0");
  // Enough for some pages of the WAL, not for the eight of the index.
  await disk.fill(7);
  let error: unknown = null;
  try {
    for (let i = 0; i < 10; i++) direct.ok("DELETE FROM t WHERE n = 0");
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error instanceof SqliteError && error.code === 4874, `${error}`);
  assert.equal((stateFailure(error) as { code: string }).code, "disk_full");
  direct.applier.giveUp();
  await disk.clear();
  direct.ok("DELETE FROM t WHERE n = 0");
}

function commands(count: number): Uint8Array[] {
  return Array.from({ length: count }, () => command(INSERT));
}
