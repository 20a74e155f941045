import assert from "node:assert/strict";
import { HiqliteError } from "../../../../src/errors.ts";
import { WorkerHandle } from "../../../../src/state/sqlite/thread/worker_handle.ts";
import { Subject } from "../subject.ts";
import { ReaderThreads } from "../../../../src/state/sqlite/read/thread_pool.ts";
import { silentLogger } from "../../../../src/util/logger.ts";
import { SQL_VALUE_BYTES_MAX } from "../../../../src/state/sqlite/driver/driver.ts";
import { presentDriver, presentSpec, test } from "../drivers.ts";

function slow(steps: number): string {
  return `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ${steps}) SELECT max(x) FROM c`;
}

function threads(size: number, path: string, idleMs = 60_000): ReaderThreads {
  const driver = presentDriver();
  return new ReaderThreads(size, {
    driver: presentSpec(),
    path,
    statementCacheCapacity: 10,
    schemaEpoch: null,
  }, {
    interrupt: driver.interrupt?.bind(driver),
    logger: silentLogger,
    idleMs,
  });
}

function hasCode(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof HiqliteError && error.code === code &&
    message.test(error.message);
}

test("query() on another reader is not held up by a slow one", async () => {
  await using subject = await Subject.open({ readPoolSize: 2 });
  let finished = false;
  const long = subject.machine.query({ sql: slow(10_000_000) })
    .then(() => finished = true, () => {});
  for (let i = 0; i < 20; i++) {
    assert.deepEqual(
      (await subject.machine.query({ sql: "SELECT 1" })).rows,
      [[1]],
    );
  }
  assert.equal(finished, false);
  await subject.close();
  await long;
});

test("readers begin one at a time when queries wait, as many as there may be, and end when they are idle, but for one", async () => {
  await using subject = await Subject.open();
  const readers = threads(3, `${subject.dir}/db-00000001/test.db`, 300);
  const query = () =>
    readers.query({ statement: { sql: slow(100_000) }, limits: null }, {
      timeoutMs: 60_000,
    });
  const until = async (count: number, meanwhile: () => Promise<unknown>) => {
    const end = performance.now() + 60_000;
    while (readers.count !== count) {
      assert.ok(performance.now() < end, `${readers.count} readers`);
      assert.ok(readers.count <= 3);
      await meanwhile();
    }
  };
  const queries = () => Promise.all(Array.from({ length: 12 }, query));
  try {
    assert.equal(readers.count, 0);
    const first = queries();
    assert.equal(readers.count, 1);
    await first;
    await until(3, queries);
    await until(1, () => new Promise((resolve) => setTimeout(resolve, 20)));
    // Two times more it could be idle.
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.equal(readers.count, 1);
    assert.equal((await query()).rows.length, 1);
    assert.equal(readers.count, 1);
  } finally {
    await readers.close();
  }
});

test("query() gives up after its time and uses the reader again when it is free", async () => {
  await using subject = await Subject.open({ readPoolSize: 1 });
  // Else its time is over before there is a reader.
  await subject.machine.query({ sql: "SELECT 1" });
  await assert.rejects(
    subject.machine.query({ sql: slow(1_000_000), limits: { timeoutMs: 20 } }),
    hasCode("timeout", /20 ms/),
  );
  assert.deepEqual(
    (await subject.machine.query({ sql: "SELECT 1" })).rows,
    [[1]],
  );
});

test("query() takes more time than a timer does", async () => {
  await using subject = await Subject.open({ readPoolSize: 1 });
  const limits = { timeoutMs: 2 ** 32 - 1 };
  const { rows } = await subject.machine.query({ sql: slow(300_000), limits });
  assert.equal(rows.length, 1);
});

test("query() and querySync() show new columns of a statement that they know", async () => {
  await using subject = await Subject.open({ readPoolSize: 1 });
  await subject.execute("CREATE TABLE t (a)");
  await subject.execute("INSERT INTO t VALUES (1)");
  const sql = "SELECT * FROM t";
  const columns = async () => [
    subject.machine.querySync(sql).columns,
    (await subject.machine.query({ sql })).columns,
  ];
  assert.deepEqual(await columns(), [["a"], ["a"]]);
  await subject.execute("ALTER TABLE t RENAME COLUMN a TO z");
  assert.deepEqual(await columns(), [["z"], ["z"]]);
  await subject.execute("ALTER TABLE t ADD COLUMN b");
  assert.deepEqual(await columns(), [["z", "b"], ["z", "b"]]);
});

