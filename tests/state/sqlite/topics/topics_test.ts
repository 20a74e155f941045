import assert from "node:assert/strict";
import {
  ENTRY_EVENT_BYTES_MAX,
  ENTRY_EVENTS_MAX,
  EVENT_DATA_BYTES_MAX,
} from "../../../../src/state/topics/limits.ts";
import type { CommandBody } from "../../../../src/state/sql/types.ts";
import { Direct } from "../direct.ts";
import { test } from "../drivers.ts";
import { command, execute, Subject, txn } from "../subject.ts";
import { notify, published, stored, text } from "./published.ts";

/** A transaction that also publishes. */
function txnWith(
  notices: Extract<CommandBody, { kind: "txn" }>["notify"],
  ...statements: Parameters<typeof txn>
): CommandBody {
  return { ...txn(...statements), notify: notices } as CommandBody;
}

test("notify stores events, numbers them through all entries, and answers the last number", () => {
  using on = new Direct();
  const one = on.run(notify("a=1", "b=2"));
  const two = on.run(notify("a=3"));
  assert.deepEqual(stored(on), ["1@1 a=1", "2@1 b=2", "3@2 a=3"]);
  assert.deepEqual(on.events, [
    "1.0 tables _hql_events",
    "1.1 topic",
    "1.2 topic",
    "2.0 tables _hql_events",
    "2.1 topic",
  ]);
  const results = [one, two].map(({ results }) => results[0]);
  assert.deepEqual(
    results.map((result) => [result?.rowsAffected, result?.lastInsertRowid]),
    [[2, 2], [1, 3]],
  );
  assert.deepEqual(on.applier.position.retained, {
    first: 1,
    last: 3,
    before: 0,
    total: 3 * (64 + 2),
  });
});

test("a transaction publishes what it was asked to, with what its statements returned, or nothing", () => {
  using on = new Direct();
  on.ok("CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE)");
  on.events.length = 0;
  const $ref = { statement: 0, column: "id" };
  on.run(txnWith(
    [{ topic: "made", data: { $ref } }, { topic: "also", data: text("x") }],
    "INSERT INTO t VALUES (7, 'a') RETURNING id",
    "INSERT INTO t VALUES (8, 'b')",
  ));
  assert.deepEqual(published(on), ["made=7", "also=x"]);
  assert.deepEqual(on.events, [
    "2.0 tables _hql_events t",
    "2.1 topic",
    "2.2 topic",
  ]);
  const notices = [{ topic: "never", data: text("x") }];
  const failing = [
    txnWith(
      notices,
      "INSERT INTO t VALUES (9, 'c')",
      "INSERT INTO t VALUES (9, 'd')",
    ),
    txnWith(
      [{ topic: "never", data: text("x") }, { topic: "no", data: { $ref } }],
      "INSERT INTO t VALUES (9, 'c')",
    ),
    txnWith(notices, "INSERT OR ROLLBACK INTO t VALUES (9, 'c'), (9, 'd')"),
    { ...execute("INSERT INTO t VALUES (8, 'c')"), notify: notices },
  ] as CommandBody[];
  for (const body of failing) assert.equal(on.run(body).ok, false);
  assert.deepEqual(on.rows("SELECT count(*) FROM t"), [[2]]);
  assert.deepEqual(published(on), ["made=7", "also=x"]);
  on.run({
    ...execute("INSERT INTO t VALUES (10, 'e') RETURNING id, v"),
    notify: [{ topic: "one", data: { $ref: { statement: 0, column: 1 } } }],
  } as CommandBody);
  assert.deepEqual(published(on).slice(2), ["one=e"]);
});

