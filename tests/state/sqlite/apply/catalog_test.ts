import assert from "node:assert/strict";
import fc from "fast-check";
import { Catalog } from "../../../../src/state/sqlite/apply/catalog.ts";
import type { SqliteConnection } from "../../../../src/state/sqlite/driver/driver.ts";
import { nodeDriver } from "../../../../src/state/sqlite/driver/node_driver.ts";
import { describeStatement } from "../../../../src/state/sqlite/statement/text.ts";
import { Direct } from "../direct.ts";

function canonical(catalog: Catalog): unknown {
  const sorted = (value: unknown): unknown => {
    if (value instanceof Map) {
      return [...value].sort(([a], [b]) => a < b ? -1 : 1);
    }
    return value instanceof Set ? [...value].sort() : value;
  };
  return Object.fromEntries(
    Object.entries(catalog.traits).map(([key, value]) => [key, sorted(value)]),
  );
}

const name = fc.constantFrom("a", "B", "c d", "a_content", "rowid");
const quoted = name.map((text) => `"${text}"`);
const definition = fc.constantFrom(
  "(x)",
  "(x INTEGER PRIMARY KEY, y)",
  "(x TEXT PRIMARY KEY) WITHOUT ROWID",
  "(x PRIMARY KEY, rowid)",
  "(x, rowid, _rowid_, oid)",
  "(x, y REFERENCES b DEFERRABLE INITIALLY DEFERRED)",
  "(x UNIQUE ON CONFLICT FAIL)",
  "(x DEFAULT (changes()))",
  "(x, y AS (date(x)))",
);
const statement = fc.oneof(
  fc.tuple(quoted, definition).map(([t, d]) => `CREATE TABLE ${t} ${d}`),
  quoted.map((t) => `CREATE VIRTUAL TABLE ${t} USING fts5(x)`),
  fc.tuple(quoted, quoted).map(([i, t]) => `CREATE INDEX ${i} ON ${t} (x)`),
  fc.tuple(quoted, quoted).map(([i, t]) =>
    `CREATE INDEX ${i} ON ${t} (strftime('%Y', x))`
  ),
  fc.tuple(quoted, quoted).map(([v, t]) =>
    `CREATE VIEW ${v} AS SELECT * FROM ${t}`
  ),
  fc.tuple(quoted, quoted).map(([r, t]) =>
    `CREATE TRIGGER ${r} AFTER INSERT ON ${t} BEGIN SELECT last_insert_rowid(); END`
  ),
  fc.tuple(quoted, fc.constantFrom("TABLE", "INDEX", "VIEW", "TRIGGER"))
    .map(([n, what]) => `/* drop */ DROP ${what} IF EXISTS main.${n}`),
  fc.tuple(quoted, quoted).map(([t, n]) => `ALTER TABLE ${t} RENAME TO ${n}`),
  fc.tuple(quoted, fc.constantFrom("y DEFAULT 'fail'", "oid"))
    .map(([t, c]) => `ALTER TABLE ${t} ADD COLUMN ${c}`),
  quoted.map((t) => `ALTER TABLE ${t} RENAME COLUMN x TO rowid`),
);

Deno.test("U20 following each statement says of the schema what reading all of it says", () => {
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 25 }), (statements) => {
      const connection = nodeDriver.open(":memory:", { readOnly: false });
      const followed = new Catalog(connection);
      followed.read();
      for (const sql of statements) {
        try {
          connection.prepare(sql)!.allBigInt({ anonymous: [], named: null });
        } catch {
          continue;
        }
        const [keyword] = describeStatement(sql).keywords;
        const what = keyword === "CREATE"
          ? "create"
          : keyword === "DROP"
          ? "drop"
          : "other";
        followed.follow(what, sql);
        const read = new Catalog(connection);
        read.read();
        assert.deepEqual(canonical(followed), canonical(read), sql);
      }
      connection.close();
    }),
    { numRuns: 400 },
  );
});

/** What the writer asks of SQLite for some statements on top of `tables` tables: statements compiled, rows read. */
function workOf(tables: number, statements: readonly string[]): number[] {
  using member = new Direct(":memory:", (connection) => {
    connection.exec("BEGIN");
    for (let i = 0; i < tables; i++) {
      connection.exec(
        `CREATE TABLE old${i} (a INTEGER PRIMARY KEY, b); CREATE INDEX i${i} ON old${i} (b)`,
      );
    }
    connection.exec("COMMIT");
    return counting(connection);
  });
  member.ok("CREATE TABLE first (x)");
  return statements.map((sql) => {
    const before = work;
    member.ok(sql);
    return work - before;
  });
}

let work = 0;

function counting(connection: SqliteConnection): SqliteConnection {
  const prepare = (sql: string) => {
    work++;
    const statement = connection.prepare(sql);
    if (statement === null) return null;
    return new Proxy(statement, {
      get(target, key) {
        const value = Reflect.get(target, key, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          const result = value.apply(target, args);
          work += Array.isArray(result) ? 1 + result.length : 1;
          return result;
        };
      },
    });
  };
  return new Proxy(connection, {
    get(target, key) {
      if (key === "prepare") return prepare;
      const value = Reflect.get(target, key, target);
      return typeof value === "function"
        ? (...args: unknown[]) => (work++, value.apply(target, args))
        : value;
    },
  });
}

Deno.test("U20 making, writing and dropping a table is no more work beside thousands of them", () => {
  const statements = [
    "CREATE TABLE t (a INTEGER PRIMARY KEY, b)",
    "CREATE INDEX i ON t (b)",
    "INSERT INTO t VALUES (1, 2)",
    "CREATE VIEW v AS SELECT * FROM t",
    "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END",
    "INSERT INTO t VALUES (2, 3)",
    "DROP TRIGGER r",
    "DROP VIEW v",
    "DROP INDEX i",
    "DROP TABLE t",
  ];
  const alone = workOf(0, statements);
  assert.deepEqual(workOf(400, statements), alone);
  assert.deepEqual(workOf(5000, statements), alone);
  assert.ok(Math.max(...alone) < 100, alone.join(" "));
});
