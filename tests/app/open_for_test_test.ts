import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { type LocalClient, openForTest } from "../../mod.ts";

const WRITES = [
  "CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT DEFAULT CURRENT_TIMESTAMP, n INTEGER DEFAULT (random()))",
  "INSERT INTO t DEFAULT VALUES",
  "INSERT INTO t (at) VALUES (strftime('%s', 'now')), (hex(randomblob(8)))",
];

async function written(db: LocalClient): Promise<unknown[]> {
  for (const sql of WRITES) await db.execute(sql);
  return db.querySync("SELECT at, n FROM t ORDER BY id");
}

Deno.test("openForTest() writes the same time and chance in every run, and leaves no folder", async () => {
  const runs: unknown[][] = [];
  const tempDir = await Deno.makeTempDir();
  for (const options of [{}, {}, { seed: 2, nowMs: 1_700_000_000_999 }]) {
    await using db = await openForTest({ ...options, tempDir });
    assert.equal(readdirSync(tempDir).length, 1);
    runs.push(await written(db));
    await db.shutdown();
    assert.equal(readdirSync(tempDir).length, 0);
  }
  await Deno.remove(tempDir);
  const [first, second, other] = runs;
  assert.deepEqual(first, second);
  assert.equal((first![0] as { at: string }).at, "2000-01-01 00:00:00");
  assert.equal((first![1] as { at: string }).at, "946684800");
  assert.equal((other![0] as { at: string }).at, "2023-11-14 22:13:20");
  assert.notDeepEqual(first![2], other![2]);
});

Deno.test("openForTest() refuses what is no time and no seed", async () => {
  await assert.rejects(openForTest({ nowMs: 0.5 }), {
    code: "invalid",
    message: /^nowMs: .* got 0.5/,
  });
  await assert.rejects(openForTest({ seed: -1 }), { message: /^seed: / });
});
