import assert from "node:assert/strict";
import { decodeAnswer } from "../../../src/state/answer.ts";
import { decodeLockAnswer } from "../../../src/state/locks/codec.ts";
import {
  ALL_PERMITS,
  type LockAnswer,
  type LockFence,
  type LockOperation,
  type LockWish,
  NO_LOCKS,
} from "../../../src/state/locks/types.ts";
import type { CommandBody } from "../../../src/state/sql/types.ts";
import { Direct } from "./direct.ts";
import { test } from "./drivers.ts";
import { answered, command, execute, Subject, txn } from "./subject.ts";

function lock(operation: LockOperation, clockMs = 0): Uint8Array {
  return command({ kind: "lock", operation }, { clockMs });
}

function answerOf(bytes: Uint8Array): LockAnswer {
  return decodeLockAnswer(decodeAnswer(bytes).body);
}

function ask(
  on: Direct,
  operation: LockOperation,
  clockMs = 0,
): LockAnswer {
  return answerOf(on.batch([lock(operation, clockMs)])[0]!);
}

function wish(
  name: string,
  rest: Partial<LockWish> = {},
): LockOperation {
  return {
    kind: "acquire",
    wish: {
      name,
      lease: { ttlMs: 1_000, owner: "tests" },
      permits: ALL_PERMITS,
      limit: ALL_PERMITS,
      waitMs: 0,
      value: "",
      ...rest,
    },
  };
}

/** The fence of a lock that is granted at once. */
function held(on: Direct, name = "job", clockMs = 0): LockFence {
  const answer = ask(on, wish(name), clockMs);
  assert.equal(answer.kind, "granted");
  return { name, token: (answer as { token: number }).token };
}

const INSERT = "INSERT INTO t VALUES (1)";

function fenced(fence: LockFence): CommandBody[] {
  return [
    { ...execute(INSERT), fence } as CommandBody,
    { ...txn(INSERT, INSERT), fence } as CommandBody,
    { kind: "batch", sql: `${INSERT}; ${INSERT}`, fence },
  ];
}

test("a fenced write happens while the lock is held, and not at all afterwards", () => {
  using on = new Direct();
  on.ok("CREATE TABLE t (x)");
  const fence = held(on);
  for (const body of fenced(fence)) assert.ok(on.run(body).ok);
  assert.deepEqual(on.rows("SELECT count(*) FROM t"), [[5]]);
  for (
    const [wrong, clockMs] of [
      [{ ...fence, token: fence.token + 1 }, 0],
      [{ ...fence, name: "other" }, 0],
      [fence, 1_000],
    ] as const
  ) {
    for (const body of fenced(wrong)) {
      const result = on.run(body, { clockMs });
      assert.ok(!result.ok);
      assert.equal(result.error.code, "fenced");
      assert.match(result.error.message, /is not held under the token \d+/);
    }
  }
  assert.deepEqual(on.rows("SELECT count(*) FROM t"), [[5]]);
  assert.equal(on.applier.locks.counts.fenced, 9);
});

test("a lease that ends between proposal and apply: the write does nothing, when it is prepared too, and all members say the same", () => {
  using leader = new Direct();
  using follower = new Direct();
  for (const on of [leader, follower]) on.ok("CREATE TABLE t (x)");
  const fence = held(leader);
  held(follower);
  // Proposed while the lock is held, stamped when it is not any more.
  const payloads = fenced(fence).map((body) =>
    command(body, { clockMs: 1_000 })
  );
  const outcomes = leader.prepare(payloads);
  leader.commitPrepared();
  const answers = follower.batch(payloads);
  for (const [at, outcome] of outcomes.entries()) {
    assert.equal(outcome.kind, "prepared");
    assert.ok(outcome.kind === "prepared");
    assert.deepEqual(outcome.answer, answers[at]);
    const { result } = answered(outcome.answer);
    assert.equal(!result.ok && result.error.code, "fenced");
  }
  for (const on of [leader, follower]) {
    assert.deepEqual(on.rows("SELECT * FROM t"), []);
  }
  assert.equal(
    leader.applier.position.hash,
    follower.applier.position.hash,
  );
});

