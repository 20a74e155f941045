import assert from "node:assert/strict";
import { sealEnvelope } from "../../../../src/state/envelope.ts";
import { nodeDriver } from "../../../../src/state/sqlite/driver/node_driver.ts";
import { hasRoom } from "../../../../src/state/sqlite/driver/room.ts";
import { Direct } from "../direct.ts";
import { answered, command, execute, txn } from "../subject.ts";

const LARGEST = "9223372036854775807";

Deno.test("C1: an UPSERT that moves a row under the largest rowid is refused, and no disk is called full", () => {
  using member = new Direct();
  member.ok("CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, x)");
  member.ok("INSERT INTO t VALUES(1,0)");
  const { code, message } = member.fail(
    `INSERT INTO t(id,x) VALUES(1,0),(NULL,1) ON CONFLICT(id) DO UPDATE SET id=${LARGEST}`,
  );
  assert.equal(code, "constraint");
  assert.match(message, /is reserved/);
  assert.deepEqual(member.rows("SELECT * FROM t"), [[1, 0]]);
});

Deno.test("C6a: an UPSERT that moves a row under the largest rowid and away again does not make the next rowids random", () => {
  using member = new Direct();
  member.ok("CREATE TABLE t(id INTEGER PRIMARY KEY,x)");
  member.ok("INSERT INTO t VALUES(1,0)");
  const { message } = member.fail(
    `INSERT INTO t(id,x) VALUES(1,0),(NULL,1),(${LARGEST},2) ON CONFLICT(id) DO UPDATE SET id=CASE id WHEN 1 THEN ${LARGEST} ELSE 7 END`,
  );
  assert.match(message, /is reserved/);
});

/** A table and a statement that would have a row under the largest rowid for a moment. */
const MOMENTS: Readonly<Record<string, readonly string[]>> = {
  "UPDATE by another name of the key": [
    "CREATE TABLE t(id INTEGER PRIMARY KEY, x)",
    "INSERT INTO t VALUES(1, 0)",
    `UPDATE t SET oid = ${LARGEST}`,
  ],
  "UPDATE of a table without a key": [
    "CREATE TABLE t(x)",
    "INSERT INTO t VALUES(0)",
    `UPDATE t SET _rowid_ = ${LARGEST}`,
  ],
  "a foreign key's cascade": [
    "CREATE TABLE p(k INTEGER UNIQUE)",
    "CREATE TABLE c(id INTEGER PRIMARY KEY REFERENCES p(k) ON UPDATE CASCADE)",
    "INSERT INTO p VALUES(1)",
    "INSERT INTO c VALUES(1)",
    `UPDATE p SET k = ${LARGEST}`,
  ],
  "a trigger that moves the row away again": [
    "CREATE TABLE t(id INTEGER PRIMARY KEY, x)",
    "CREATE TABLE s(x)",
    "INSERT INTO t VALUES(1, 0)",
    `CREATE TRIGGER g AFTER INSERT ON s BEGIN UPDATE t SET id = ${LARGEST}; INSERT INTO t VALUES(NULL, 1); UPDATE t SET id = 3 WHERE id = ${LARGEST}; END`,
    "INSERT INTO s VALUES(1)",
  ],
  "an UPDATE of a full-text table": [
    "CREATE VIRTUAL TABLE f USING fts5(b)",
    "INSERT INTO f VALUES('a')",
    `UPDATE f SET rowid = ${LARGEST}`,
  ],
  "a full-text table in the middle of a statement": [
    "CREATE VIRTUAL TABLE f USING fts5(b)",
    `INSERT INTO f(rowid, b) VALUES(${LARGEST}, 'a'), (NULL, 'b')`,
  ],
  "a contentless full-text table": [
    "CREATE VIRTUAL TABLE f USING fts5(b, content='')",
    `INSERT INTO f(rowid, b) VALUES(${LARGEST}, 'a'), (NULL, 'b')`,
  ],
  "a trigger into a full-text table": [
    "CREATE VIRTUAL TABLE f USING fts4(b)",
    "CREATE TABLE s(x)",
    `CREATE TRIGGER g AFTER INSERT ON s BEGIN INSERT INTO f(docid, b) VALUES(${LARGEST}, 'a'); INSERT INTO f(b) VALUES('b'); DELETE FROM f WHERE docid = ${LARGEST}; END`,
    "INSERT INTO s VALUES(1)",
  ],
  "an R-Tree": [
    "CREATE VIRTUAL TABLE r USING rtree(id, a, b)",
    `INSERT INTO r VALUES(${LARGEST}, 1, 2), (NULL, 3, 4)`,
  ],
  "an UPDATE of an R-Tree": [
    "CREATE VIRTUAL TABLE r USING rtree(id, a, b)",
    "INSERT INTO r VALUES(1, 1, 2)",
    `UPDATE r SET id = ${LARGEST}`,
  ],
  "a full-text table that would ignore it": [
    "CREATE VIRTUAL TABLE f USING fts5(b)",
    `INSERT OR IGNORE INTO f(rowid, b) VALUES(${LARGEST}, 'a')`,
  ],
  "a full-text table without sizes": [
    "CREATE VIRTUAL TABLE f USING fts5(b, columnsize=0)",
    `INSERT INTO f(rowid, b) VALUES(${LARGEST}, 'a'), (NULL, 'b')`,
  ],
  "a full-text table under a new name": [
    "CREATE VIRTUAL TABLE f USING fts5(b)",
    "ALTER TABLE f RENAME TO g",
    `INSERT INTO g(rowid, b) VALUES(${LARGEST}, 'a'), (NULL, 'b')`,
  ],
};

