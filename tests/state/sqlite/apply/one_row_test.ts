import assert from "node:assert/strict";
import { sealEnvelope } from "../../../../src/state/envelope.ts";
import { Direct } from "../direct.ts";
import { answered, command, execute, txn } from "../subject.ts";

const LARGEST = 2n ** 63n - 1n;

const GUARDS =
  "SELECT count(*) FROM temp.sqlite_schema WHERE sql LIKE '%AFTER INSERT ON%'";

function member(...statements: string[]): Direct {
  const direct = new Direct();
  direct.ok("CREATE TABLE t (id INTEGER PRIMARY KEY, v)");
  for (const sql of statements) direct.ok(sql);
  return direct;
}

Deno.test("single rows, updates and deletions need no trigger on INSERT; a statement of several rows does", () => {
  using direct = member(
    "INSERT INTO t (v) VALUES (1)",
    "UPDATE t SET v = 2 WHERE id = 1",
    "DELETE FROM t",
  );
  assert.deepEqual(direct.rows(GUARDS), [[0]]);
  direct.ok("INSERT INTO t (v) VALUES (1), (2)");
  assert.deepEqual(direct.rows(GUARDS), [[1]]);
  direct.ok("INSERT INTO t (v) VALUES (3)");
  direct.ok("UPDATE t SET v = 4 WHERE id = 1");
  assert.deepEqual(direct.rows(GUARDS), [[1]], "it stays");
});

Deno.test("tables with triggers of their own are guarded: which of them refuses first must not differ", () => {
  using direct = member(
    "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT json(NEW.v); END",
    "INSERT INTO t (v) VALUES (1)",
  );
  assert.deepEqual(direct.rows(GUARDS), [[1]]);
});

/** Ways to the largest rowid, one row at a time. */
const WAYS = {
  "a single row": command(
    execute("INSERT INTO t VALUES (?, 1)", [LARGEST]),
  ),
  "a single row behind the one before it": command(
    execute("INSERT INTO near VALUES (NULL)"),
  ),
  "a table without a key": command(
    execute("INSERT INTO plain (rowid, v) VALUES (?, 1)", [LARGEST]),
  ),
  "a table that counts on": command(
    execute("INSERT INTO counted VALUES (?)", [LARGEST]),
  ),
  "a transaction": command(
    txn("INSERT INTO t (v) VALUES (5)", {
      sql: "INSERT INTO t VALUES (?, 1)",
      params: [LARGEST],
    }),
  ),
  "several statements": command({
    kind: "batch",
    sql: `INSERT INTO t (v) VALUES (5); INSERT INTO t VALUES (${LARGEST}, 1)`,
  }),
};

const TABLES = [
  `CREATE TABLE near (id INTEGER PRIMARY KEY)`,
  `INSERT INTO near VALUES (${LARGEST - 1n})`,
  "CREATE TABLE plain (v)",
  "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT)",
  "INSERT INTO counted VALUES (1)",
];

/** What a member that has written several rows at once has guards for, and what leaves it without them. */
const GUARDED = ["t (v)", "near (id)", "plain (v)", "counted (id)"]
  .map((table) => `INSERT INTO ${table} SELECT 1 WHERE 0`);
const UNGUARDED = GUARDED.map(() => "UPDATE t SET v = 1 WHERE 0");

for (const [way, payload] of Object.entries(WAYS)) {
  Deno.test(`the largest rowid is refused to ${way}, by look as by trigger, alone and among others`, () => {
    const others = [1, 2].map((v) =>
      command(execute("INSERT INTO t (v) VALUES (?)", [v]))
    );
    const payloads = [others[0]!, payload, others[1]!];
    const runs = [
      { before: GUARDED, together: true },
      { before: UNGUARDED, together: true },
      { before: UNGUARDED, together: false },
    ];
    const [guarded, ...looked] = runs.map(({ before, together }) => {
      using direct = member(...TABLES, ...before);
      assert.deepEqual(direct.rows(GUARDS), [[before === GUARDED ? 4 : 0]]);
      const answers = together
        ? direct.batch(payloads)
        : payloads.flatMap((each) => direct.batch([each]));
      const { result } = answered(answers[1]!);
      assert.ok(!result.ok);
      assert.equal(result.error.code, "constraint");
      assert.match(result.error.message, /is reserved/);
      return {
        answers,
        dump: direct.dump(),
        position: direct.applier.position,
      };
    });
    for (const each of looked) assert.deepEqual(each, guarded);
  });
}

Deno.test("a leader does not propose it with others, and every member answers it alike", () => {
  using leader = member();
  using follower = member();
  const way = WAYS["a single row"].slice();
  const kinds = (direct: Direct, ...payloads: Uint8Array[]): string[] =>
    direct.prepare(payloads).map(({ kind }) => kind);
  const before = command(execute("INSERT INTO t (v) VALUES (1)"));
  using other = member();
  assert.deepEqual(kinds(other, before, way), ["prepared"]);
  assert.deepEqual(kinds(leader, way), ["alone"]);
  const answers = [leader, follower].map((each) => each.batch([way]));
  assert.deepEqual(answers[0], answers[1]);
  assert.equal(leader.dump(), follower.dump());
});

Deno.test("where it was tried a trigger is there the next time: nothing else is undone with it again", () => {
  using leader = member();
  const way = (): Uint8Array => WAYS["a single row"].slice();
  const before = command(execute("INSERT INTO t (v) VALUES (1)"));
  leader.batch([way()]);
  const outcomes = leader.prepare([before, way()]);
  assert.deepEqual(outcomes.map(({ kind }) => kind), ["prepared", "prepared"]);
  leader.commitPrepared();
  assert.deepEqual(leader.rows("SELECT id FROM t"), [[1]]);
});

Deno.test("a hash of what a trigger refused is that of what was looked at", () => {
  using leader = member("INSERT INTO t (v) SELECT 1 WHERE 0");
  using follower = member("UPDATE t SET v = 1 WHERE 0");
  const way = WAYS["a single row"].slice();
  const [outcome] = leader.prepare([way]);
  assert.ok(outcome?.kind === "prepared");
  sealEnvelope(way, outcome.hash);
  follower.batch([way]);
  assert.equal(follower.applier.agreement.takeDivergence(), null);
});