test("hql_notify() publishes from statements and triggers, in the order of calls", () => {
  using on = new Direct();
  on.ok("CREATE TABLE t (id INTEGER PRIMARY KEY, v)");
  on.ok(
    "CREATE TRIGGER told AFTER INSERT ON t BEGIN SELECT hql_notify('t.new', NEW.v); END",
  );
  on.ok("INSERT INTO t (v) VALUES ('a'), ('b')");
  on.run(txn(
    "INSERT INTO t (v) VALUES ('c')",
    "SELECT hql_notify('x', v) FROM t WHERE id < 3 ORDER BY id",
  ));
  on.ok("INSERT INTO t (v) VALUES ('d') RETURNING hql_notify('r', v)");
  on.ok("UPDATE t SET v = hql_notify('u', v) WHERE id = 1");
  assert.deepEqual(published(on), [
    "t.new=a",
    "t.new=b",
    "t.new=c",
    "x=a",
    "x=b",
    "r=d",
    "t.new=d",
    "u=a",
  ]);
  assert.deepEqual(on.rows("SELECT v FROM t WHERE id = 1"), [[null]]);
});

test("hql_notify() leaves the counters of its statement alone", () => {
  using on = new Direct();
  on.ok("CREATE TABLE t (id INTEGER PRIMARY KEY, v)");
  on.ok(
    "CREATE TRIGGER told AFTER INSERT ON t BEGIN SELECT hql_notify('t', NEW.v); END",
  );
  const inserted = on.ok("INSERT INTO t VALUES (41, 'a'), (42, 'b')");
  assert.deepEqual([inserted.rowsAffected, inserted.lastInsertRowid], [2, 42]);
  const result = on.run(txn(
    "INSERT INTO t VALUES (50, 'c')",
    "INSERT INTO t SELECT 60 + changes(), last_insert_rowid()",
  ));
  assert.ok(result.ok);
  assert.deepEqual(on.rows("SELECT id, v FROM t WHERE id > 50"), [[61, 50]]);
});

test("what hql_notify() published in what failed or was undone is not published", () => {
  using on = new Direct();
  for (
    const sql of [
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
      "CREATE TABLE strict_one (v CHECK (v < 3))",
      "CREATE TRIGGER told BEFORE INSERT ON t BEGIN SELECT hql_notify('t', NEW.v); END",
      "CREATE TRIGGER aborts AFTER INSERT ON t WHEN NEW.v = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END",
      "CREATE TRIGGER ignores AFTER INSERT ON t WHEN NEW.v = 'odd' BEGIN SELECT RAISE(IGNORE); END",
      "CREATE TRIGGER rolls AFTER INSERT ON t WHEN NEW.v = 'roll' BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
      "INSERT INTO t VALUES (1, 'a')",
    ]
  ) on.ok(sql);
  on.fail("INSERT INTO t VALUES (2, 'b'), (1, 'c')");
  on.fail("INSERT OR FAIL INTO t VALUES (2, 'b'), (1, 'c')");
  on.fail("INSERT OR ABORT INTO t VALUES (2, 'b'), (1, 'c')");
  on.fail("INSERT OR ROLLBACK INTO t VALUES (2, 'b'), (1, 'c')");
  on.fail("INSERT INTO t VALUES (2, 'b'), (3, 'bad')");
  on.fail("INSERT INTO t VALUES (2, 'roll')");
  on.fail("SELECT hql_notify('s', 1), abs(-9223372036854775807 - 1)");
  on.fail("SELECT hql_notify('s', 'x') UNION ALL SELECT randomblob(1e9)");
  on.fail(
    "INSERT INTO strict_one SELECT hql_notify('s', 1) UNION ALL SELECT 9",
  );
  const failed = on.run(
    txn("INSERT INTO t VALUES (5, 'x')", "INSERT INTO nowhere VALUES (1)"),
  );
  assert.equal(failed.ok, false);
  assert.deepEqual(published(on), ["t=a"]);
  on.run({
    kind: "batch",
    sql:
      "INSERT INTO t VALUES (2, 'kept'); INSERT INTO t VALUES (2, 'lost'); SELECT hql_notify('s', 'lost')",
  });
  on.run({
    kind: "batch",
    sql: "INSERT INTO t VALUES (3, 'stays'); INSERT INTO t VALUES (4, 'roll')",
  });
  // What a statement skips does not undo what its triggers did.
  on.ok("INSERT OR IGNORE INTO t VALUES (1, 'skipped'), (6, 'odd')");
  assert.deepEqual(published(on), [
    "t=a",
    "t=kept",
    "t=stays",
    "t=skipped",
    "t=odd",
  ]);
});