for (const [what, statements] of Object.entries(MOMENTS)) {
  Deno.test(`the largest rowid is not given away by ${what}`, () => {
    using member = new Direct();
    const last = statements.at(-1)!;
    for (const sql of statements.slice(0, -1)) member.ok(sql);
    const before = member.dump();
    const failure = member.fail(last);
    assert.match(failure.message, /is reserved/);
    assert.equal(failure.code, "constraint");
    assert.equal(member.dump(), before);
  });
}

Deno.test("SQLITE_FULL without a full disk is the statement's error, alone and in a batch", () => {
  const statements = [
    "INSERT INTO t(x) VALUES(1)",
    "INSERT INTO used(x) VALUES(1)",
    "INSERT INTO t(x) VALUES(2)",
    "INSERT INTO used(x) VALUES(1), (2) RETURNING x",
  ];
  const payloads = [
    ...statements.map((sql) => command(execute(sql))),
    command(txn("INSERT INTO t(x) VALUES(3)", "INSERT INTO used(x) VALUES(1)")),
  ];
  const dumps = [false, true].map((together) => {
    using member = new Direct();
    member.ok("CREATE TABLE t(id INTEGER PRIMARY KEY, x)");
    member.ok("CREATE TABLE used(id INTEGER PRIMARY KEY AUTOINCREMENT, x)");
    member.exec(`INSERT INTO sqlite_sequence VALUES('used', ${LARGEST})`);
    const answers = together
      ? member.batch(payloads)
      : payloads.map((payload) => member.batch([payload])[0]!);
    const results = answers.map((bytes) => answered(bytes).result);
    for (const [at, result] of results.entries()) {
      const fails = at !== 0 && at !== 2;
      assert.equal(result.ok, !fails, String(at));
      if (result.ok) continue;
      assert.equal(result.error.code, "sql");
      assert.match(result.error.message, /used up/);
      assert.equal(result.error.statement, at === 4 ? 1 : undefined);
    }
    assert.deepEqual(member.rows("SELECT id, x FROM t"), [[1, 1], [2, 2]]);
    return `${member.dump()} ${member.applier.position.hash}`;
  });
  assert.equal(dumps[0], dumps[1]);
});

Deno.test("what looks used up is a full disk where the entry's leader had room", () => {
  using member = new Direct();
  member.ok("CREATE TABLE used(id INTEGER PRIMARY KEY AUTOINCREMENT, x)");
  const payload = command(execute("INSERT INTO used(x) VALUES(1)"));
  using leader = new Direct();
  leader.ok("CREATE TABLE used(id INTEGER PRIMARY KEY AUTOINCREMENT, x)");
  const [prepared] = leader.prepare([payload]);
  assert.ok(prepared?.kind === "prepared");
  sealEnvelope(payload, prepared.hash);
  member.exec(`INSERT INTO sqlite_sequence VALUES('used', ${LARGEST})`);
  for (const again of [1, 2]) {
    assert.throws(
      () => member.batch([payload]),
      { code: "disk_full" },
      String(again),
    );
    member.applier.giveUp();
    assert.deepEqual(member.rows("SELECT * FROM used"), []);
  }
  member.exec("DELETE FROM sqlite_sequence");
  assert.ok(answered(member.batch([payload])[0]!).result.ok);
  assert.equal(member.applier.agreement.takeDivergence(), null);
});

