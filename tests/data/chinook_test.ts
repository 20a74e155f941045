import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { splitStatements } from "../../src/state/sqlite/statement/text.ts";
import { Subject } from "../state/sqlite/subject.ts";

/** Statements of a script in texts of at most `bytes`, each for one batch command. */
function* chunks(script: string, bytes: number): Generator<string> {
  let text = "";
  for (const statement of splitStatements(script)) {
    if (text.length + statement.length > bytes) {
      yield text;
      text = "";
    }
    text += statement;
  }
  yield text;
}

const folder = Deno.env.get("HQL_TEST_DATA");
if (folder !== undefined) {
  Deno.test("chinook.sql loads as batch commands into what plain SQLite loads", async () => {
    const script = await Deno.readTextFile(`${folder}/chinook.sql`);
    const plain = new DatabaseSync(":memory:");
    plain.exec(script);
    await using subject = await Subject.open();
    for (const sql of chunks(script, 100_000)) {
      const result = await subject.run({ kind: "batch", sql });
      assert.ok(result.ok, JSON.stringify(result.ok ? "" : result.error));
    }
    const schema =
      "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE '\\_hql\\_%' ESCAPE '\\' AND name <> 'hql_locks' ORDER BY type, name";
    const plainRows = (sql: string) =>
      plain.prepare(sql).all().map((row) => Object.values(row));
    const objects = plainRows(schema);
    assert.deepEqual(subject.rows(schema), objects);
    const tables = objects.filter(([type]) => type === "table");
    assert.equal(tables.length, 11);
    let count = 0;
    for (const [, name] of tables) {
      const sql = `SELECT rowid AS "the rowid", * FROM "${name}" ORDER BY 1`;
      const rows = plainRows(sql);
      assert.deepEqual(subject.rows(sql), rows);
      count += rows.length;
    }
    assert.ok(count > 15_000, `${count} rows`);
    plain.close();
  });
}
