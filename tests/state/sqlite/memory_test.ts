import assert from "node:assert/strict";
import { HiqliteError } from "../../../src/errors.ts";
import {
  childrenOf,
  memoryOf,
  printed,
  SEES_CHILDREN,
  writerOf,
} from "./children.ts";
import { Direct } from "./direct.ts";
import { command, execute, Subject } from "./subject.ts";

/** What neither a child nor the member may reach, MiB. */
const CHILD_MIB = 1536;
const GROWTH_MIB = 300;

function bomb(columns: number): string {
  return `SELECT ${Array(columns).fill("zeroblob(67108864)").join(", ")}`;
}

Deno.test("strftime() takes no format that its answer could grow from, and no error of a date function ends the writer", () => {
  using direct = new Direct();
  const { message } = direct.fail(
    "SELECT strftime(replace(hex(zeroblob(33000000)),'00','%J'),'now')",
  );
  assert.match(message, /strftime\(\): the format is too long/);
  assert.match(
    direct.fail("SELECT strftime(replace(hex(zeroblob(513)),'00','%J'),'now')")
      .message,
    /1034, the limit is 1024/,
  );
  const { rows } = direct.ok("SELECT strftime('%Y', '2020-01-01')");
  assert.deepEqual(rows, [["2020"]]);
});

Deno.test({
  name:
    "rows of any size are the end of a writer's process at most, never of its member",
  ignore: !SEES_CHILDREN,
  async fn() {
    await using subject = await Subject.open({ writer: "process" });
    await subject.execute("CREATE TABLE t (a)");
    const before = memoryOf(Deno.pid, "VmRSS");
    const writer = writerOf(subject);
    const asked = subject.entries([command(execute(bomb(30)))]);
    // Which of its errors it is, is the leader's affair before it proposes: nothing is applied.
    await assert.rejects(subject.applyEntries(asked));
    assert.ok(memoryOf(writer, "VmHWM") < CHILD_MIB);
    assert.ok(memoryOf(Deno.pid, "VmRSS") - before < GROWTH_MIB);
  },
});

for (const guarded of [true, false]) {
  Deno.test({
    name: `a query for more than fits is refused, ${
      guarded ? "in a process" : "in a thread"
    }`,
    ignore: !SEES_CHILDREN,
    async fn() {
      await using subject = await Subject.open({ writer: "process" });
      for (
        const sql of [
          "SELECT zeroblob(600000000), zeroblob(600000000), zeroblob(600000000)",
          "SELECT hex(zeroblob(300000000))",
          ...(guarded ? [bomb(20)] : []),
        ]
      ) {
        await assert.rejects(
          subject.machine.query({ sql, guarded }),
          (error) =>
            error instanceof HiqliteError &&
            ["sql", "too_large"].includes(error.code),
          sql,
        );
        for (const { pid } of childrenOf(Deno.pid, "reader")) {
          assert.ok(memoryOf(pid, "VmHWM") < CHILD_MIB);
        }
      }
      const { rows } = await subject.machine.query({
        sql: "SELECT 1",
        guarded,
      });
      assert.deepEqual(rows, [[1]]);
    },
  });
}

Deno.test({
  name: "a process that a query has made large is not kept",
  ignore: !SEES_CHILDREN,
  async fn() {
    await using subject = await Subject.open({ writer: "process" });
    const ask = (sql: string) =>
      subject.machine.query({
        sql,
        guarded: true,
        limits: { maxBytes: 200 * 1024 * 1024 },
      });
    await ask("SELECT 1");
    const mine = () =>
      childrenOf(Deno.pid, "reader").filter(({ args }) =>
        args.includes(subject.dir)
      ).map(({ pid }) => pid);
    const [small] = mine();
    await ask("SELECT 2");
    assert.deepEqual(mine(), [small]);
    await ask("SELECT zeroblob(60000000), zeroblob(60000000)");
    await ask("SELECT 3");
    assert.ok(!mine().includes(small!));
  },
});

Deno.test({
  name: "temporary files of queries and writes are where the database is",
  ignore: !SEES_CHILDREN,
  async fn() {
    await using subject = await Subject.open({ writer: "process" });
    await subject.execute("CREATE TABLE big (v)");
    await subject.execute(
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 40000) INSERT INTO big SELECT printf('%0200d', x) FROM c",
    );
    const { rows } = await subject.machine.query({
      sql: "SELECT count(*) FROM (SELECT DISTINCT v FROM big)",
      guarded: true,
    });
    assert.deepEqual(rows, [[40000]]);
    const sorting = subject.machine.query({
      sql:
        "SELECT count(*) FROM (SELECT DISTINCT a.v || b.rowid FROM big a, big b)",
      guarded: true,
      limits: { timeoutMs: 3000 },
    });
    const refused = assert.rejects(sorting, /3000 ms/);
    const found = new Set<string>();
    while (found.size === 0) {
      for (const { pid, args } of childrenOf(Deno.pid, "reader")) {
        if (args.includes(subject.dir)) temporaryFilesOf(pid, found);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await refused;
    for (const path of found) {
      assert.ok(path.startsWith(`${subject.dir}/tmp/`), path);
    }
  },
});

function temporaryFilesOf(pid: number, found: Set<string>): void {
  for (const line of printed("ls", "-l", `/proc/${pid}/fd`).split("\n")) {
    const target = / -> (.*etilqs_\S*)/.exec(line);
    if (target !== null) found.add(target[1]!);
  }
}
