import assert from "node:assert/strict";
import { Direct } from "../direct.ts";
import { test } from "../drivers.ts";
import { execute, txn } from "../subject.ts";

const SCHEMA = [
  "CREATE TABLE log (n INTEGER PRIMARY KEY, x, y)",
  "CREATE VIRTUAL TABLE f USING fts5(b)",
  "CREATE VIRTUAL TABLE f4 USING fts4(b)",
];
const WRITES = [
  "INSERT INTO f(rowid, b) VALUES (5, 'one'), (9, 'two')",
  "INSERT INTO f4(docid, b) VALUES (3, 'one'), (7, 'two')",
];
const MORE = [
  "INSERT INTO f(b) VALUES ('three')",
  "INSERT INTO f4(b) VALUES ('four')",
];
const COUNTED = "INSERT INTO log(x, y) VALUES (changes(), last_insert_rowid())";
const COUNTERS = "SELECT changes(), last_insert_rowid()";

/** What is compared of a member: all that full-text search keeps, too. */
function stateOf(member: Direct): unknown {
  return ["log", "f_data", "f_idx", "f4_segdir", "f4_segments"]
    .map((table) => member.rows(`SELECT * FROM ${table}`));
}

/** A member that has made a guard for each table that is written below, if `guarded`; another has not. */
function memberWith(guarded: boolean): Direct {
  const member = new Direct();
  for (const sql of SCHEMA) member.ok(sql);
  if (guarded) member.ok("INSERT INTO log(x) SELECT 1 WHERE 0");
  return member;
}

const ENTRIES: Readonly<Record<string, Parameters<Direct["run"]>[0]>> = {
  "an INSERT that asks": txn(...WRITES, COUNTED, ...MORE, COUNTED),
  "an INSERT that does not": txn(
    ...WRITES,
    "INSERT INTO log(x) VALUES (8)",
    ...MORE,
  ),
  "an INSERT of a rowid": txn(
    ...WRITES,
    "INSERT INTO log(n) VALUES (8)",
    COUNTED,
    ...MORE,
  ),
  "statements one by one": {
    kind: "batch",
    sql: [...WRITES, COUNTED, ...MORE, COUNTED].join(";"),
  },
};

for (const [what, entry] of Object.entries(ENTRIES)) {
  test(`when full-text search writes does not depend on guards that only some members have: ${what}`, () => {
    const [guarded, plain] = [true, false].map((has) => {
      using member = memberWith(has);
      const answer = member.run(entry);
      return { answer, state: stateOf(member) };
    });
    assert.equal(plain!.answer.ok, true);
    assert.deepEqual(guarded, plain);
  });
}

const BETWEEN: Readonly<Record<string, readonly string[]>> = {
  "nothing": [],
  "a table that is made": ["CREATE TABLE later (a)"],
  "a guard": ["CREATE INDEX byx ON log (x)"],
};

for (const [what, between] of Object.entries(BETWEEN)) {
  test(`changes() and last_insert_rowid() are of the statement before, whatever full-text search writes meanwhile: ${what} between`, () => {
    const batch = (statements: string[]) =>
      ({ kind: "batch", sql: statements.join(";") }) as const;
    for (const [write, rowid] of [[WRITES[0]!, 9], [WRITES[1]!, 7]] as const) {
      for (const gathered of [batch, (all: string[]) => txn(...all)]) {
        using member = memberWith(true);
        const { ok, results } = member.run(
          gathered([write, ...between, COUNTERS, COUNTED, COUNTERS]),
        );
        assert.ok(ok);
        assert.deepEqual(results.at(-3)!.rows, [[2, rowid]]);
        assert.deepEqual(member.rows("SELECT x, y FROM log"), [[2, rowid]]);
        assert.deepEqual(results.at(-1)!.rows, [[1, 1]]);
      }
    }
  });
}

test("statements of a transaction that write to full-text tables only fill one part of an index", () => {
  using member = memberWith(true);
  member.run(
    txn(
      ...["one", "two", "three"].map((word) =>
        `INSERT INTO f(b) VALUES ('${word}')`
      ),
    ),
  );
  member.run(execute("INSERT INTO log(x) VALUES (1)"));
  assert.equal(member.rows("SELECT DISTINCT segid FROM f_idx").length, 1);
});

test("the rows of an INSERT into a full-text table with RETURNING are counted, alone and in a transaction", () => {
  for (const [table, key] of [["f", "rowid"], ["f4", "docid"]]) {
    const insert =
      `INSERT INTO ${table}(${key}, b) VALUES (4, 'x'), (8, 'y'), (6, 'z') RETURNING b`;
    using member = memberWith(false);
    const alone = member.ok(insert);
    assert.deepEqual([alone.rowsAffected, alone.lastInsertRowid], [3, 6]);
    member.ok(`DELETE FROM ${table}`);
    const { results } = member.run(txn(insert, COUNTERS));
    assert.equal(results[0]!.rowsAffected, 3);
    assert.deepEqual(results[1]!.rows, [[3, 6]]);
  }
});
