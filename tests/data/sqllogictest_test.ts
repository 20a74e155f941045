import assert from "node:assert/strict";
import { runScript, type SqlExecutor } from "./sqllogictest.ts";
import { Subject } from "../state/sqlite/subject.ts";

function executorOf(subject: Subject): SqlExecutor {
  return {
    execute: (sql) => subject.execute(sql),
    query: (sql) => Promise.resolve().then(() => subject.rows(sql)),
  };
}

Deno.test("runScript() notices a wrong value, a wrong hash, a missing error", async (t) => {
  const right = [
    "statement ok",
    "CREATE TABLE t (a, b)",
    "",
    "statement ok",
    "INSERT INTO t VALUES (2, 'x'), (1, '')",
    "",
    "statement error",
    "INSERT INTO nowhere VALUES (1)",
    "",
    "skipif sqlite",
    "statement ok",
    "NOT FOR US",
    "",
    "query IT rowsort # why",
    "SELECT a, b FROM t",
    "----",
    "1",
    "(empty)",
    "2",
    "x",
    "",
    "query I nosort",
    "SELECT a FROM t ORDER BY 1",
    "----",
    "2 values hashing to 6ddb4095eb719e2a9f0a3f95677d24e0",
  ].join("\n");
  const run = async (script: string) => {
    await using subject = await Subject.open();
    return await runScript(script, executorOf(subject));
  };
  assert.deepEqual(await run(right), {
    statements: 3,
    queries: 2,
    skipped: 1,
  });
  const wrong: [string, string, RegExp][] = [
    ["(empty)", "y", /Line 14/],
    ["6ddb", "6ddc", /Line 22/],
    ["INTO nowhere VALUES (1)", "INTO t VALUES (1, 1)", /Line 7: no error/],
  ];
  for (const [from, to, message] of wrong) {
    await t.step(to, async () => {
      await assert.rejects(run(right.replace(from, to)), message);
    });
  }
});

const folder = Deno.env.get("HQL_TEST_DATA");
if (folder !== undefined) {
  for (let i = 1; i <= 5; i++) {
    Deno.test(`select${i}.test passes with writes through the state machine`, async () => {
      const path = `${folder}/sqllogictest/select${i}.test`;
      await using subject = await Subject.open();
      const { queries } = await runScript(
        await Deno.readTextFile(path),
        executorOf(subject),
      );
      assert.ok(queries > 500, `${queries} queries`);
    });
  }
}