Deno.test("settings that let a full-text index use up its segments are refused, however they come", () => {
  using member = new Direct();
  member.ok("CREATE VIRTUAL TABLE f USING fts5(b)");
  const set = (word: string, value: string, or = "") =>
    `INSERT ${or} INTO f(f, rank) VALUES(${word}, ${value})`;
  for (
    const sql of [
      set("'crisismerge'", "1999"),
      set("'crisis' || 'merge'", "1999", "OR IGNORE"),
      set("'automerge'", "0"),
      set("'hashsize'", "64"),
      set("'pgsz'", "32"),
      set("'crisismerge'", "1999", "OR ROLLBACK"),
    ]
  ) assert.match(member.fail(sql).message, /crisismerge.*not allowed/, sql);
  member.ok(set("'automerge'", "8"));
  member.ok(set("'usermerge'", "4"));
  // Nor does this connection keep in memory what it refused to store.
  for (let i = 0; i < 300; i++) member.ok("INSERT INTO f VALUES('word')");
  const [[segments]] = member.rows(
    "SELECT count(DISTINCT segid) FROM f_idx",
  ) as [[number]];
  assert.ok(segments < 100, `${segments} segments`);
});

Deno.test("hasRoom() asks the file system, and leaves nothing there", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-room-" });
  try {
    const connection = nodeDriver.open(`${dir}/a.db`, { readOnly: false });
    connection.exec("CREATE TABLE t (x)");
    assert.equal(hasRoom(connection), true);
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), [
      "a.db",
    ]);
    connection.exec("PRAGMA max_page_count = 2");
    assert.equal(hasRoom(connection), false);
    connection.close();
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("automerge of FTS4 is refused, and not kept in memory either", () => {
  using member = new Direct();
  member.ok("CREATE VIRTUAL TABLE f USING fts4(a)");
  for (const or of ["", "OR IGNORE", "OR REPLACE", "OR ROLLBACK"]) {
    const sql = `INSERT ${or} INTO f(f) VALUES ('automerge=2')`;
    assert.match(member.fail(sql).message, /automerge of FTS4/, sql);
  }
  member.ok("INSERT INTO f(f) VALUES ('automerge=0')");
  member.ok("CREATE TABLE t (id INTEGER PRIMARY KEY, v)");
  member.ok("CREATE VIRTUAL TABLE f3 USING fts3(a)");
  member.fail("INSERT INTO f3(f3) VALUES ('automerge=2')");
  const insert = (at: number): Uint8Array => {
    const words = Array.from({ length: 1500 }, (_, i) => `w${at}x${i}`);
    const to = at % 2 === 0 ? "f" : "f3";
    return command(execute(`INSERT INTO ${to} VALUES (?)`, [words.join(" ")]));
  };
  const payloads = Array.from({ length: 24 }, (_, at) => insert(at));
  member.batch(payloads);
  // A level above 0 is what merging makes.
  for (const name of ["f", "f3"]) {
    assert.deepEqual(
      member.rows(`SELECT max(level), count(*) FROM ${name}_segdir`),
      [[0, 12]],
      name,
    );
  }
});

for (
  const [how, undo] of [
    [
      "a savepoint",
      (member: Direct, sql: string) =>
        member.run(txn(sql, "INSERT INTO nowhere VALUES (1)")),
    ],
    [
      "a savepoint, with what another statement wrote",
      (member: Direct, sql: string) =>
        member.run(
          txn(
            sql,
            "INSERT INTO t(v) VALUES (5)",
            "INSERT INTO t VALUES ('a', 1)",
          ),
        ),
    ],
    ["a lost leadership", (member: Direct, sql: string) => {
      member.prepare([command(execute(sql))]);
      member.applier.rollbackPrepared();
    }],
    ["OR ROLLBACK", (member: Direct, sql: string) =>
      member.run(
        txn(sql, "INSERT OR ROLLBACK INTO t VALUES (1, 1), (1, 1)"),
      )],
  ] as const
) {
  Deno.test(`settings of full-text search go with their write: undone by ${how}`, () => {
    using member = new Direct();
    member.ok("CREATE TABLE t (id INTEGER PRIMARY KEY, v)");
    member.ok("CREATE VIRTUAL TABLE f USING fts5(a, b)");
    member.ok("INSERT INTO f VALUES ('one', 'two'), ('two', 'one one')");
    const ranks = () =>
      member.ok(
        "INSERT INTO t(v) SELECT rank FROM f WHERE f MATCH 'one' RETURNING v",
      ).rows;
    const before = ranks();
    undo(
      member,
      "INSERT INTO f(f, rank) VALUES ('secure-delete', 1), ('rank', 'bm25(0.0, 9.0)')",
    );
    assert.deepEqual(ranks(), before);
    member.ok("UPDATE f SET a = 'three'");
    assert.deepEqual(member.rows("SELECT k, v FROM f_config"), [
      ["version", 4],
    ]);
  });
}