test("a preparation that is rolled back leaves no lock, no event and no count", () => {
  using on = new Direct();
  const before = on.dump();
  on.prepare([lock(wish("job")), lock(wish("pool"))]);
  on.rollbackPrepared();
  assert.equal(on.dump(), before);
  assert.deepEqual(on.rows("SELECT * FROM hql_locks"), []);
  assert.deepEqual(on.applier.locks.counts, NO_LOCKS);
  assert.equal(on.applier.locks.nextDueMs, Infinity);
  const [refused] = on.prepare([lock(wish("job"))]);
  on.commitPrepared();
  assert.ok(refused!.kind === "prepared");
  assert.equal(answerOf(refused!.answer).kind, "granted");
  assert.deepEqual(on.events, [
    `${on.next - 1}.0 tables hql_locks`,
    `${on.next - 1}.1 lock`,
  ]);
  assert.deepEqual(on.applier.locks.counts, {
    leases: 1,
    held: 1,
    waiting: 0,
    granted: 1,
    expired: 0,
    fenced: 0,
  });
});

test("hql_token() tells triggers who holds a lock as of the entry", () => {
  using on = new Direct();
  on.ok("CREATE TABLE t (token)");
  on.ok(
    "CREATE TRIGGER guard BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'fenced') WHERE hql_token('job') IS NOT new.token; END",
  );
  assert.equal(on.fail("INSERT INTO t VALUES (5)").code, "constraint");
  const fence = held(on);
  on.ok("INSERT INTO t VALUES (?)", [fence.token]);
  assert.equal(on.fail("INSERT INTO t VALUES (1)").code, "constraint");
  // A change of the schema has it compiled again in the middle of a statement.
  on.ok("CREATE TABLE other (x)");
  on.ok("INSERT INTO t VALUES (?)", [fence.token]);
  const [row] = on.ok(
    "INSERT INTO t VALUES (?) RETURNING hql_token('job'), hql_token('none'), hql_token(NULL)",
    [fence.token],
  ).rows;
  assert.deepEqual(row, [fence.token, null, null]);
  const late = on.run(execute("INSERT INTO t VALUES (?)", [fence.token]), {
    clockMs: 1_000,
  });
  assert.equal(!late.ok && late.error.code, "constraint");
});

test("hql_token() is NULL of a lock that several hold", () => {
  using on = new Direct();
  on.ok("CREATE TABLE t (x)");
  const few = { permits: 1, limit: 2 };
  ask(on, wish("pool", few));
  const token = on.next - 1;
  on.ok("INSERT INTO t VALUES (hql_token('pool'))");
  ask(on, wish("pool", few));
  on.ok("INSERT INTO t VALUES (hql_token('pool'))");
  assert.deepEqual(on.rows("SELECT x FROM t"), [[token], [null]]);
});

test("the view shows in writes what is held as of the entry, however entries are put into batches", () => {
  const payloads = [
    command(execute("CREATE TABLE t (name, token, owner, left)")),
    lock(wish("job", { value: "here" }), 100),
    command(
      execute(
        "INSERT INTO t SELECT name, token, owner, remaining_ms FROM hql_locks",
      ),
      { clockMs: 400 },
    ),
    command(
      execute(
        "INSERT INTO t SELECT name, token, owner, remaining_ms FROM hql_locks",
      ),
      { clockMs: 1_100 },
    ),
  ];
  using together = new Direct();
  together.batch(payloads);
  using apart = new Direct();
  for (const payload of payloads) apart.batch([payload]);
  for (const on of [together, apart]) {
    assert.deepEqual(on.rows("SELECT * FROM t"), [["job", 2, "tests", 700]]);
  }
});

