import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Direct } from "./direct.ts";

const SCHEMA = [
  "CREATE TABLE t (a INTEGER PRIMARY KEY, b)",
  "CREATE TABLE seen (what)",
  "INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)",
];

/** Counts what it finds, and then refuses the row without an error: the statement returns nothing, and its work stays. */
const IGNORES = `BEGIN
  INSERT INTO seen VALUES (changes() || ' ' || last_insert_rowid());
  SELECT RAISE(IGNORE);
END`;

/** Statements that show columns and return no row, each after `before` in one transaction. */
const CASES: readonly {
  readonly trigger: string;
  readonly before: readonly string[];
  readonly statement: string;
}[] = [
  {
    trigger: `CREATE TRIGGER i BEFORE INSERT ON t ${IGNORES}`,
    before: ["UPDATE t SET b = 1"],
    statement: "INSERT INTO t (b) VALUES (7) RETURNING a",
  },
  {
    trigger: `CREATE TRIGGER i BEFORE INSERT ON t WHEN NEW.b = 7 ${IGNORES}`,
    before: ["INSERT INTO t VALUES (90, 1), (91, 1)"],
    statement: "INSERT INTO t (b) VALUES (7), (7) RETURNING a, b",
  },
  {
    trigger: `CREATE TRIGGER u BEFORE UPDATE ON t ${IGNORES}`,
    before: ["INSERT INTO t VALUES (50, 1)", "DELETE FROM t WHERE a < 3"],
    statement: "UPDATE t SET b = 2 RETURNING changes()",
  },
  {
    trigger: `CREATE TRIGGER d BEFORE DELETE ON t ${IGNORES}`,
    before: ["DELETE FROM seen"],
    statement: "DELETE FROM t RETURNING *",
  },
  {
    trigger: `CREATE TRIGGER i BEFORE INSERT ON t WHEN NEW.b = 7 ${IGNORES}`,
    before: ["UPDATE t SET b = 5 WHERE a = 1"],
    statement: "INSERT INTO t VALUES (60, 7), (1, 8) RETURNING a",
  },
];

Deno.test("U2 a statement that returns nothing finds the counters as if it ran once", () => {
  for (const { trigger, before, statement } of CASES) {
    const statements = [
      ...before,
      statement,
      "INSERT INTO seen VALUES (changes() || ' ' || last_insert_rowid())",
    ];
    const bare = new DatabaseSync(":memory:");
    using member = new Direct();
    for (const sql of [...SCHEMA, trigger]) {
      bare.prepare(sql).all();
      member.ok(sql);
    }
    // On a connection of its own, SQLite's counters begin at nothing.
    bare.prepare("INSERT INTO seen (rowid) VALUES (0)").run();
    bare.prepare("DELETE FROM seen").run();
    bare.prepare("UPDATE seen SET what = 0 WHERE 0").run();
    const result = member.run({
      kind: "txn",
      statements: statements.map((sql) => ({ sql })),
    });
    bare.exec("BEGIN");
    let failure: string | null = null;
    for (const sql of statements) {
      try {
        bare.prepare(sql).all();
      } catch (error) {
        failure = (error as Error).message;
        bare.exec("ROLLBACK");
        break;
      }
    }
    if (failure === null) bare.exec("COMMIT");
    assert.equal(result.ok ? null : result.error.message, failure, statement);
    for (const table of ["t", "seen"]) {
      const sql = `SELECT * FROM ${table}`;
      const expected = bare.prepare(sql).all().map((row) => Object.values(row));
      assert.deepEqual(member.rows(sql), expected, statement);
    }
    bare.close();
  }
});

Deno.test("U2 the inputs themselves: a column with the time as default, on an empty table", () => {
  using member = new Direct();
  member.ok("CREATE TABLE t (a)");
  member.ok("ALTER TABLE t ADD COLUMN c DEFAULT CURRENT_TIMESTAMP");
  member.ok("ALTER TABLE t ADD COLUMN d DEFAULT (1 + 1)");
  const { rows } = member.ok("INSERT INTO t (a) VALUES (1) RETURNING d");
  assert.deepEqual(rows, [[2]]);
});
