import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { HiqliteError } from "../../../../src/errors.ts";
import type { RowStream } from "../../../../src/state/sql/types.ts";
import { checkpointOf } from "../../machine_calls.ts";
import { Subject } from "../subject.ts";
import { test } from "../drivers.ts";

const NUMBERS =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ?) SELECT x, 'row ' || x AS t FROM c";

/** In a Worker of the program, and where the API's queries run. */
const PLACES = [false, true] as const;

function hasCode(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof HiqliteError && error.code === code &&
    message.test(error.message);
}

async function allOf(stream: RowStream): Promise<unknown[][]> {
  const all: unknown[][] = [];
  for (;;) {
    const rows = await stream.next();
    if (rows === null) return all;
    assert.ok(rows.length > 0 && rows.length <= 1000);
    for (const row of rows) all.push([...row]);
  }
}

test("rows() gives all rows in the query's order, as they were when it ran", async () => {
  await using subject = await Subject.open({ readPoolSize: 1 });
  const { machine } = subject;
  await subject.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)");
  await subject.execute(`INSERT INTO t ${NUMBERS.replace("?", "2500")}`);
  for (const guarded of PLACES) {
    const stream = await machine.rows({
      sql: "SELECT id, v FROM t WHERE id > ? ORDER BY id DESC -- all of them",
      params: [0],
      guarded,
    });
    assert.deepEqual([stream.columns, stream.count], [["id", "v"], 2500]);
    assert.equal(stream.index, machine.applied.index);
    await subject.execute("UPDATE t SET v = 'later'");
    const rows = await allOf(stream);
    assert.equal(rows.length, 2500);
    assert.deepEqual(rows[0], [2500, "row 2500"]);
    assert.deepEqual(rows[2499], [1, "row 1"]);
    assert.equal(await stream.next(), null);
    await subject.execute("UPDATE t SET v = 'row ' || id");
  }
});

test("rows() keeps every value, also of columns of one name", async () => {
  await using subject = await Subject.open({ readPoolSize: 1 });
  const blob = new Uint8Array([0, 255]);
  for (const guarded of PLACES) {
    const stream = await subject.machine.rows({
      sql: "VALUES (?1, ?2, 1.0, '01'), (?3, NULL, 1e300, x'')",
      params: [9007199254740993n, blob, -9223372036854775808n],
      guarded,
    });
    assert.deepEqual(await allOf(stream), [
      [9007199254740993n, blob, 1, "01"],
      [-9223372036854775808n, null, 1e300, new Uint8Array()],
    ]);
    const twice = await subject.machine.rows({
      sql: "SELECT 1 AS a, 2 AS a",
      guarded,
    });
    assert.deepEqual(twice.columns, ["a", "a"]);
    assert.deepEqual(await allOf(twice), [[1, 2]]);
  }
});

test("rows() ends a page with the row that fills it", async () => {
  await using subject = await Subject.open({ readPoolSize: 1 });
  const stream = await subject.machine.rows({
    sql:
      `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 20) SELECT zeroblob(100000) FROM c`,
  });
  const sizes: number[] = [];
  for (;;) {
    const rows = await stream.next();
    if (rows === null) break;
    sizes.push(rows.length);
  }
  assert.deepEqual(sizes, [3, 3, 3, 3, 3, 3, 2]);
});

test("rows() shows an error in the middle as one, not as the end", async () => {
  await using subject = await Subject.open({ readPoolSize: 1 });
  await subject.execute("CREATE TABLE t (x)");
  await subject.execute(
    "INSERT INTO t VALUES (1), (2), (-9223372036854775808)",
  );
  for (const guarded of PLACES) {
    await assert.rejects(
      subject.machine.rows({ sql: "SELECT abs(x) FROM t", guarded }),
      hasCode("sql", /integer overflow/),
    );
  }
});

