import assert from "node:assert/strict";
import { compare } from "./compare.ts";
import { drawHistory, type History } from "./grammar.ts";
import { shrink } from "./shrink.ts";
import { look, withFolder } from "./worker.ts";

Deno.test("three machines apply a history alike, however it is cut and wherever it is interrupted (`deno task test:fuzz` for more)", () => {
  withFolder((dir) => {
    for (let seed = 1; seed <= 20; seed++) {
      assert.equal(look(seed, dir), null, `seed ${seed}`);
    }
  });
});

/** Histories that once were applied differently, or could not be applied. */
const ONCE: Readonly<Record<string, readonly string[]>> = {
  "guards of virtual tables are gone after a rollback": [
    "CREATE VIRTUAL TABLE f USING fts5(a, b)",
    "INSERT INTO w VALUES (1), (NULL) RETURNING k",
    "INSERT OR IGNORE INTO f(f, rank) VALUES ('auto' || 'merge', 0)",
    "INSERT INTO f(a) VALUES ('one'), ('two'), ('three')",
  ],
  "an R-Tree that is opened is taken for an INSERT": [
    "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1, +aux)",
    "INSERT INTO r VALUES (1, 2, 3, 4)",
    "INSERT INTO w VALUES (1), (NULL) RETURNING k",
    "DELETE FROM r",
  ],
  "a setting of full-text search stays on after its write was rolled back": [
    "CREATE VIRTUAL TABLE f USING fts5(a, b)",
    "INSERT INTO f VALUES ('one', 'two'), ('two', 'one one')",
    "INSERT INTO f(f, rank) VALUES ('secure-delete', 1), ('rank', 'bm25(0.0, 9.0)'), ('nothing', 1)",
    "UPDATE f SET a = 'three'",
    "INSERT INTO w SELECT rank FROM f WHERE f MATCH 'one'",
  ],
  "a setting stays on from the first of two runs of a statement that returns nothing":
    [
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE ON CONFLICT ABORT, CHECK (a IS NULL OR a <> 13))",
      "CREATE VIRTUAL TABLE f USING fts5(a, detail=none)",
      "CREATE TRIGGER g1 AFTER INSERT ON t BEGIN INSERT INTO f(rowid, a) VALUES (last_insert_rowid(), new.a); END",
      "CREATE TRIGGER g2 BEFORE UPDATE ON t BEGIN DELETE FROM f WHERE rowid = 2; END",
      "CREATE TRIGGER g4 BEFORE UPDATE ON t BEGIN UPDATE t SET id = id + 1000 WHERE id = 2; INSERT INTO f(f, rank) VALUES ('secure-delete', 1); END",
      "INSERT INTO t VALUES (1, 3), (2, 'x'), (3, 2)",
      "UPDATE OR FAIL t SET a = (SELECT max(id) FROM t) WHERE a > 'one' RETURNING *",
    ],
  "REINDEX is refused in the name of what the connection meets first": [
    "CREATE TABLE log (n INTEGER PRIMARY KEY, x, y)",
    "CREATE TABLE v (k TEXT PRIMARY KEY, n) WITHOUT ROWID",
    "CREATE TABLE p (k INTEGER UNIQUE, v)",
    "CREATE TABLE kid (id INTEGER PRIMARY KEY, p, v)",
    "CREATE VIRTUAL TABLE f USING fts5(a, b, columnsize=0)",
    "CREATE VIRTUAL TABLE r USING rtree_i32(id, x0, x1, +aux)",
    "DROP TABLE f",
    "REINDEX",
    "REINDEX binary",
  ],
  "a guard that one member has makes full-text search write earlier": [
    "CREATE TABLE log (n INTEGER PRIMARY KEY, x, y)",
    "CREATE VIRTUAL TABLE f USING fts5(a)",
    "CREATE VIRTUAL TABLE f4 USING fts4(a)",
    "INSERT INTO log(x) SELECT changes() FROM f",
    ...Array<string>(20).fill("SELECT 1"),
    "INSERT INTO f(rowid, a) VALUES (NULL, 1e300), (2, 'x'); INSERT INTO f4(a) VALUES ('y'); INSERT INTO log(x, y) VALUES (changes(), last_insert_rowid()); INSERT INTO f(a) VALUES ('z')",
  ],
};

for (const [what, statements] of Object.entries(ONCE)) {
  Deno.test(`no more: ${what}`, () => {
    const history: History = [
      "CREATE TABLE w (k NOT NULL)",
      ...statements,
    ].map((sql) =>
      sql.includes("; INSERT")
        ? { kind: "txn", statements: sql.split("; ") }
        : { kind: "execute", statements: [sql] }
    );
    withFolder((dir) => {
      for (let seed = 1; seed <= 10; seed++) {
        assert.equal(compare(history, seed, dir), null);
      }
    });
  });
}

Deno.test("shrink() leaves out every step and statement that is not needed", () => {
  const history = drawHistory(5);
  const needed = history.flatMap(({ statements }) => statements)
    .filter((_, i) => i % 7 === 3);
  const shortest = shrink(history, (shorter) => {
    const left = shorter.flatMap(({ statements }) => statements);
    return needed.every((sql) => left.includes(sql));
  });
  const left = shortest.flatMap(({ statements }) => statements);
  assert.deepEqual([...new Set(left)], [...new Set(needed)]);
});

Deno.test("the history of a seed is always the same", () => {
  assert.deepEqual(drawHistory(77), drawHistory(77));
  assert.notDeepEqual(drawHistory(77), drawHistory(78));
});