Deno.test("a setting of the first of two runs of a statement that returns nothing is not on in the second", () => {
  using member = new Direct();
  for (
    const sql of [
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE ON CONFLICT ABORT)",
      "CREATE VIRTUAL TABLE f USING fts5(a, detail=none)",
      "CREATE TRIGGER g1 AFTER INSERT ON t BEGIN INSERT INTO f(rowid, a) VALUES (last_insert_rowid(), new.a); END",
      "CREATE TRIGGER g2 BEFORE UPDATE ON t BEGIN DELETE FROM f WHERE rowid = 2; END",
      "CREATE TRIGGER g4 BEFORE UPDATE ON t BEGIN UPDATE t SET id = id + 1000 WHERE id = 2; INSERT INTO f(f, rank) VALUES ('secure-delete', 1); END",
      "INSERT INTO t VALUES (1, 3), (2, 'x'), (3, 2)",
      "UPDATE OR FAIL t SET a = (SELECT max(id) FROM t) WHERE a > 'one' RETURNING *",
    ]
  ) member.ok(sql);
  // Only a row that was deleted before the setting was on makes it 4.
  assert.deepEqual(member.rows("SELECT v FROM f_config WHERE k = 'version'"), [
    [4],
  ]);
});

Deno.test("full-text search that stores a setting while it writes does not begin again and again", () => {
  using member = new Direct();
  for (
    const sql of [
      "CREATE TABLE w (k TEXT PRIMARY KEY, n)",
      "CREATE VIRTUAL TABLE f USING fts5(a, b, prefix='1 2')",
      "CREATE TRIGGER g BEFORE INSERT ON w BEGIN DELETE FROM f WHERE rowid = 2; END",
      "INSERT INTO f(rowid) VALUES (2), (3), (1)",
      "UPDATE f SET a = 'some words'",
      "INSERT INTO f(f, rank) VALUES ('secure-delete', 1)",
      "INSERT INTO w(n) VALUES (1), (2), (3)",
      "INSERT INTO f(f) VALUES ('integrity-check')",
    ]
  ) member.ok(sql);
});

Deno.test("guards of virtual tables are there after a rollback in the transaction that made the table", () => {
  const statements = [
    "CREATE TABLE w (k NOT NULL)",
    "CREATE VIRTUAL TABLE f USING fts5(b)",
    "CREATE TABLE s (x)",
    `CREATE TRIGGER g AFTER INSERT ON s BEGIN INSERT INTO f(rowid, b) VALUES(${LARGEST}, 'a'); INSERT INTO f(b) VALUES('b'); DELETE FROM f WHERE rowid = ${LARGEST}; END`,
    "INSERT INTO w VALUES (1), (NULL) RETURNING k",
    "INSERT INTO s VALUES (1)",
  ];
  using member = new Direct();
  const answers = member.batch(statements.map((sql) => command(execute(sql))));
  const last = answered(answers.at(-1)!).result;
  assert.ok(!last.ok);
  assert.match(last.error.message, /is reserved/);
});

/** A table whose DROP deletes a row of another, and what that fires. */
function dropFires(body: string): Direct {
  const member = new Direct();
  for (
    const sql of [
      "CREATE TABLE p(k INTEGER PRIMARY KEY)",
      "CREATE TABLE c(k REFERENCES p ON DELETE CASCADE)",
      "CREATE VIRTUAL TABLE f USING fts5(a)",
      "CREATE VIRTUAL TABLE f4 USING fts4(a)",
      "CREATE TABLE t(n INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO t VALUES(1)",
      `CREATE TRIGGER g AFTER DELETE ON c BEGIN ${body}; END`,
      "INSERT INTO p VALUES(1)",
      "INSERT INTO c VALUES(1)",
    ]
  ) member.ok(sql);
  return member;
}

for (
  const [body, expected] of [
    ["INSERT INTO f(f, rank) VALUES('pgsz', 64)", /pgsz .* not allowed/],
    ["INSERT INTO f4(f4) VALUES('automerge=2')", /automerge of FTS4/],
    [`UPDATE sqlite_sequence SET seq = ${LARGEST}`, /is reserved/],
  ] as const
) {
  Deno.test(`what is refused is refused where DROP TABLE fires it: ${body}`, () => {
    using member = dropFires(body);
    const before = member.dump();
    assert.match(member.fail("DROP TABLE p").message, expected);
    assert.equal(member.dump(), before);
    member.ok("DROP TRIGGER g");
    member.ok("DROP TABLE p");
    member.ok("DROP TABLE f");
    member.ok("DROP TABLE t");
  });
}
