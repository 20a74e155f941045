import assert from "node:assert/strict";
import { open } from "../../src/app/open.ts";
import type { LocalClient } from "../../src/client/local.ts";
import { Logger } from "../../src/util/logger.ts";

/** Quick queries. */
const QUICK = 50;

interface Counted {
  /** A sample of the metrics by its name and labels; 0 if there is none. */
  of(sample: string): Promise<number>;
}

async function withMember(
  run: (db: LocalClient, counted: Counted, slow: string[]) => Promise<void>,
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "hiqlite-counted-" });
  const slow: string[] = [];
  try {
    await using db = await open({
      dataDir,
      slowStatementMs: 1,
      logger: new Logger("warn", ({ message, fields }) => {
        if (message !== "slow statement") return;
        slow.push(`${fields.kind} ${fields.sql} ${fields.failed ?? "ok"}`);
      }),
    });
    const of = async (sample: string): Promise<number> => {
      const text = await db.metrics();
      const line = text.split("\n").find((each) =>
        each.startsWith(`hiqlite_${sample} `)
      );
      return line === undefined ? 0 : Number(line.split(" ").at(-1));
    };
    await run(db, { of }, slow);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** What a call failed with. */
function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(() => "ok", ({ code }) => code);
}

Deno.test("U12 metrics count and time what a member's clients write", () =>
  withMember(async (db, { of }) => {
    await db.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)");
    const [done, times] = [
      await of('writes_total{result="ok"}'),
      await of("commit_seconds_count"),
    ];
    const syncs = await of("fsync_seconds_count");
    for (let a = 0; a < 3; a++) {
      await db.execute("INSERT INTO t VALUES (?)", [a]);
    }
    assert.equal(
      await codeOf(db.execute("INSERT INTO t VALUES (1)")),
      "constraint",
    );
    assert.equal(await of('writes_total{result="ok"}'), done + 3);
    assert.equal(await of('writes_total{result="constraint"}'), 1);
    assert.equal(await of("commit_seconds_count"), times + 4);
    assert.equal(await of('commit_seconds_bucket{le="+Inf"}'), times + 4);
    assert.ok(await of("commit_seconds_sum") > 0);
    assert.ok(await of("fsync_seconds_count") >= syncs + 3);
    assert.ok(await of("fsync_seconds_sum") > 0);
  }));

Deno.test("U12 metrics count and time what a member's clients read: through the pool, on the calling thread and as streams", () =>
  withMember(async (db, { of }) => {
    const [done, times] = [
      await of('queries_total{result="ok"}'),
      await of("query_seconds_count"),
    ];
    await db.query("SELECT 1");
    db.querySync("SELECT 1");
    db.querySync("SELECT 2");
    const rows = [];
    for await (const row of db.iterate("SELECT 1 AS a UNION SELECT 2")) {
      rows.push(row);
    }
    assert.equal(rows.length, 2);
    assert.equal(await of('queries_total{result="ok"}'), done + 4);
    assert.equal(await codeOf(db.query("SELECT * FROM nothing")), "sql");
    assert.throws(() => db.querySync("SELECT * FROM nothing"), { code: "sql" });
    const [first] = await Promise.allSettled([
      db.iterate("SELECT * FROM nothing")[Symbol.asyncIterator]().next(),
    ]);
    assert.equal(first.status, "rejected");
    assert.equal(await of('queries_total{result="sql"}'), 3);
    // Those on the calling thread are not timed.
    assert.equal(await of("query_seconds_count"), times + 4);
    assert.ok(await of("query_seconds_sum") > 0);
  }));

Deno.test("slow queries are logged, streams and those on the calling thread as well", () =>
  withMember(async (db, _counted, slow) => {
    const slowly = (name: string): string =>
      `WITH RECURSIVE ${name}(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM ${name} LIMIT 200000) SELECT max(x) FROM ${name}`;
    await db.query(slowly("pool"));
    for await (const _ of db.iterate(slowly("stream"))) continue;
    db.querySync(slowly("here"));
    // One of them may take a millisecond on a machine with other work, but hardly all.
    for (let n = 0; n < QUICK; n++) db.querySync("SELECT 'quick'");
    const taken = slow.filter((line) => line.includes("quick")).length;
    assert.ok(taken < QUICK, slow.join("\n"));
    for (const name of ["pool", "stream", "here"]) {
      assert.ok(slow.includes(`query ${slowly(name)} ok`), slow.join("\n"));
    }
  }));
