import assert from "node:assert/strict";
import { indentedJson } from "../../dashboard/values/json_layout.ts";

Deno.test("JSON is indented as JSON.stringify does it", () => {
  for (
    const value of [
      { a: 1, b: [true, null, { c: "x" }], empty: {}, none: [] },
      [],
      "text",
      -1.5e300,
      { 'quotes " and \\': '{ not: [a, "mark"] }\n', "": [[1], [2, 3]] },
    ]
  ) {
    assert.equal(
      indentedJson(JSON.stringify(value)),
      JSON.stringify(value, null, 2),
    );
    assert.equal(
      indentedJson(JSON.stringify(value, null, "\t")),
      JSON.stringify(value, null, 2),
    );
  }
});

Deno.test("digits and keys stay as they were written", () => {
  assert.equal(
    indentedJson('{"n":12345678901234567890,"n":1.0}'),
    '{\n  "n": 12345678901234567890,\n  "n": 1.0\n}',
  );
});