test("client SQL reads members' own tables through the view alone", () => {
  using on = new Direct();
  on.ok("CREATE TABLE t (x)");
  held(on);
  on.ok("CREATE VIEW mine AS SELECT name, token FROM hql_locks");
  on.ok("INSERT INTO t SELECT name FROM mine");
  for (
    const sql of [
      "INSERT INTO t SELECT name FROM _hql_locks",
      "INSERT INTO t SELECT id FROM _hql_leases",
      "INSERT INTO t SELECT _hql_clock()",
      "WITH hql_locks AS (SELECT id FROM _hql_sessions) INSERT INTO t SELECT * FROM hql_locks",
      'WITH "HQL_locks" AS (SELECT id FROM _HQL_sessions) INSERT INTO t SELECT * FROM "HQL_locks"',
      "INSERT INTO t SELECT * FROM (SELECT id FROM _hql_sessions) AS hql_locks",
      "CREATE TRIGGER peep AFTER INSERT ON t BEGIN INSERT INTO t SELECT * FROM (WITH hql_locks AS (SELECT id FROM _hql_sessions) SELECT * FROM hql_locks); END",
      "CREATE TRIGGER hql_locks AFTER INSERT ON t BEGIN SELECT 1; END",
      "CREATE TRIGGER lend INSTEAD OF INSERT ON hql_locks BEGIN SELECT 1; END",
      "DROP VIEW hql_locks",
      "DROP VIEW main.HQL_LOCKS",
      "CREATE VIEW wide AS WITH hql_locks AS (SELECT id FROM _hql_sessions) SELECT * FROM hql_locks",
    ]
  ) assert.equal(on.fail(sql).code, "forbidden", sql);
  for (
    const sql of [
      "INSERT INTO hql_locks (name) VALUES ('x')",
      "UPDATE hql_locks SET token = 9",
      "DELETE FROM hql_locks",
      "ALTER TABLE hql_locks RENAME TO other",
      "CREATE TABLE hql_locks (x)",
    ]
  ) assert.match(on.fail(sql).code, /^(sql|forbidden)$/, sql);
  assert.equal(on.rows("SELECT * FROM hql_locks").length, 1);
});

test("a common table expression called like the view may do no more than others", () => {
  using on = new Direct();
  on.ok("CREATE TABLE t (x)");
  for (
    const column of [
      "sqlite_version()",
      "sqlite_source_id()",
      "load_extension(1)",
    ]
  ) {
    const inner = `WITH hql_locks AS (SELECT ${column} AS v)`;
    for (
      const sql of [
        `${inner} INSERT INTO t SELECT v FROM hql_locks`,
        `INSERT INTO t SELECT * FROM (${inner} SELECT v FROM hql_locks)`,
      ]
    ) assert.equal(on.fail(sql).code, "forbidden", sql);
  }
  for (const name of ["dbstat", "pragma_page_count"]) {
    const sql =
      `WITH hql_locks AS (SELECT count(*) AS v FROM ${name}) INSERT INTO t SELECT v FROM hql_locks`;
    assert.equal(on.fail(sql).code, "forbidden", sql);
  }
  on.ok(
    "WITH hql_locks AS (SELECT max(1, 2) AS v) INSERT INTO t SELECT v FROM hql_locks",
  );
  assert.deepEqual(on.rows("SELECT x FROM t"), [[2]]);
});

test("hql_token() without a name, or with two, is refused in words", () => {
  using on = new Direct();
  on.ok("CREATE TABLE t (x)");
  for (const call of ["hql_token()", "hql_token('a', 'b')"]) {
    const { code, message } = on.fail(`INSERT INTO t SELECT ${call}`);
    assert.equal(code, "sql");
    assert.equal(message, "wrong number of arguments to function hql_token()");
  }
});

