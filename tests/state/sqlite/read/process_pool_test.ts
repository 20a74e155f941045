import assert from "node:assert/strict";
import { HiqliteError } from "../../../../src/errors.ts";
import {
  childrenOf,
  type ChildSeen,
  cpuOf,
  SEES_CHILDREN,
  until,
} from "../children.ts";
import { Subject } from "../subject.ts";
import { test } from "../drivers.ts";

const ENDLESS =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c";

function hasCode(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof HiqliteError && error.code === code &&
    message.test(error.message);
}

/** Counts the processes that are started until it is disposed. */
function countProcesses(): { readonly count: number } & Disposable {
  const { Command } = Deno;
  let count = 0;
  Deno.Command = class extends Command {
    override spawn(): Deno.ChildProcess {
      count++;
      return super.spawn();
    }
  };
  return {
    get count() {
      return count;
    },
    [Symbol.dispose]() {
      Deno.Command = Command;
    },
  };
}

test("query() guarded answers like any other, and sees new rows and columns", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (a)");
  await subject.execute("INSERT INTO t VALUES (?), (?)", [2n ** 60n, "x"]);
  const query = { sql: "SELECT * FROM t", guarded: true };
  assert.deepEqual(await subject.machine.query(query), {
    columns: ["a"],
    rows: [[2n ** 60n], ["x"]],
    index: subject.machine.applied.index,
  });
  await subject.execute("ALTER TABLE t ADD COLUMN b DEFAULT 1");
  assert.deepEqual((await subject.machine.query(query)).columns, ["a", "b"]);
});

test("query() guarded tells the very index whose state it read, also under writes", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (n)");
  await subject.execute("INSERT INTO t VALUES (0)");
  const start = subject.machine.applied.index;
  let done = false;
  const writing = (async () => {
    for (let i = 0; i < 100; i++) {
      await subject.execute("UPDATE t SET n = n + 1");
    }
    done = true;
  })();
  while (!done) {
    const { rows, index } = await subject.machine.query({
      sql: "SELECT n FROM t",
      guarded: true,
    });
    assert.equal(rows[0]![0], index! - start);
  }
  await writing;
});

test("query() guarded stops an endless query after its time, and serves others meanwhile and after", async () => {
  await using subject = await Subject.open();
  const endless = subject.machine.query({
    sql: ENDLESS,
    guarded: true,
    limits: { timeoutMs: 1500 },
  });
  const refused = assert.rejects(endless, hasCode("timeout", /1500 ms/));
  const quick = { sql: "SELECT 1", guarded: true };
  assert.deepEqual((await subject.machine.query(quick)).rows, [[1]]);
  await refused;
  assert.deepEqual((await subject.machine.query(quick)).rows, [[1]]);
});

Deno.test("query() guarded refuses a burst of endless queries after their time, which costs a process only those that ran", async () => {
  await using subject = await Subject.open({ driver: { kind: "node" } });
  using started = countProcesses();
  const quick = { sql: "SELECT 1", guarded: true };
  const warming = Array.from(
    { length: 20 },
    () => subject.machine.query(quick),
  );
  await Promise.all(warming);
  const processes = started.count;
  const refused = Array.from({ length: 8 * processes }, () =>
    assert.rejects(
      subject.machine.query({
        sql: ENDLESS,
        guarded: true,
        limits: { timeoutMs: 500 },
      }),
      hasCode("timeout", /500 ms/),
    ));
  const behind = await subject.machine.query(quick);
  await Promise.all(refused);
  assert.deepEqual(behind.rows, [[1]]);
  assert.deepEqual((await subject.machine.query(quick)).rows, [[1]]);
  assert.ok(
    started.count <= 2 * processes,
    `${started.count} processes were started for ${processes} at a time`,
  );
});

test("query() guarded refuses a waiting query after its own time, while those before it go on", async () => {
  await using subject = await Subject.open();
  const endless = (timeoutMs: number) =>
    subject.machine.query({
      sql: ENDLESS,
      guarded: true,
      limits: { timeoutMs },
    });
  const closed = Array.from(
    { length: 20 },
    () => assert.rejects(endless(20_000), hasCode("shutting_down", /closed/)),
  );
  await assert.rejects(endless(500), hasCode("timeout", /500 ms/));
  await subject.close();
  await Promise.all(closed);
});

Deno.test("query() guarded gives no process a query whose time is over before its timer ran", async () => {
  await using subject = await Subject.open({ driver: { kind: "node" } });
  using started = countProcesses();
  const refused = assert.rejects(
    subject.machine.query({
      sql: ENDLESS,
      guarded: true,
      limits: { timeoutMs: 60_000 },
    }),
    hasCode("timeout", /60000 ms/),
  );
  const { now } = performance;
  performance.now = () => now.call(performance) + 60_000;
  try {
    await refused;
  } finally {
    performance.now = now;
  }
  const { rows } = await subject.machine.query({
    sql: "SELECT 1",
    guarded: true,
  });
  assert.deepEqual(rows, [[1]]);
  assert.equal(started.count, 1);
});

test("query() guarded keeps to its limits of rows and bytes", async () => {
  await using subject = await Subject.open();
  const numbers =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000) SELECT x, zeroblob(1000) FROM c";
  await assert.rejects(
    subject.machine.query({
      sql: numbers,
      guarded: true,
      limits: { maxRows: 999 },
    }),
    hasCode("too_large", /more than 999 rows/),
  );
  await assert.rejects(
    subject.machine.query({
      sql: numbers,
      guarded: true,
      limits: { maxBytes: 10_000 },
    }),
    hasCode("too_large", /more than 10000 bytes/),
  );
});

Deno.test({
  name:
    "query() guarded whose process is killed by somebody may be repeated: it is not too large",
  ignore: !SEES_CHILDREN,
  async fn() {
    await using subject = await Subject.open({ driver: { kind: "node" } });
    const refused = assert.rejects(
      subject.machine.query({ sql: ENDLESS, guarded: true }),
      hasCode("overloaded", /may be repeated.*SIGKILL/),
    );
    const mine = () =>
      childrenOf(Deno.pid, "reader").filter(({ args }) =>
        args.includes(subject.dir)
      );
    await until(() => mine().length > 0, 5000);
    const [{ pid }] = mine() as [ChildSeen];
    await until(() => cpuOf(pid) > 50, 10_000);
    Deno.kill(pid, "SIGKILL");
    await refused;
    const next = { sql: "SELECT 2", guarded: true };
    assert.deepEqual((await subject.machine.query(next)).rows, [[2]]);
  },
});
