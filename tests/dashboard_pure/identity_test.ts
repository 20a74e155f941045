import assert from "node:assert/strict";
import { identityOf } from "../../dashboard/rows/identity.ts";
import { Database } from "./database.ts";

function keyOf(ddl: string, name = "t"): unknown {
  using db = new Database(ddl);
  const identity = identityOf(db.object(name));
  return identity.kind === "none"
    ? identity.reason
    : identity.parts.map((part) =>
      part.collation === null ? part.name : [part.name, part.collation]
    );
}

Deno.test("a row is known by its INTEGER PRIMARY KEY, or by its rowid", () => {
  assert.deepEqual(keyOf("CREATE TABLE t (a, id integer PRIMARY KEY)"), ["id"]);
  assert.deepEqual(keyOf("CREATE TABLE t (id INT PRIMARY KEY)"), ["rowid"]);
  // This one is a column of its own, by an old rule of SQLite.
  assert.deepEqual(keyOf("CREATE TABLE t (id INTEGER PRIMARY KEY DESC)"), [
    "rowid",
  ]);
  assert.deepEqual(keyOf("CREATE TABLE t (k TEXT PRIMARY KEY)"), ["rowid"]);
  assert.deepEqual(keyOf("CREATE TABLE t (RowId, v)"), ["_rowid_"]);
  assert.deepEqual(keyOf("CREATE TABLE t (rowid, _rowid_)"), ["oid"]);
});

Deno.test("a row of a table WITHOUT ROWID is known by its key, compared as its index does", () => {
  assert.deepEqual(
    keyOf(
      "CREATE TABLE t (b TEXT COLLATE NOCASE, a, PRIMARY KEY (a, b COLLATE BINARY)) WITHOUT ROWID",
    ),
    [["a", "BINARY"], ["b", "BINARY"]],
  );
  assert.deepEqual(
    keyOf("CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID"),
    [["k", "NOCASE"]],
  );
  assert.deepEqual(
    keyOf("CREATE TABLE t (k TEXT, l, PRIMARY KEY (l, k)) WITHOUT ROWID"),
    ["l", "k"],
  );
});

Deno.test("what has no identity says why", () => {
  const reason = (ddl: string, name: string) => {
    const found = keyOf(ddl, name);
    assert.equal(typeof found, "string", `${name}: ${found}`);
    return found as string;
  };
  assert.match(
    reason("CREATE TABLE t (rowid, oid, _rowid_)", "t"),
    /all three/,
  );
  assert.match(reason("CREATE VIEW v AS SELECT 1 AS a", "v"), /A view/);
  const fts = "CREATE VIRTUAL TABLE f USING fts5(x)";
  assert.match(reason(fts, "f"), /virtual table/);
  assert.match(reason(fts, "f_data"), /belongs to/);
  assert.match(
    reason(
      "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)",
      "sqlite_sequence",
    ),
    /by itself/,
  );
});