test("entries tell that the view shows something else, by what changes who holds or waits", () => {
  using on = new Direct();
  on.ok("CREATE TABLE t (x)");
  const told = (
    operation: LockOperation | null,
    clockMs = 0,
  ): string[] => {
    on.events.length = 0;
    if (operation !== null) ask(on, operation, clockMs);
    else on.run(execute(INSERT), { clockMs });
    return on.events.filter((event) => event.includes(" tables"))
      .map((event) => event.replace(/^.* tables ?/, ""));
  };
  const SHOWN = ["hql_locks"];
  assert.deepEqual(told({ kind: "open", ttlMs: 10_000, owner: "a" }), []);
  const lease = on.next - 1;
  const hangs = { lease: { id: lease }, waitMs: 5_000 };
  assert.deepEqual(told(wish("job", hangs)), SHOWN);
  const token = on.next - 1;
  assert.deepEqual(told(wish("job", hangs)), SHOWN);
  assert.deepEqual(told(wish("job")), []);
  const ticket = on.next - 2;
  assert.deepEqual(told({ kind: "renew", lease }), []);
  assert.deepEqual(told({ kind: "release", name: "job", token }), SHOWN);
  assert.deepEqual(told({ kind: "claim", name: "job", ticket }), SHOWN);
  assert.deepEqual(told({ kind: "claim", name: "job", ticket }), []);
  assert.deepEqual(told({ kind: "cancel", name: "job", ticket }), SHOWN);
  assert.deepEqual(told(wish("job", hangs), 1_000), SHOWN);
  // What ends by time is told with the entry that found it so, whatever it asks.
  assert.deepEqual(told(null, 11_000), ["hql_locks t"]);
  assert.deepEqual(told(null, 11_000), ["t"]);
});

test("what entries do to locks is in no counter of SQL", () => {
  using on = new Direct();
  on.ok("CREATE TABLE t (id INTEGER PRIMARY KEY, x)");
  on.ok("INSERT INTO t VALUES (41, 0)");
  held(on);
  const { rows } = on.ok(
    "INSERT INTO t (x) VALUES (last_insert_rowid() + changes()) RETURNING x",
  );
  assert.deepEqual(rows, [[0]]);
});

test("readers see who holds what, and a restart goes on with it", async () => {
  await using on = await Subject.open();
  const [answer] = await on.applyEntries(on.entries([
    lock(wish("job", { value: "here" }), 500),
  ]));
  assert.equal(answerOf(answer!).kind, "granted");
  const shown =
    "SELECT name, token, owner, value, claimed, remaining_ms, waiting, hql_token('job') FROM hql_locks";
  const expected = [["job", 1, "tests", "here", 1, 1_000, 0, 1]];
  assert.deepEqual(on.rows(shown), expected);
  assert.deepEqual((await on.machine.query({ sql: shown })).rows, expected);
  assert.equal(on.machine.locks.nextDueMs, 1_500);
  await on.restart();
  assert.deepEqual(on.rows(shown), expected);
  assert.equal(on.machine.locks.nextDueMs, 1_500);
  assert.equal(on.machine.locks.counts.held, 1);
  for (
    const sql of [
      "SELECT * FROM _hql_locks",
      "WITH hql_locks AS (SELECT * FROM _hql_sessions) SELECT * FROM hql_locks",
    ]
  ) {
    await assert.rejects(on.machine.query({ sql }), { code: "forbidden" }, sql);
  }
  await on.run({ kind: "clock" }, { clockMs: 1_500 });
  assert.deepEqual(on.rows(shown), []);
  assert.equal(on.machine.locks.nextDueMs, Infinity);
});

test("an entry whose statement ends its transaction leaves locks as its sweep did", () => {
  using on = new Direct();
  on.ok("CREATE TABLE t (x)");
  on.ok(
    "CREATE TRIGGER ends BEFORE INSERT ON t WHEN new.x = 2 BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
  );
  held(on);
  const result = on.run(execute("INSERT INTO t VALUES (2)"), {
    clockMs: 1_000,
  });
  assert.ok(!result.ok);
  assert.deepEqual(on.rows("SELECT * FROM hql_locks"), []);
  assert.deepEqual(on.applier.locks.counts.expired, 1);
});
