import assert from "node:assert/strict";
import { execute, Subject } from "./subject.ts";
import { test } from "./drivers.ts";

test("apply() executes statements and answers what they did", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)");
  assert.deepEqual(
    await subject.run(execute("INSERT INTO t (name) VALUES (?)", ["a"])),
    {
      ok: true,
      results: [{
        rowsAffected: 1,
        lastInsertRowid: 1,
        columns: [],
        rows: [],
      }],
    },
  );
  assert.deepEqual(subject.rows("SELECT * FROM t"), [[1, "a"]]);
  assert.deepEqual(
    await subject.machine.query({ sql: "SELECT name FROM t" }),
    { columns: ["name"], rows: [["a"]] },
  );
});
