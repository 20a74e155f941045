import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type FileFormat,
  type FileOptions,
  fileWriter,
  tabSeparated,
} from "../../dashboard/files/formats.ts";
import { valueOfJson } from "../../dashboard/files/json.ts";
import {
  type ExactValue,
  sameValue,
} from "../../dashboard/values/exact_value.ts";
import { literalOf } from "../../dashboard/values/literal.ts";
import { Database } from "./database.ts";
import { anyValue } from "./values.ts";

function written(
  format: FileFormat,
  rows: readonly (readonly ExactValue[])[],
  options: Partial<FileOptions> = {},
): string {
  const writer = fileWriter(format, {
    names: ["a", "b"],
    table: 't"x',
    ddl: null,
    spreadsheets: false,
    ...options,
  });
  return writer.begin +
    rows.map((row, at) => writer.row(row, at === 0)).join("") + writer.end;
}

const rows = fc.array(fc.tuple(anyValue, anyValue), { maxLength: 6 });

Deno.test("rows that are written as SQL make the same table: equal by typeof and quote", () => {
  fc.assert(fc.property(rows, (rows) => {
    using db = new Database();
    db.exec(written("sql", rows, { ddl: 'CREATE TABLE "t""x" (a, b)' }));
    const found = db.rows(
      'SELECT typeof(a) || quote(a) || typeof(b) || quote(b) FROM "t""x"',
    );
    const expected = rows.map((row) =>
      row.map((value) =>
        db.rows(
          `SELECT typeof(v) || quote(v) FROM (SELECT ${literalOf(value)} AS v)`,
        )[0]![0]
      ).join("")
    );
    assert.deepEqual(found.map(([text]) => text), expected);
  }));
});

Deno.test("rows that are written as JSON, in one list or by line, are read as the same values", () => {
  fc.assert(fc.property(rows, (rows) => {
    const lines = written("ndjson", rows).split("\n").slice(0, -1).map((line) =>
      JSON.parse(line)
    );
    assert.deepEqual(JSON.parse(written("json", rows)), lines);
    assert.equal(lines.length, rows.length);
    for (const [at, object] of lines.entries()) {
      assert.ok(sameValue(valueOfJson(object.a), rows[at]![0]));
      assert.ok(sameValue(valueOfJson(object.b), rows[at]![1]));
    }
  }));
  assert.equal(written("json", []), "[\n]\n");
});

Deno.test("rows that are written as JSON and inserted again make the same table: equal by typeof and quote", () => {
  fc.assert(fc.property(rows, (rows) => {
    using db = new Database(
      "CREATE TABLE one (a, b)",
      "CREATE TABLE two (a, b)",
    );
    for (const row of rows) db.insert("one", row);
    for (const { a, b } of JSON.parse(written("json", rows))) {
      db.insert("two", [valueOfJson(a), valueOfJson(b)]);
    }
    const exactly = (table: string) =>
      db.rows(
        `SELECT typeof(a) || quote(a), typeof(b) || quote(b) FROM ${table}`,
      );
    assert.deepEqual(exactly("two"), exactly("one"));
  }));
});

Deno.test("columns of the same name stay apart in JSON", () => {
  const row = [1n, 2n, 3n].map((value) =>
    ({ type: "integer", value }) as const
  );
  assert.equal(
    written("ndjson", [row], { names: ["a", "a", "a_2"] }),
    '{"a":1,"a_2":2,"a_2_2":3}\n',
  );
});

Deno.test("a table in Markdown keeps its shape", () => {
  const text = (value: string): ExactValue => ({ type: "text", value });
  assert.equal(
    written("markdown", [[text("a|b\nc\\"), { type: "null" }]]),
    "| a | b |\n| --- | --- |\n| a\\|b<br>c\\\\ | NULL |\n",
  );
});

Deno.test("a clipboard gets tabs between cells and none in them", () => {
  const rows: ExactValue[][] = [
    [{ type: "integer", value: 2n ** 63n - 1n }, {
      type: "text",
      value: 'a\t"b"',
    }],
    [{ type: "null" }, { type: "blob", value: new Uint8Array([1, 255]) }],
  ];
  assert.equal(tabSeparated(rows), '9223372036854775807\t"a\t""b"""\n\t0x01ff');
});
