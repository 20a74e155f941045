import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Filter,
  type FilterColumn,
  filtersSql,
  filterText,
  readFilter,
} from "../../dashboard/rows/filter.ts";
import { sameValue } from "../../dashboard/values/exact_value.ts";
import { Database } from "./database.ts";
import { anyValue } from "./values.ts";

const COLUMNS: FilterColumn[] = [
  { name: "id", affinity: "INTEGER" },
  { name: "name", affinity: "TEXT" },
  { name: "is", affinity: "TEXT" },
  { name: 'odd "name"', affinity: "BLOB" },
  { name: "where", affinity: "BLOB" },
];

function filterOf(text: string): Filter {
  const reading = readFilter(text, COLUMNS);
  assert.ok(
    "filter" in reading,
    `${text}: ${"problem" in reading && reading.problem}`,
  );
  return reading.filter;
}

function names(db: Database, ...texts: string[]): unknown[] {
  const { sql, params } = filtersSql(texts.map(filterOf))!;
  return db.query({ sql: `SELECT id FROM t WHERE ${sql} ORDER BY id`, params })
    .map(([id]) => id);
}

Deno.test("typed filters find what they say", () => {
  using db = new Database(
    `CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, "is" TEXT, "odd ""name""", "where")`,
    `INSERT INTO t VALUES
      (1, 'open', 'a', 5, NULL), (2, 'OPEN%', '', '5', x'00'),
      (3, NULL, 'null', 2.5, 1), (9007199254740993, '12', 'x', x'35', 2)`,
  );
  const big = { $int: "9007199254740993" };
  assert.deepEqual(names(db, "name = open"), [1]);
  assert.deepEqual(names(db, "NAME=open"), [1]);
  assert.deepEqual(names(db, "name ~ open"), [1, 2]);
  assert.deepEqual(names(db, "name ~ %"), [2]);
  assert.deepEqual(names(db, "name !~ n%"), [1, big]);
  assert.deepEqual(names(db, "name = 12"), [big]);
  assert.deepEqual(names(db, "name is null"), [3]);
  assert.deepEqual(names(db, "name IS  NOT null", "id < 3"), [1, 2]);
  assert.deepEqual(names(db, "name = 'null'"), []);
  assert.deepEqual(names(db, "is = ''"), [2]);
  assert.deepEqual(names(db, "is = 'null'"), [3]);
  assert.deepEqual(names(db, "id > 9007199254740992"), [big]);
  assert.deepEqual(names(db, "id <> 1", "id <= 3"), [2, 3]);
  assert.deepEqual(names(db, '"odd ""name""" = 5'), [1]);
  assert.deepEqual(names(db, '"odd ""name""" = \'5\''), [2]);
  assert.deepEqual(names(db, '"odd ""name""" = 2.5'), [3]);
  assert.deepEqual(names(db, "\"where\" = x'00'"), [2]);
  assert.deepEqual(names(db, "where = 1"), [3]);
  assert.deepEqual(names(db, "where id + 1 = 2 or id = 3 -- odd"), [1, 3]);
  assert.deepEqual(names(db, "where id = 1 or id = 3", "id = 2"), []);
});

Deno.test("a value is bound, whatever it says", () => {
  const { sql, params } = filtersSql([filterOf("name = x' OR 1=1 --")])!;
  assert.equal(sql, '"name" IS ?');
  assert.deepEqual(params, ["x' OR 1=1 --"]);
});

Deno.test("what is no filter says how to write one", () => {
  for (
    const text of [
      "",
      "name",
      "= 1",
      "nothing = 1",
      "name =",
      "id < null",
      "name like x",
    ]
  ) {
    const reading = readFilter(text, COLUMNS);
    assert.ok(
      "problem" in reading && /Write|value|null/.test(reading.problem),
      text,
    );
  }
});

Deno.test("a filter's text is read as the same filter: links keep them", () => {
  const operators = ["=", "!=", "<", "<=", ">", ">="] as const;
  const column = fc.constantFrom('odd "name"', "where");
  fc.assert(
    fc.property(
      column,
      fc.constantFrom(...operators),
      anyValue,
      (column, operator, value) => {
        if (value.type === "null") operator = "=";
        const filter: Filter = { kind: "compare", column, operator, value };
        const back = filterOf(filterText(filter));
        assert.ok(back.kind === "compare");
        assert.deepEqual([back.column, back.operator], [column, operator]);
        assert.ok(sameValue(back.value, value), filterText(filter));
      },
    ),
  );
  const raw: Filter = { kind: "sql", sql: "a > 1" };
  assert.deepEqual(filterOf(filterText(raw)), raw);
});
