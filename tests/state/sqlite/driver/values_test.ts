import assert from "node:assert/strict";
import type { SqlValue } from "../../../../src/state/sql/types.ts";
import {
  type SqliteConnection,
  SqliteError,
} from "../../../../src/state/sqlite/driver/driver.ts";
import { presentDriver, test } from "../drivers.ts";

const NONE = { anonymous: [], named: null };

function opened(): SqliteConnection & Disposable {
  const connection = presentDriver().open(":memory:", { readOnly: false });
  return Object.assign(connection, {
    [Symbol.dispose]: () => connection.close(),
  });
}

/** What SQLite has stored, as its own words. */
const STORED: readonly (readonly [SqlValue, string, string])[] = [
  [null, "null", ""],
  [5n, "integer", "5"],
  [-(2n ** 63n), "integer", "-9223372036854775808"],
  [2n ** 63n - 1n, "integer", "9223372036854775807"],
  [5, "real", "5.0"],
  [0.1, "real", "0.1"],
  [NaN, "null", ""],
  [Infinity, "real", "Inf"],
  ["", "text", ""],
  ["a\0b", "text", "a"],
  ["é😀", "text", "é😀"],
  ["\ufeffa", "text", "\ufeffa"],
  ["a\ud800", "text", "a\ufffd"],
  ["x".repeat(100_000), "text", "x".repeat(100_000)],
  ["é".repeat(50_000), "text", "é".repeat(50_000)],
  [new Uint8Array(0), "blob", ""],
  [new Uint8Array([65, 0, 66]).subarray(0, 1), "blob", "A"],
];

test("parameters are stored as what they are", () => {
  using connection = opened();
  const statement = connection.prepare("SELECT typeof(?1), CAST(?1 AS TEXT)")!;
  for (const [value, type, text] of STORED) {
    const [row] = statement.all({ anonymous: [value], named: null });
    assert.deepEqual(row, [type, type === "null" ? null : text]);
  }
  assert.throws(() => statement.all({ anonymous: [2n ** 63n], named: null }));
  assert.throws(
    () => statement.all({ anonymous: [1n, 2n], named: null }),
    (error) => error instanceof SqliteError && error.code === 25,
  );
  assert.throws(
    () => statement.all({ anonymous: [], named: { ":x": 1n } }),
    (error) => error instanceof SqliteError && error.code === 25,
  );
});

test("values come back as what they are, text up to its NUL and as far as it is UTF-8", () => {
  using connection = opened();
  const statement = connection.prepare(
    `SELECT NULL, 5, 9007199254740991, 9007199254740993, -9223372036854775808, 5.0, -0.0, 1e999,
      '', 'é😀', char(97, 0, 98), CAST(x'61ff62' AS TEXT), CAST(x'efbbbf61' AS TEXT),
      CAST(x'f0908062e28082c3' AS TEXT), x'', zeroblob(3), x'00ff'`,
  )!;
  // deno-fmt-ignore
  const expected: SqlValue[] = [
    null, 5, 9007199254740991, 9007199254740993n, -(2n ** 63n), 5, -0, Infinity,
    "", "é😀", "a", "a\ufffdb", "\ufeffa", "\ufffdb\u2002\ufffd",
    new Uint8Array(0), new Uint8Array(3), new Uint8Array([0, 255]),
  ];
  assert.deepEqual(statement.all(NONE), [expected]);
  const whole = expected.map((value, at) =>
    at >= 1 && at <= 3 ? BigInt(value as number) : value
  );
  assert.deepEqual(statement.allBigInt(NONE), [whole]);
  assert.deepEqual([...statement.rows(NONE)], [whole]);
});

test("parameters by name, by number and in order find their places", () => {
  using connection = opened();
  const statement = connection.prepare("SELECT :a, ?, @b, $c, ?7, :a, ?")!;
  assert.deepEqual(
    statement.all({
      anonymous: [1n, 2n, 3n, 4n, 5n],
      named: { ":a": "a", "@b": "b", "$c": "c" },
    }),
    [["a", 1, "b", "c", 4, "a", 5]],
  );
  assert.deepEqual(statement.columns, [":a", "?", "@b", "$c", "?7", ":a", "?"]);
  // What is not given again is NULL.
  assert.deepEqual(statement.all(NONE), [[
    null,
    null,
    null,
    null,
    null,
    null,
    null,
  ]]);
});

