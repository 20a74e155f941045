import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Direct } from "./direct.ts";

const TABLES: Readonly<Record<string, string>> = {
  plain: "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c)",
  autoincrement:
    "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT, c)",
  strict: "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c ANY) STRICT",
  "without rowid":
    "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c) WITHOUT ROWID",
  "strict, without rowid":
    "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c ANY) STRICT, WITHOUT ROWID",
  "named rowid": "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c, rowid ANY)",
};

const ROWS = [
  "INSERT INTO t (a, b, c) VALUES (1, 'one', 1.5), (2, 'two', NULL)",
];

/** What stands over the table. */
const OVER: Readonly<Record<string, readonly string[]>> = {
  nothing: [],
  index: ["CREATE INDEX i ON t (b)", "CREATE INDEX e ON t (lower(b))"],
  "partial index": ["CREATE UNIQUE INDEX i ON t (b) WHERE c > 0"],
  view: ["CREATE VIEW v AS SELECT a, b, t.c FROM t WHERE b <> ''"],
  trigger: [
    "CREATE TABLE log (x)",
    "CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO log VALUES (NEW.b || changes()); END",
    "CREATE TRIGGER s AFTER UPDATE OF c ON t BEGIN DELETE FROM log; END",
  ],
  child: ["CREATE TABLE child (t REFERENCES t (a) ON DELETE CASCADE)"],
};

const CHANGES = [
  "ADD COLUMN d",
  "ADD d TEXT",
  "ADD COLUMN d INTEGER DEFAULT 7",
  "ADD COLUMN d TEXT DEFAULT CURRENT_TIMESTAMP",
  "ADD COLUMN d TEXT DEFAULT (1 + 1)",
  "ADD COLUMN d INTEGER NOT NULL",
  "ADD COLUMN d INTEGER NOT NULL DEFAULT 3",
  "ADD COLUMN d INTEGER CHECK (d > 5)",
  "ADD COLUMN d INTEGER DEFAULT 3 CHECK (d > 5)",
  "ADD COLUMN d INTEGER DEFAULT 9 CHECK (d > a)",
  "ADD COLUMN d INTEGER REFERENCES t (a)",
  "ADD COLUMN d INTEGER DEFAULT 1 REFERENCES t (a)",
  "ADD COLUMN d INTEGER GENERATED ALWAYS AS (a + 1)",
  "ADD COLUMN d INTEGER AS (a + 1) STORED",
  "ADD COLUMN d TEXT NOT NULL AS (b || c)",
  "ADD COLUMN d TEXT AS (b) CHECK (d <> 'two')",
  "ADD COLUMN d TEXT COLLATE NOCASE",
  "ADD COLUMN d BLOB UNIQUE",
  "ADD COLUMN d INTEGER PRIMARY KEY",
  "ADD COLUMN b",
  "ADD COLUMN oid INTEGER",
  "RENAME TO u",
  "RENAME TO t",
  "RENAME COLUMN b TO z",
  "RENAME b TO rowid",
  "RENAME COLUMN a TO b",
  "RENAME COLUMN c TO 'odd name'",
  "DROP COLUMN b",
  "DROP COLUMN c",
  "DROP a",
  "DROP COLUMN missing",
];

/** What is written after it, so that what stands over the table runs. */
const AFTER = [
  "INSERT INTO t (a, c) VALUES (10, 5)",
  "INSERT INTO u (a, c) VALUES (10, 5)",
  "UPDATE t SET c = 9 WHERE a = 1",
  "DELETE FROM t WHERE a = 2",
];

const SEEN =
  "SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE tbl_name NOT LIKE '\\_hql\\_%' ESCAPE '\\' AND name <> 'hql_locks' ORDER BY type, name";

/** Bare SQLite with the writer's settings. */
class Bare {
  readonly database = new DatabaseSync(":memory:");

  /** What went wrong, or null. */
  run(sql: string): string | null {
    try {
      this.database.prepare(sql).all();
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }

  rows(sql: string): unknown[][] {
    const statement = this.database.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all().map((row) =>
      Object.values(row).map((value) =>
        typeof value === "bigint" ? Number(value) : value
      )
    );
  }
}

function contentsOf(rows: (sql: string) => unknown[][]): unknown {
  const schema = rows(SEEN);
  const tables = schema.filter(([type]) => type === "table" || type === "view");
  // Time stands still for a member, so a default that reads it is only looked at for being there.
  const fixed = (value: unknown) =>
    typeof value === "string" && /^\d{4}-\d\d-\d\d /.test(value)
      ? "a time"
      : value;
  return [
    schema,
    ...tables.map(([, name]) => rows(`SELECT * FROM "${name}"`))
      .map((all) => all.map((row) => row.map(fixed))),
  ];
}

for (const [kind, table] of Object.entries(TABLES)) {
  Deno.test(`U1 U2 ALTER TABLE does what SQLite does: ${kind}`, () => {
    for (const [over, objects] of Object.entries(OVER)) {
      // These two differ from the plain one in rowids, so what runs is enough.
      const alike = kind === "autoincrement" || kind === "named rowid";
      if (alike && over !== "trigger") continue;
      for (const rows of [[], ROWS]) {
        for (const change of CHANGES) {
          const what = `${kind}, ${over}, ${rows.length} inserts, ${change}`;
          const bare = new Bare();
          using member = new Direct();
          const both = (sql: string): void => {
            const expected = bare.run(sql);
            const result = member.run({ kind: "execute", statement: { sql } });
            const found = result.ok ? null : result.error.message;
            assert.equal(found, expected, `${what}: ${sql}`);
          };
          for (const sql of [table, ...objects, ...rows]) both(sql);
          both(`ALTER TABLE t ${change}`);
          for (const sql of AFTER) both(sql);
          assert.deepEqual(
            contentsOf((sql) => member.rows(sql)),
            contentsOf((sql) => bare.rows(sql)),
            what,
          );
          bare.database.close();
        }
      }
    }
  });
}
