import assert from "node:assert/strict";
import fc from "fast-check";
import { identityOf, type KeyPart } from "../../dashboard/rows/identity.ts";
import { pageSql, rowSql, type Sort } from "../../dashboard/rows/page.ts";
import {
  cellsOf,
  type Row,
  rowName,
  rowsOfPage,
} from "../../dashboard/rows/row.ts";
import {
  type ExactValue,
  sameValue,
} from "../../dashboard/values/exact_value.ts";
import { literalOf } from "../../dashboard/values/literal.ts";
import { Database } from "./database.ts";
import { anyValue } from "./values.ts";

/** Tables with every kind of key; `s` and `c` hold anything, and `c` compares without case. */
const TABLES = [
  "CREATE TABLE t (s, c TEXT COLLATE NOCASE, id INTEGER PRIMARY KEY)",
  "CREATE TABLE t (s, c TEXT COLLATE NOCASE, rowid)",
  "CREATE TABLE t (s, c COLLATE NOCASE, k NOT NULL, PRIMARY KEY (k)) WITHOUT ROWID",
  "CREATE TABLE t (s REAL, c COLLATE NOCASE, k TEXT COLLATE NOCASE NOT NULL, l NUMERIC NOT NULL, PRIMARY KEY (l, k DESC)) WITHOUT ROWID",
  "CREATE TABLE t (s INTEGER, c, k TEXT COLLATE NOCASE, PRIMARY KEY (k COLLATE BINARY)) WITHOUT ROWID",
];
const SORTS: (Sort | null)[] = [
  null,
  ...["s", "c"].flatMap((column) => [
    { column, descending: false },
    { column, descending: true },
  ]),
];

const rowsOfAnything = fc.array(
  fc.array(anyValue, { minLength: 4, maxLength: 4 }),
  { maxLength: 25 },
);

function filled(
  ddl: string,
  rows: readonly (readonly ExactValue[])[],
): Database {
  const db = new Database(ddl);
  const columns = db.object("t").columns.length;
  const integerKey = ddl.includes("id INTEGER PRIMARY KEY");
  for (const row of rows) {
    const values = row.slice(0, columns).map(literalOf);
    if (integerKey) values.splice(-1, 1, "NULL");
    db.exec(`INSERT OR IGNORE INTO t VALUES (${values.join(", ")})`);
  }
  return db;
}

interface Table {
  readonly db: Database;
  readonly key: readonly KeyPart[];
  readonly columns: readonly string[];
}

function tableOf(db: Database): Table {
  const object = db.object("t");
  const identity = identityOf(object);
  assert.equal(identity.kind, "key");
  const key = identity.kind === "key" ? identity.parts : [];
  return { db, key, columns: object.columns.map((column) => column.name) };
}

function page(
  { db, key, columns }: Table,
  sort: Sort | null,
  rest: { from: Row | null; backward: boolean; limit: number },
): Row[] {
  const rows = db.query(pageSql({
    table: "t",
    columns,
    key,
    sort,
    filter: null,
    ...rest,
    from: rest.from?.place ?? null,
  }));
  return rowsOfPage(rows, columns.length, sort !== null);
}

/** All rows, page by page. */
function walk(
  table: Table,
  sort: Sort | null,
  backward: boolean,
  limit: number,
): Row[] {
  const all: Row[] = [];
  for (let pages = 0; pages < 100; pages++) {
    const rows = page(table, sort, {
      from: all.at(-1) ?? null,
      backward,
      limit,
    });
    all.push(...rows);
    if (rows.length < limit) return all;
  }
  throw new Error("The pages do not end");
}

for (const ddl of TABLES) {
  Deno.test(`pages visit every row once, in both directions, under every sort: ${ddl}`, () => {
    fc.assert(
      fc.property(
        rowsOfAnything,
        fc.integer({ min: 1, max: 7 }),
        (rows, limit) => {
          using db = filled(ddl, rows);
          const table = tableOf(db);
          const [[count]] = db.rows("SELECT count(*) FROM t") as [[number]];
          for (const sort of SORTS) {
            const whole = page(table, sort, {
              from: null,
              backward: false,
              limit: 1_000,
            });
            const names = whole.map((row) => rowName(row.place.key));
            assert.equal(new Set(names).size, count);
            const forward = walk(table, sort, false, limit);
            assert.deepEqual(
              forward.map((row) => rowName(row.place.key)),
              names,
            );
            const backward = walk(table, sort, true, limit);
            assert.deepEqual(
              backward.reverse().map((row) => rowName(row.place.key)),
              names,
            );
          }
        },
      ),
      { numRuns: 40 },
    );
  });
}