test("functions get and give every kind of value", () => {
  using connection = opened();
  let got: SqlValue[] = [];
  connection.define("show", false, (...args) => {
    got = args;
    return args[0] ?? null;
  });
  const call = (list: string): SqlValue[] =>
    connection.prepare(
      `SELECT typeof(v), quote(v) FROM (SELECT show(${list}) AS v)`,
    )!
      .all(NONE)[0]!;
  assert.deepEqual(call("5"), ["integer", "5"]);
  assert.deepEqual(call("0.5, 2"), ["real", "0.5"]);
  assert.deepEqual(got, [0.5, 2n]);
  assert.deepEqual(call("''"), ["text", "''"]);
  assert.deepEqual(call("'é'"), ["text", "'é'"]);
  assert.deepEqual(call("x''"), ["blob", "X''"]);
  assert.deepEqual(call("x'00ff', NULL"), ["blob", "X'00FF'"]);
  assert.deepEqual(got, [new Uint8Array([0, 255]), null]);
  assert.deepEqual(call(""), ["null", "NULL"]);
  assert.deepEqual(call("char(97, 0, 98)"), ["text", "'a'"]);
  assert.deepEqual(got, ["a\0b"]);
  assert.deepEqual(call("CAST(x'efbbbfff' AS TEXT)"), [
    "text",
    "'\ufeff\ufffd'",
  ]);
});

test("run() tells changes and the last rowid, with rows or without", () => {
  using connection = opened();
  connection.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, x)");
  const insert = connection.prepare(
    "INSERT INTO t (x) VALUES (?), (?) RETURNING id",
  )!;
  assert.deepEqual(insert.run({ anonymous: [1n, "b"], named: null }), {
    changes: 2,
    lastInsertRowid: 2n,
  });
  assert.deepEqual(connection.prepare("UPDATE t SET x = 0")!.run(NONE), {
    changes: 2,
    lastInsertRowid: 2n,
  });
  assert.deepEqual(connection.prepare("SELECT count(*) FROM t")!.all(NONE), [[
    2,
  ]]);
});

test("a statement that was released can be used again", () => {
  using connection = opened();
  const statement = connection.prepare("SELECT ?1 + 1 AS n")!;
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(statement.all({ anonymous: [1n], named: null }), [[2]]);
    statement.release();
  }
  assert.deepEqual(statement.columns, ["n"]);
});

test("the authorizer hears what is compiled, and refuses it", () => {
  using connection = opened();
  connection.exec("CREATE TABLE t (x)");
  const heard: string[] = [];
  let allowed = true;
  connection.authorize((action, first, second, database, trigger) => {
    heard.push([action, first, second, database, trigger].join(" "));
    return allowed;
  });
  connection.prepare("SELECT x FROM t");
  assert.deepEqual(heard, ["21    ", "20 t x main "]);
  allowed = false;
  assert.throws(
    () => connection.prepare("SELECT x FROM t"),
    (error) => error instanceof SqliteError && error.primary === 23,
  );
});

test("limit() bounds values and statements", () => {
  using connection = opened();
  connection.limit(1000, 100);
  assert.throws(
    () => connection.prepare("SELECT zeroblob(1001)")!.all(NONE),
    (error) => error instanceof SqliteError && error.code === 18,
  );
  assert.throws(
    () => connection.prepare(`SELECT '${"x".repeat(100)}'`),
    (error) => error instanceof SqliteError && error.code === 18,
  );
});

test("backup() copies what the open transaction sees", async () => {
  using connection = opened();
  const target = await Deno.makeTempFile({ prefix: "hql-backup-" });
  try {
    connection.exec("CREATE TABLE t (x); INSERT INTO t VALUES (7); BEGIN");
    await connection.backup(target);
    const copy = presentDriver().open(target, { readOnly: true });
    assert.deepEqual(copy.prepare("SELECT x FROM t")!.all(NONE), [[7]]);
    assert.throws(
      () => copy.exec("DELETE FROM t"),
      (error) => error instanceof SqliteError,
    );
    copy.close();
  } finally {
    await Deno.remove(target);
  }
});

test("a text in double quotes is no string, as members must agree on", () => {
  using connection = opened();
  assert.throws(() => connection.prepare('SELECT "abc"'), SqliteError);
  assert.throws(
    () =>
      connection.exec("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema"),
    SqliteError,
  );
});

test("rows() tells of every value before its row, and ends with what is thrown", () => {
  const connection = presentDriver().open(":memory:", { readOnly: false });
  const statement = connection.prepare(
    "SELECT 1, 'two' UNION ALL SELECT 3, x'04'",
  )!;
  const told: SqlValue[] = [];
  const rows = [...statement.rows(NONE, (value) => told.push(value))];
  assert.deepEqual(told, rows.flat());
  const failure = new Error("enough");
  assert.throws(
    () => [
      ...statement.rows(NONE, (value) => {
        if (value === "two") throw failure;
      }),
    ],
    (error) => error === failure,
  );
  assert.equal([...statement.rows(NONE)].length, 2, "it can run again");
  connection.close();
});
