import assert from "node:assert/strict";
import fc from "fast-check";
import { affinityOf, valueAsWritten } from "../../dashboard/values/affinity.ts";
import { keysNamed, keyText } from "../../dashboard/values/cache_key.ts";
import {
  boundValue,
  exactValue,
  likelyValue,
  sameValue,
  type StorageClass,
} from "../../dashboard/values/exact_value.ts";
import {
  bytesOfHex,
  literalOf,
  valueOfLiteral,
} from "../../dashboard/values/literal.ts";
import {
  shownBytes,
  shownCount,
  shownParts,
  shownText,
} from "../../dashboard/values/shown.ts";
import { Database } from "./database.ts";
import { anyValue } from "./values.ts";

Deno.test("a value goes into SQLite and comes back the same, as a parameter and as a literal", () => {
  using db = new Database();
  fc.assert(
    fc.property(anyValue, (value) => {
      const bound = boundValue(value);
      const rows = db.query({
        sql:
          `SELECT v, typeof(v) FROM (SELECT ${bound.sql} AS v UNION ALL SELECT ${
            literalOf(value)
          })`,
        params: bound.params,
      });
      assert.equal(rows.length, 2);
      for (const [json, type] of rows) {
        const back = exactValue(json, type as StorageClass);
        assert.ok(sameValue(back, value), `${literalOf(value)}: ${json}`);
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("a REAL as a parameter has no affinity: 2.0 is not the text '2.0'", () => {
  using db = new Database(
    "CREATE TABLE t (x)",
    "INSERT INTO t VALUES (2), (2.0), ('2.0')",
  );
  const { sql, params } = boundValue({ type: "real", value: 2 });
  const found = db.query({
    sql: `SELECT rowid FROM t WHERE x = ${sql}`,
    params,
  });
  assert.deepEqual(found, [[1], [2]]);
});

Deno.test("a literal is read as what it was written from", () => {
  fc.assert(fc.property(anyValue, (value) => {
    const literal = literalOf(value);
    if (literal.startsWith("(")) return;
    const back = valueOfLiteral(literal);
    assert.ok(back !== null && sameValue(back, value), literal);
  }));
  for (const text of ["", "'a", "x'0'", "1 2", "0x10", "1e", "NaN", "'a'b'"]) {
    assert.equal(valueOfLiteral(text), null, text);
  }
});

Deno.test("2 is not 2.0, '' not NULL, and 'x' not its bytes", () => {
  const values = [
    "NULL",
    "''",
    "'NULL'",
    "2",
    "2.0",
    "'2'",
    "x''",
    "x'32'",
    "9223372036854775807",
    "-9007199254740991",
    "1e308",
  ].map((text) => valueOfLiteral(text)!);
  for (const [i, a] of values.entries()) {
    for (const [j, b] of values.entries()) {
      assert.equal(sameValue(a, b), i === j, `${literalOf(a)} ${literalOf(b)}`);
    }
  }
  assert.deepEqual(likelyValue({ $int: "9223372036854775807" }), {
    type: "integer",
    value: 2n ** 63n - 1n,
  });
  assert.deepEqual(likelyValue({ $float: "1e20" }), {
    type: "real",
    value: 1e20,
  });
});

Deno.test("a column's affinity is SQLite's", () => {
  using db = new Database();
  const types = [
    "INT",
    "BIGINT",
    "CHARINT",
    "VARCHAR(10)",
    "CLOB",
    "",
    "BLOB",
    "DOUBLE",
    "FLOAT",
    "NUMERIC",
    "DATE",
    "POINT",
    "STRING",
    "ANY",
  ];
  for (const [at, type] of types.entries()) {
    db.exec(`CREATE TABLE t${at} (c ${type})`);
    db.exec(`INSERT INTO t${at} VALUES ('12'), (12), (12.0), ('x')`);
    const found = db.rows(`SELECT group_concat(typeof(c)) FROM t${at}`)[0]![0];
    const expected = {
      INTEGER: "integer,integer,integer,text",
      NUMERIC: "integer,integer,integer,text",
      REAL: "real,real,real,text",
      TEXT: "text,text,text,text",
      BLOB: "text,integer,real,text",
    }[affinityOf(type)];
    assert.equal(found, expected, type);
  }
});

Deno.test("what somebody writes means what the column makes of it", () => {
  assert.deepEqual(valueAsWritten("9007199254740993", "INTEGER"), {
    type: "integer",
    value: 9007199254740993n,
  });
  assert.deepEqual(valueAsWritten("007", "TEXT"), {
    type: "text",
    value: "007",
  });
  assert.deepEqual(valueAsWritten("2", "REAL"), { type: "real", value: 2 });
  assert.deepEqual(valueAsWritten("2.0", "BLOB"), { type: "real", value: 2 });
  assert.deepEqual(valueAsWritten("9223372036854775808", "INTEGER"), {
    type: "real",
    value: 2 ** 63,
  });
  assert.deepEqual(valueAsWritten("ten", "INTEGER"), {
    type: "text",
    value: "ten",
  });
});

Deno.test("bytes are read from hex, or not at all", () => {
  assert.deepEqual(bytesOfHex("00 fF\n10"), new Uint8Array([0, 255, 16]));
  for (const wrong of ["0", "0g", "0x00", "é0"]) {
    assert.equal(bytesOfHex(wrong), null);
  }
});

Deno.test("what hides or turns the text around is shown as an escape, and told from the same letters", () => {
  assert.equal(
    shownText("a\u202eb\u200b\ufeff"),
    "a\\u{202e}b\\u{200b}\\u{feff}",
  );
  assert.deepEqual(shownParts("a\n\\n"), [
    { text: "a", escape: false },
    { text: "\\n", escape: true },
    { text: "\\n", escape: false },
  ]);
  assert.equal(shownText("\u0000\u001b[31m\u0085"), "\\u{0}\\u{1b}[31m\\u{85}");
  assert.equal(shownText("\ud800 \u{e0041}"), "\\u{d800} \\u{e0041}");
  assert.equal(shownText("naïve 漢字 👍🏽 שלום"), "naïve 漢字 👍🏽 שלום");
});

Deno.test("sizes and counts are for people", () => {
  assert.deepEqual(
    [0, 999, 1234, 999_949, 999_950, 5e6, 2e12].map(shownBytes),
    [
      "0 B",
      "999 B",
      "1.2 kB",
      "999.9 kB",
      "1.0 MB",
      "5.0 MB",
      "2.0 TB",
    ],
  );
  assert.equal(shownCount(-1234567), "-1,234,567");
  assert.equal(shownCount(999), "999");
});

Deno.test("a cache's key is named by its text, or by its bytes as hex or base64; what is neither is text", () => {
  const bytes = { $blob: "AP8B" };
  for (const named of ["hex:00ff01", "hex:00 FF 01", "base64:AP8B"]) {
    assert.deepEqual(keysNamed(named), [bytes, named]);
  }
  for (
    const text of [
      "",
      "user:1",
      "hex:",
      "hex:0",
      "hex:0g",
      "base64:_",
      "base64:",
    ]
  ) assert.deepEqual(keysNamed(text), [text]);
  // What the list shows leads to the key again.
  fc.assert(fc.property(fc.uint8Array({ minLength: 1 }), (key) => {
    const json = { $blob: key.toBase64() };
    assert.deepEqual(keysNamed(keyText(json))[0], json);
  }));
});