test("rows() refuses what a query refuses, and what is no SELECT", async () => {
  await using subject = await Subject.open({ readPoolSize: 1 });
  await subject.execute("CREATE TABLE t (x)");
  for (const guarded of PLACES) {
    const refused = (sql: string, code: string, message: RegExp) =>
      assert.rejects(
        subject.machine.rows({ sql, guarded }),
        hasCode(code, message),
      );
    await refused("DELETE FROM t RETURNING x", "forbidden", /may not write/);
    await refused("SELECT * FROM _hql_meta", "forbidden", /reserved/);
    await refused("SELECT * FROM _hql_rows", "sql", /no such table/);
    await refused("EXPLAIN SELECT 1", "invalid", /EXPLAIN gives no stream/);
    await refused("PRAGMA table_info(t)", "invalid", /use query\(\)/);
    await refused("SELECT 1; SELECT 2", "invalid", /more than one statement/);
    await refused("SELECT ?", "invalid", /1 parameters, 0 were given/);
  }
  assert.deepEqual(
    (await subject.machine.query({ sql: "SELECT count(*) FROM t" })).rows,
    [[0]],
  );
});

test("rows() refuses one stream too many, of all and of one client", async () => {
  await using subject = await Subject.open({ readPoolSize: 1 });
  const open = (client: string, guarded: boolean): Promise<RowStream> =>
    subject.machine.rows({ sql: "SELECT 1", client, guarded });
  const streams = [await open("a", true), await open("a", true)];
  await assert.rejects(open("a", true), hasCode("overloaded", /2 of them/));
  streams.push(await open("b", true), await open("c", true));
  await assert.rejects(open("d", true), hasCode("overloaded", /^4 streams/));
  // The program's own are counted apart.
  for (let i = 0; i < 4; i++) streams.push(await open("", false));
  await assert.rejects(open("", false), hasCode("overloaded", /^4 streams/));
  for (const stream of streams) await stream.end();
  for (const guarded of PLACES) {
    assert.deepEqual(await allOf(await open("a", guarded)), [[1]]);
  }
});

test("rows() stops a query after its time, or when nobody waits any more", async () => {
  await using subject = await Subject.open({ readPoolSize: 1 });
  const endless =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT 1 FROM c) SELECT max(x) FROM c";
  for (const guarded of PLACES) {
    await assert.rejects(
      subject.machine.rows({
        sql: endless,
        guarded,
        limits: { timeoutMs: 100 },
      }),
      hasCode("timeout", /stopped after 100 ms/),
    );
    const gone = new AbortController();
    const waiting = subject.machine.rows({
      sql: endless,
      guarded,
      signal: gone.signal,
    });
    setTimeout(() => gone.abort(new Error("gone")), 100);
    await assert.rejects(waiting, /gone/);
  }
});

test("rows() is ended when nobody asks, and says so", async () => {
  await using subject = await Subject.open({
    readPoolSize: 1,
    rowsIdleMs: 500,
  });
  for (const guarded of PLACES) {
    const open = (): Promise<RowStream> =>
      subject.machine.rows({ sql: NUMBERS, params: [5000], guarded });
    const streams: RowStream[] = [];
    while (streams.length < 4) streams.push(await open());
    // Their places become free by themselves.
    const until = performance.now() + 30_000;
    for (let next: RowStream | null = null; next === null;) {
      assert.ok(performance.now() < until);
      // What is refused at once would leave no time for anything else.
      await sleep(10);
      next = await open().catch(() => null);
    }
    await assert.rejects(
      streams[0]!.next(),
      hasCode("timeout", /nobody asked .* for 500 ms/),
    );
  }
});

test("rows() holds no view: a checkpoint goes on beside one that is not read", async () => {
  await using subject = await Subject.open({ readPoolSize: 1 });
  const { machine } = subject;
  await subject.execute("CREATE TABLE t (x)");
  for (const guarded of PLACES) {
    const stream = await machine.rows({ sql: "SELECT 1", guarded });
    await subject.execute("INSERT INTO t VALUES (zeroblob(1000000))");
    assert.equal(await checkpointOf(machine), machine.applied.index);
    await stream.end();
  }
});

test("close() ends streams", async () => {
  const subject = await Subject.open({ readPoolSize: 1 });
  const streams: RowStream[] = [];
  for (const guarded of PLACES) {
    streams.push(
      await subject.machine.rows({ sql: NUMBERS, params: [5000], guarded }),
    );
  }
  await subject[Symbol.asyncDispose]();
  for (const stream of streams) assert.equal(await stream.next(), null);
});
