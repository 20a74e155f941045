import assert from "node:assert/strict";
import { Direct } from "../direct.ts";
import { execute, START_MS, txn } from "../subject.ts";
import type { SqlValue } from "../../../../src/state/sql/types.ts";
import { test } from "../drivers.ts";

/** START_MS is 2023-11-14 22:13:20 UTC. */
const TIMES: readonly [string, SqlValue][] = [
  ["CURRENT_TIMESTAMP", "2023-11-14 22:13:20"],
  ["CURRENT_DATE", "2023-11-14"],
  ["CURRENT_TIME", "22:13:20"],
  ["datetime()", "2023-11-14 22:13:20"],
  ["datetime('NOW')", "2023-11-14 22:13:20"],
  ["datetime('now', '+1 day')", "2023-11-15 22:13:20"],
  ["datetime('now', 'start of month')", "2023-11-01 00:00:00"],
  ["date('now')", "2023-11-14"],
  ["time('subsec')", "22:13:20.123"],
  ["unixepoch()", 1_700_000_000],
  ["unixepoch('subsec')", 1_700_000_000.123],
  ["round(julianday('now'), 3)", 2460263.426],
  ["strftime('%Y-%m')", "2023-11"],
  ["strftime('%s', 'now')", "1700000000"],
  ["timediff('now', '2023-11-14')", "+0000-00-00 22:13:20.123"],
  ["date('2024-01-31', '+1 month')", "2024-03-02"],
  ["date('2024-02-30x')", null],
  ["datetime(1700000000, 'unixepoch')", "2023-11-14 22:13:20"],
  ["date(NULL)", null],
];

for (const [expression, expected] of TIMES) {
  test(`apply() answers ${expression} from the entry's time`, () => {
    using member = new Direct();
    const result = member.run(execute(`SELECT ${expression}`), {
      timeMs: START_MS + 123,
    });
    assert.ok(result.ok);
    assert.deepEqual(result.results[0]!.rows, [[expected]]);
  });
}

test("§1.5 apply() uses the entry's time and chance in DEFAULTs, triggers and views", () => {
  const contents = () => {
    const member = new Direct();
    member.ok(
      "CREATE TABLE t (a DEFAULT CURRENT_TIMESTAMP, b DEFAULT (random()), c DEFAULT (datetime('now', 'subsec')), d)",
    );
    member.ok("CREATE TABLE log (at, r)");
    member.ok("CREATE VIEW v AS SELECT date('now') AS day, random() AS r");
    member.ok(
      "CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log SELECT day, r FROM v; END",
    );
    member.run(execute("INSERT INTO t (d) VALUES (hex(randomblob(8)))"), {
      timeMs: START_MS + 5,
      seed: [7, 8],
    });
    const rows = member.rows("SELECT * FROM t, log");
    member[Symbol.dispose]();
    return rows;
  };
  const [row] = contents();
  assert.deepEqual(contents(), [row]);
  assert.equal(row![0], "2023-11-14 22:13:20");
  assert.equal(row![2], "2023-11-14 22:13:20.005");
  assert.equal(row![4], "2023-11-14");
});

test("apply() draws other numbers for another seed half or call, and the same for the same seed wherever its entry stands", () => {
  using member = new Direct();
  const draws = new Set<SqlValue>();
  const seeds: [number, number][] = [[1, 2], [1, 3], [2, 2], [1, 2]];
  for (const seed of seeds) {
    const result = member.run(
      execute("SELECT hex(randomblob(16)), hex(randomblob(16))"),
      { seed },
    );
    for (const value of result.results[0]!.rows[0]!) draws.add(value);
  }
  // The last seed is the first again: a test's chance must not depend on how many entries of its member came before.
  assert.equal(draws.size, 6);
});

test("§1.5 apply() makes the entries' time monotonic", () => {
  using member = new Direct();
  const at = (timeMs: number) =>
    member.run(execute("SELECT unixepoch()"), { timeMs }).results[0]!.rows[0];
  assert.deepEqual(at(5000), [5]);
  assert.deepEqual(at(3000), [5]);
  assert.deepEqual(at(6000), [6]);
});

for (const modifier of ["localtime", "utc", "LOCALTIME"]) {
  test(`apply() refuses the time zone modifier ${modifier}`, () => {
    using member = new Direct();
    assert.match(
      member.fail(`SELECT datetime('now', '${modifier}')`).message,
      /depends on the member's time zone/,
    );
  });
}

test("apply() refuses the current time of a function that an index depends on, else the index would break", () => {
  using member = new Direct();
  member.ok("CREATE TABLE t (a, b DEFAULT (datetime('now')))");
  member.ok("INSERT INTO t (a) VALUES ('now')");
  assert.match(
    member.fail("CREATE INDEX i ON t (date(a))").message,
    /date\(\)/,
  );
  member.ok("DELETE FROM t");
  member.ok("CREATE INDEX i ON t (date(a))");
  assert.match(member.fail("INSERT INTO t (a) VALUES ('now')").message, /date/);
  member.ok("INSERT INTO t (a) VALUES ('2024-01-01 10:00')");
  assert.deepEqual(
    member.ok("SELECT b FROM t WHERE date(a) = '2024-01-01'").rows,
    [["2023-11-14 22:13:20"]],
  );
  member.ok("DROP INDEX i");
  member.ok("INSERT INTO t (a) VALUES (date('now'))");
});

test("apply() starts last_insert_rowid() and changes() afresh for each entry", () => {
  using member = new Direct();
  member.ok("CREATE TABLE t (a)");
  member.ok("INSERT INTO t VALUES (1), (2)");
  assert.deepEqual(
    member.ok("SELECT last_insert_rowid(), changes()").rows,
    [[0, 0]],
  );
  const result = member.run(txn(
    "INSERT INTO t VALUES (3)",
    "SELECT last_insert_rowid(), changes()",
  ));
  assert.deepEqual(result.results[1]!.rows, [[3, 1]]);
});

test("apply() reports a last rowid only for a statement that inserted one", () => {
  using member = new Direct();
  member.ok("CREATE TABLE t (a INTEGER PRIMARY KEY, b)");
  member.ok("CREATE TABLE w (a PRIMARY KEY) WITHOUT ROWID");
  const rowid = (sql: string) => member.ok(sql).lastInsertRowid;
  assert.equal(rowid("INSERT INTO t VALUES (5, 1)"), 5);
  assert.equal(rowid("INSERT INTO w VALUES (5)"), null);
  assert.equal(rowid("UPDATE t SET b = 2"), null);
  assert.equal(rowid("INSERT OR IGNORE INTO t VALUES (5, 1)"), null);
  const upsert = "ON CONFLICT (a) DO UPDATE SET b = 3";
  assert.equal(rowid(`INSERT INTO t VALUES (5, 1) ${upsert}`), null);
  assert.equal(rowid(`INSERT INTO t VALUES (6, 1) ${upsert}`), 6);
  assert.equal(rowid("INSERT INTO t VALUES (7, 1) RETURNING b"), 7);
  assert.equal(
    rowid("INSERT INTO t VALUES (9007199254740993, 1)"),
    9007199254740993n,
  );
});
