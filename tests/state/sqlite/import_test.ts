import assert from "node:assert/strict";
import { importDatabase } from "../../../src/state/sqlite/import/import_database.ts";
import { nodeDriver } from "../../../src/state/sqlite/driver/node_driver.ts";
import { Direct } from "./direct.ts";

const LARGEST = "9223372036854775807";

/** Runs with a file in which these statements ran, past every rule, and the place of its import. */
async function imported(
  statements: readonly string[],
  run: (target: string) => void = () => {},
): Promise<void> {
  const dir = Deno.makeTempDirSync({ prefix: "hql-import-" });
  try {
    const foreign = nodeDriver.open(`${dir}/any.db`, { readOnly: false });
    for (const sql of statements) foreign.exec(sql);
    foreign.close();
    const target = `${dir}/target.db`;
    await importDatabase(nodeDriver, `${dir}/any.db`, target, 1);
    run(target);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("statistics do not come in with a file: plans would depend on when a member was started", async () => {
  const statements = [
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)",
    "CREATE INDEX ia ON t(a)",
    "CREATE INDEX ib ON t(b)",
    "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, i % 2, 100 - i FROM n",
    "ANALYZE",
  ];
  await imported(statements, (target) => {
    using member = new Direct(target);
    const left =
      "SELECT name FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'";
    assert.deepEqual(member.rows(left), []);
  });
});

/** What makes members differ once it is in a file. */
const REFUSED: Readonly<Record<string, [readonly string[], RegExp]>> = {
  "a row under the largest rowid": [
    ["CREATE TABLE t(x)", `INSERT INTO t(rowid, x) VALUES (${LARGEST}, 1)`],
    /its table t has the rowid/,
  ],
  "a full-text row under the largest rowid": [
    [
      "CREATE VIRTUAL TABLE f USING fts5(x)",
      `INSERT INTO f(rowid, x) VALUES (${LARGEST}, 'a')`,
    ],
    /of its table f_\w+: The rowid .* is reserved/,
  ],
  "a sequence that is used up": [
    [
      "CREATE TABLE t(n INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO t VALUES (1)",
      `UPDATE sqlite_sequence SET seq = ${LARGEST}`,
    ],
    /AUTOINCREMENT tables has used up its rowids/,
  ],
  "automerge of FTS4": [
    [
      "CREATE VIRTUAL TABLE f USING fts4(x)",
      "INSERT INTO f(f) VALUES ('automerge=2')",
    ],
    /automerge of FTS4 is not allowed/,
  ],
  "settings by which FTS5 uses up its segments": [
    [
      "CREATE VIRTUAL TABLE f USING fts5(x)",
      "INSERT INTO f(f, rank) VALUES ('automerge', 0)",
    ],
    /of its table f_config: .*automerge below 2/,
  ],
};

for (const [what, [statements, expected]] of Object.entries(REFUSED)) {
  Deno.test(`no file is imported with ${what}`, async () => {
    await assert.rejects(imported(statements), expected);
  });
}

Deno.test("a file with full-text search, an R-Tree and sequences is imported", async () => {
  const statements = [
    "CREATE VIRTUAL TABLE f USING fts5(x)",
    "INSERT INTO f(f, rank) VALUES ('automerge', 4), ('secure-delete', 1)",
    "CREATE VIRTUAL TABLE f4 USING fts4(x)",
    "INSERT INTO f4(f4) VALUES ('automerge=0')",
    "CREATE VIRTUAL TABLE r USING rtree(id, a, b)",
    "INSERT INTO r VALUES (1, 2, 3)",
    "CREATE TABLE t(n INTEGER PRIMARY KEY AUTOINCREMENT) STRICT",
    "INSERT INTO t VALUES (7)",
  ];
  await imported(statements, (target) => {
    using member = new Direct(target);
    assert.equal(member.ok("INSERT INTO t DEFAULT VALUES").lastInsertRowid, 8);
  });
});
