import assert from "node:assert/strict";
import { readReals } from "../../../src/cli/shell/reals.ts";
import { type ErrorCode, HiqliteError } from "../../../src/errors.ts";

Deno.test("a query is asked once, within one that tells types; what writes is not asked", async () => {
  const asked: string[] = [];
  const read = (sql: string) => {
    asked.push(sql);
    const rows = sql.includes("LIMIT 0") ? [] : [[1, 1, 2.5, 1, 0, 1]];
    return Promise.resolve({ columns: ["a", "b", "c"], rows });
  };
  const found = await readReals("SELECT a, b, c FROM t;", "SELECT", read);
  assert.deepEqual(found!.columns, ["a", "b", "c"]);
  assert.deepEqual(found!.rows.map((row) => row.join()), ["1.0,1,2.5"]);
  assert.equal(asked.length, 2);
  assert.ok(!asked.some((sql) => sql.includes(";")), asked.join("\n"));
  assert.equal(await readReals("INSERT INTO t", "INSERT", read), null);
  assert.equal(asked.length, 2);
});

Deno.test("what is wrong with a query is said of itself; one that was cancelled is not asked again", async () => {
  const failing = (code: ErrorCode) =>
    readReals(
      "SELECT 1",
      "SELECT",
      () => Promise.reject(new HiqliteError(code, "no")),
    );
  assert.equal(await failing("sql"), null);
  assert.equal(await failing("forbidden"), null);
  await assert.rejects(failing("timeout"), { code: "timeout" });
  await assert.rejects(failing("no_leader"), { code: "no_leader" });
});