test("hql_notify() takes a text, bytes, a number, NULL or JSON, and nothing else", () => {
  using on = new Direct();
  on.ok(
    "SELECT hql_notify('k', 'text'), hql_notify('k', x'0001'), hql_notify('k', 7), hql_notify('k', 1.5), hql_notify('k', NULL), hql_notify('k', json_object('a', 1), 'json'), hql_notify('k', 9223372036854775807)",
  );
  const kinds = on.rows("SELECT kind, data FROM _hql_events ORDER BY n");
  const shown = kinds.map(([kind, data]) =>
    `${kind} ${new TextDecoder().decode(data as Uint8Array)}`
  );
  assert.deepEqual(shown, [
    "1 text",
    "0 \0\x01",
    "2 7",
    "2 1.5",
    "2 null",
    '2 {"a":1}',
    "2 9223372036854775807",
  ]);
  for (
    const [call, message] of [
      ["hql_notify('k')", /expected a topic and the data/],
      ["hql_notify('k', 1, 2)", /third argument/],
      ["hql_notify('k', '{', 'json')", /not JSON/],
      ["hql_notify('k', 9e999)", /Infinity/],
      ["hql_notify('a b', 1)", /Not a topic: "a b"/],
      ["hql_notify('', 1)", /Not a topic/],
      ["hql_notify(NULL, 1)", /Not a topic/],
      [`hql_notify('${"x".repeat(65)}', 1)`, /1 to 64/],
      [
        `hql_notify('k', zeroblob(${EVENT_DATA_BYTES_MAX + 1}))`,
        new RegExp(
          `${
            EVENT_DATA_BYTES_MAX + 1
          } bytes, the limit is ${EVENT_DATA_BYTES_MAX}`,
        ),
      ],
    ] as const
  ) assert.match(on.fail(`SELECT ${call}`).message, message);
  assert.equal(on.applier.position.retained.last, 7);
});

test("an entry publishes a thousand events and 4 MiB at most, and nothing beyond that", () => {
  using on = new Direct();
  const count = (n: number): string =>
    `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${n}) SELECT count(hql_notify('c', i)) FROM c`;
  on.ok(count(ENTRY_EVENTS_MAX));
  assert.match(on.fail(count(ENTRY_EVENTS_MAX + 1)).message, /limit is 1000/);
  const full = ENTRY_EVENT_BYTES_MAX / EVENT_DATA_BYTES_MAX;
  const large = `hql_notify('b', zeroblob(${EVENT_DATA_BYTES_MAX}))`;
  on.ok(`SELECT ${Array(full).fill(large).join()}`);
  const { message } = on.fail(`SELECT ${Array(full + 1).fill(large).join()}`);
  assert.match(message, /the limit is 4194304/);
  assert.equal(on.applier.position.retained.last, ENTRY_EVENTS_MAX + full);
});

test("hql_notify() is refused where it would run at other times than statements, and in readers", () => {
  using on = new Direct();
  on.ok("CREATE TABLE t (a)");
  for (
    const sql of [
      "CREATE INDEX i ON t (hql_notify('x', a))",
      "CREATE INDEX i ON t (a) WHERE hql_notify('x', a) IS NULL",
      "CREATE TABLE g (a, b AS (hql_notify('x', a)))",
      "CREATE TABLE c (a CHECK (hql_notify('x', a) IS NULL))",
      "CREATE TABLE c (a CHECK (\"HQL_notify\"('x', a) IS NULL))",
      "CREATE TABLE d (a DEFAULT (hql_notify('x', 1)))",
      "CREATE TABLE s AS SELECT hql_notify('x', 1)",
      "ALTER TABLE t ADD COLUMN b CHECK (hql_notify('x', b) IS NULL)",
      "CREATE VIEW v AS SELECT hql_notify('x', 1)",
    ]
  ) {
    const { code } = on.fail(sql);
    assert.ok(code === "forbidden" || code === "sql", `${sql}: ${code}`);
  }
  assert.equal(on.applier.position.retained.last, 0);
  // What is kept may be read, but not by writes: rows go when a batch ends.
  assert.equal(
    on.fail("INSERT INTO t SELECT n FROM _hql_events").code,
    "forbidden",
  );
  assert.equal(on.fail("DELETE FROM _hql_events").code, "forbidden");
});