Deno.test("pages stay exact while rows come and go: what was there all the time is seen once", () => {
  using db = new Database("CREATE TABLE t (s, id INTEGER PRIMARY KEY)");
  for (let id = 1; id <= 60; id++) {
    db.exec(`INSERT INTO t VALUES (${id % 4 || "NULL"}, ${id * 10})`);
  }
  const table = tableOf(db);
  const sort = { column: "s", descending: true };
  const seen: string[] = [];
  let from: Row | null = null;
  for (let at = 0; at < 12; at++) {
    const rows: Row[] = page(table, sort, { from, backward: false, limit: 5 });
    from = rows.at(-1)!;
    seen.push(...rows.map((row) => rowName(row.place.key)));
    // The row that the next page begins behind goes, and others come before and behind it.
    db.exec(
      `DELETE FROM t WHERE id IN (${
        rows.map((row) => literalOf(row.place.key[0]!)).join(", ")
      })`,
    );
    db.exec(`INSERT INTO t VALUES (4, ${at + 1})`);
  }
  assert.equal(new Set(seen).size, 60);
});

Deno.test("a page by key reads the index, and neither counts, skips nor sorts", () => {
  using db = new Database(
    "CREATE TABLE t (a, b, v, PRIMARY KEY (a, b)) WITHOUT ROWID",
    "INSERT INTO t VALUES (1, 1, 1)",
    "CREATE TABLE r (s)",
    "CREATE INDEX r_s ON r (s)",
  );
  const plan = (question: Parameters<typeof pageSql>[0]) => {
    const { sql, params } = pageSql(question);
    assert.doesNotMatch(sql, /\bOFFSET\b|\bcount\b/i);
    return db.query({ sql: `EXPLAIN QUERY PLAN ${sql}`, params }).map((row) =>
      row[3]
    ).join("; ");
  };
  const integer = (value: bigint): ExactValue => ({ type: "integer", value });
  const place = {
    sorted: null,
    key: [integer(1n), { type: "real", value: 2 } as const],
  };
  const { key, columns } = tableOf(db);
  const common = {
    table: "t",
    columns,
    key,
    sort: null,
    filter: null,
    limit: 201,
  };
  assert.match(
    plan({ ...common, from: place, backward: false }),
    /^SEARCH t USING PRIMARY KEY \(\(a,b\)>/,
  );
  assert.match(
    plan({ ...common, from: place, backward: true }),
    /^SEARCH t USING PRIMARY KEY/,
  );
  const collated = key.map((part) => ({ ...part, collation: "BINARY" }));
  assert.match(
    plan({ ...common, key: collated, from: place, backward: false }),
    /^SEARCH t USING PRIMARY KEY \(a>/,
  );
  const sorted = { sorted: integer(1n), key: [integer(5n)] };
  const byIndex = plan({
    table: "r",
    columns: ["s"],
    key: [{ name: "rowid", collation: null }],
    sort: { column: "s", descending: true },
    filter: null,
    limit: 201,
    from: sorted,
    backward: false,
  });
  assert.doesNotMatch(byIndex, /TEMP B-TREE/);
});

Deno.test("what has no key has a first page, in no order", () => {
  using db = new Database(
    "CREATE VIEW v AS SELECT 1 AS a UNION ALL SELECT NULL",
  );
  const rows = rowsOfPage(
    db.query(pageSql({
      table: "v",
      columns: ["a"],
      key: [],
      sort: null,
      filter: { sql: "a = ?", params: [1] },
      from: null,
      backward: false,
      limit: 10,
    })),
    1,
    false,
  );
  assert.deepEqual(rows, [{
    cells: [{ value: { type: "integer", value: 1n }, bytes: 1, whole: true }],
    place: { sorted: null, key: [] },
  }]);
});

Deno.test("a cell carries the beginning of a long value, and the row's own query all of it", () => {
  using db = new Database(
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
    `INSERT INTO t VALUES (1, replace(hex(zeroblob(300)), '0', 'é')), (2, zeroblob(5000000)), (3, 'a' || char(0) || 'b'), (4, 9223372036854775807), (5, '')`,
  );
  const table = tableOf(db);
  const cells = page(table, null, { from: null, backward: false, limit: 9 })
    .map((row) => row.cells[1]!);
  assert.deepEqual(cells.map((cell) => cell.whole), [
    false,
    false,
    false,
    true,
    true,
  ]);
  assert.deepEqual(cells.map((cell) => cell.bytes), [
    1200,
    5_000_000,
    3,
    19,
    0,
  ]);
  assert.equal((cells[0]!.value as { value: string }).value, "é".repeat(256));
  assert.equal((cells[1]!.value as { value: Uint8Array }).value.length, 256);
  const whole = (id: bigint) =>
    cellsOf(
      db.query(
        rowSql({ ...table, table: "t" }, [{ type: "integer", value: id }]),
      )[0]!,
    )[1]!;
  assert.equal(whole(1n).whole, true);
  assert.equal(
    (whole(2n).value as { value: Uint8Array }).value.length,
    5_000_000,
  );
  // SQLite's text ends there for everybody: it can be looked at, not changed.
  assert.equal(whole(3n).whole, false);
});

Deno.test("names of rows are equal for equal keys alone", () => {
  fc.assert(fc.property(anyValue, anyValue, (a, b) => {
    assert.equal(rowName([a]) === rowName([b]), sameValue(a, b));
  }));
});
