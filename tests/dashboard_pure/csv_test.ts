import assert from "node:assert/strict";
import fc from "fast-check";
import { csvRecord, valueOfField } from "../../dashboard/files/csv.ts";
import { CsvReader, type CsvRecord } from "../../dashboard/files/csv_reader.ts";
import { sameValue } from "../../dashboard/values/exact_value.ts";
import { anyValue } from "./values.ts";

function read(
  text: string,
  separator = ",",
  pieces: readonly number[] = [],
): CsvRecord[] {
  const reader = new CsvReader(separator);
  const records: CsvRecord[] = [];
  let at = 0;
  for (const length of pieces) {
    records.push(...reader.push(text.slice(at, at + length)));
    at += length;
  }
  return [...records, ...reader.push(text.slice(at)), ...reader.end()];
}

const texts = (records: readonly CsvRecord[]) =>
  records.map(({ fields }) => fields.map((field) => field.text));

Deno.test("CSV is read as RFC 4180 writes it, and as others do", () => {
  assert.deepEqual(texts(read('a,b\r\n1,"x, ""y""\r\nz"\r\n')), [
    ["a", "b"],
    ["1", 'x, "y"\r\nz'],
  ]);
  assert.deepEqual(texts(read("\ufeffa,b\n\n,\nlast,")), [
    ["a", "b"],
    ["", ""],
    ["last", ""],
  ]);
  assert.deepEqual(texts(read("a;b,c\n", ";")), [["a", "b,c"]]);
  assert.deepEqual(texts(read('5" pipe,a\rb')), [['5" pipe', "a\rb"]]);
  assert.deepEqual(read('"",\n')[0]!.fields, [
    { text: "", quoted: true },
    { text: "", quoted: false },
  ]);
  assert.deepEqual(texts(read('""')), [[""]]);
  assert.deepEqual(texts(read('"a\r"')), [["a\r"]]);
  assert.deepEqual(read(""), []);
});

Deno.test("records know their line, and what is wrong with them", () => {
  const records = read('a\n"x\ny"\n\n"b"c,d\ne\n"open');
  assert.deepEqual(records.map(({ line, problem }) => [line, problem]), [
    [1, null],
    [2, null],
    [5, "There is text behind a closing quote."],
    [6, null],
    [7, "A quote is not closed."],
  ]);
  assert.deepEqual(texts(records)[3], ["e"]);
});

Deno.test("pieces of a file may end anywhere", () => {
  const text = '\ufeff"a""b",c\r\n"",\r\n"x\r\ny""","\r"\r\nlast,""';
  const whole = read(text);
  assert.equal(whole.length, 4);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 30 }),
      (pieces) => {
        assert.deepEqual(read(text, ",", pieces), whole);
      },
    ),
  );
});

Deno.test("rows that are written as CSV are read as the same values", () => {
  const rows = fc.integer({ min: 1, max: 4 }).chain((columns) =>
    fc.array(fc.array(anyValue, { minLength: columns, maxLength: columns }), {
      maxLength: 5,
    })
  );
  fc.assert(
    fc.property(rows, (rows) => {
      const text = rows.map((row) => csvRecord(row, { spreadsheets: false }))
        .join("");
      const records = read(text);
      assert.deepEqual(
        records.map(({ problem }) => problem),
        rows.map(() => null),
      );
      for (const [at, { fields }] of records.entries()) {
        const values = fields.map((field) => valueOfField(field, "BLOB"));
        assert.equal(values.length, rows[at]!.length);
        assert.ok(
          values.every((value, column) => sameValue(value, rows[at]![column]!)),
          text,
        );
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("what a column makes of a field is what was meant: 007 stays a text where texts are kept", () => {
  const plain = (text: string) => ({ text, quoted: false });
  assert.deepEqual(valueOfField(plain("007"), "TEXT"), {
    type: "text",
    value: "007",
  });
  assert.deepEqual(valueOfField(plain("007"), "INTEGER"), {
    type: "integer",
    value: 7n,
  });
  assert.deepEqual(valueOfField({ text: "7", quoted: true }, "INTEGER"), {
    type: "text",
    value: "7",
  });
  assert.deepEqual(valueOfField(plain("x'zz'"), "BLOB"), {
    type: "text",
    value: "x'zz'",
  });
  assert.deepEqual(valueOfField(plain(""), "TEXT"), { type: "null" });
  assert.deepEqual(valueOfField(plain("NULL"), "TEXT"), { type: "null" });
});

Deno.test("for spreadsheets, and only for them, formulas become texts", () => {
  const values = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "a=1"].map((value) =>
    ({ type: "text", value }) as const
  );
  assert.equal(
    csvRecord(values, { spreadsheets: false }),
    '"=1+1","+1","-1","@x","\tx","\rx","a=1"\r\n',
  );
  assert.equal(
    csvRecord(values, { spreadsheets: true }),
    `"'=1+1","'+1","'-1","'@x","'\tx","'\rx","a=1"\r\n`,
  );
  assert.equal(
    csvRecord([{ type: "integer", value: -1n }], { spreadsheets: true }),
    "-1\r\n",
  );
});