test("queries can read what is kept, and cannot publish", async () => {
  await using subject = await Subject.open();
  await subject.run(notify("a=1"));
  const sql = "SELECT topic, CAST(data AS TEXT) FROM _hql_events";
  assert.deepEqual(subject.rows(sql), [["a", "1"]]);
  const call = "SELECT hql_notify('a', 1)";
  const refused = {
    code: "forbidden",
    message: /hql_notify\(\) is not allowed in a query/,
  };
  assert.throws(() => subject.machine.querySync(call), refused);
  await assert.rejects(subject.machine.query({ sql: call }), refused);
  for (const own of ["_hql_meta", "_hql_sessions"]) {
    assert.throws(() => subject.rows(`SELECT * FROM ${own}`), {
      code: "forbidden",
    });
  }
});

test("a write that comes again publishes once", () => {
  using on = new Direct();
  on.run({ kind: "openSession" });
  const session = on.next - 1;
  const write = command(notify("a=1"), {
    session,
    sequence: 1,
    answeredBelow: 1,
  });
  const [first, second] = on.batch([write, write]);
  const [third] = on.batch([write]);
  assert.deepEqual(second, first);
  assert.deepEqual(third, first);
  assert.deepEqual(published(on), ["a=1"]);
  assert.deepEqual(on.events, ["2.0 tables _hql_events", "2.1 topic"]);
});

test("what was prepared and rolled back is published once, as the followers publish it", () => {
  using leader = new Direct();
  using follower = new Direct();
  const payloads = [notify("a=1"), notify("b=2", "b=3")].map((body) =>
    command(body)
  );
  leader.prepare(payloads);
  leader.rollbackPrepared();
  assert.deepEqual(leader.applier.position.retained.last, 0);
  const outcomes = leader.prepare(payloads);
  leader.commitPrepared();
  follower.batch(payloads);
  assert.ok(outcomes.every(({ kind }) => kind === "prepared"));
  assert.deepEqual(stored(leader), ["1@1 a=1", "2@2 b=2", "3@2 b=3"]);
  assert.equal(leader.dump(), follower.dump());
  assert.deepEqual(leader.events, follower.events);
  assert.equal(
    leader.applier.position.hash,
    follower.applier.position.hash,
  );
});

test("the hash of an entry covers what it publishes", () => {
  const hash = (body: CommandBody): number => {
    using on = new Direct();
    on.ok("CREATE TABLE t (a)");
    const [outcome] = on.prepare([command(body)]);
    assert.equal(outcome?.kind, "prepared");
    return outcome.hash;
  };
  const one = hash(txnWith([{ topic: "a", data: text("1") }], "DELETE FROM t"));
  assert.equal(
    hash(txnWith([{ topic: "a", data: text("1") }], "DELETE FROM t")),
    one,
  );
  const others = [
    txnWith([{ topic: "a", data: text("2") }], "DELETE FROM t"),
    txnWith([{ topic: "b", data: text("1") }], "DELETE FROM t"),
    txnWith(
      [{ topic: "a", data: { ...text("1"), kind: "json" } }],
      "DELETE FROM t",
    ),
    txnWith([], "DELETE FROM t"),
  ];
  for (const body of others) assert.notEqual(hash(body), one);
});