test("query() keeps integers exact and mixes them with other values", async () => {
  await using subject = await Subject.open();
  const sql = "SELECT 9007199254740993, 1, 1.5, 'x', NULL, x'00'";
  const expected = [[
    9007199254740993n,
    1,
    1.5,
    "x",
    null,
    new Uint8Array([0]),
  ]];
  assert.deepEqual(subject.machine.querySync(sql).rows, expected);
  assert.deepEqual((await subject.machine.query({ sql })).rows, expected);
});

test("query() keeps to limits of rows and reports errors in the middle of rows", async () => {
  await using subject = await Subject.open();
  const numbers = "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3";
  await assert.rejects(
    subject.machine.query({ sql: numbers, limits: { maxRows: 2 } }),
    hasCode("too_large", /more than 2 rows/),
  );
  const sql =
    "SELECT abs(column1) FROM (VALUES (1), (-9223372036854775807 - 1), (3))";
  for (const limits of [{}, { maxRows: 10 }]) {
    await assert.rejects(
      subject.machine.query({ sql, limits }),
      hasCode("sql", /integer overflow/),
    );
  }
});

test("query() makes no value that is larger than what a write could store", async () => {
  await using subject = await Subject.open();
  const { rows } = await subject.machine.query({
    sql: `SELECT length(zeroblob(${SQL_VALUE_BYTES_MAX}))`,
  });
  assert.deepEqual(rows, [[SQL_VALUE_BYTES_MAX]]);
  const sql = `SELECT length(zeroblob(${SQL_VALUE_BYTES_MAX + 1}))`;
  const refused = hasCode("sql", /too big/);
  await assert.rejects(subject.machine.query({ sql }), refused);
  assert.throws(() => subject.machine.querySync(sql), refused);
});

test("query() fails with shutting_down after close(), waiting ones too", async () => {
  await using subject = await Subject.open();
  const running = subject.machine.query({ sql: slow(10_000_000) });
  const waiting = subject.machine.query({ sql: "SELECT 1" });
  running.catch(() => {});
  const refused = assert.rejects(waiting, hasCode("shutting_down", /closed/));
  await subject.close();
  await refused;
  await assert.rejects(
    subject.machine.query({ sql: "SELECT 1" }),
    hasCode("shutting_down", /closed/),
  );
});

test("WorkerHandle fails every request when its Worker dies", async () => {
  const source = "self.onmessage = () => { throw new Error('poisoned'); };";
  const worker = new Worker(
    `data:text/javascript,${encodeURIComponent(source)}`,
    { type: "module" },
  );
  const opened = Promise.withResolvers<Error | null>();
  const handle = new WorkerHandle(
    worker,
    { ringBytes: 1024, options: {} },
    (error) => opened.resolve(error),
  );
  assert.match((await opened.promise)!.message, /died: .*poisoned/);
  const later = Promise.withResolvers<Error | null>();
  handle.request(new Uint8Array([1]), (error) => later.resolve(error));
  assert.match((await later.promise)!.message, /died/);
  await handle.close(10);
});

test("apply() fails for good after an error that is no answer", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (a)");
  const newer = new Uint8Array([99, 1]);
  await assert.rejects(subject.apply(newer), /start a newer release/);
  await assert.rejects(
    subject.execute("INSERT INTO t VALUES (1)"),
    /start a newer release/,
  );
  assert.deepEqual(subject.rows("SELECT * FROM t"), []);
});

test("a reader whose file is not there when it begins says so, and reads the file that takes its place", async () => {
  await using subject = await Subject.open({ readPoolSize: 1 });
  await subject.execute("CREATE TABLE t (a)");
  const path = `${subject.dir}/db-00000001/test.db`;
  const readers = threads(1, `${path}.missing/a.db`);
  const query = () =>
    readers.query(
      { statement: { sql: "SELECT * FROM t" }, limits: null },
      { timeoutMs: 5000 },
    );
  try {
    await assert.rejects(query(), /unable to open|no such/);
    readers.reopen(path);
    assert.deepEqual((await query()).rows, []);
  } finally {
    await readers.close();
  }
});
