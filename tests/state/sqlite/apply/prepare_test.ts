import assert from "node:assert/strict";
import { sealEnvelope } from "../../../../src/state/envelope.ts";
import { encodeEntryRefusal } from "../../../../src/state/entry_refusal.ts";
import { decodeAnswer } from "../../../../src/state/answer.ts";
import {
  type PreparedEntry,
  PrepareFailedError,
} from "../../../../src/state/port.ts";
import { hashSqlAnswer } from "../../../../src/state/sqlite/apply/agreement.ts";
import { SqliteError } from "../../../../src/state/sqlite/driver/driver.ts";
import { Direct } from "../direct.ts";
import { answered, command, execute, txn } from "../subject.ts";

function kinds(outcomes: readonly PreparedEntry[]): string[] {
  return outcomes.map(({ kind }) => kind);
}

function answerOf(outcome: PreparedEntry | undefined): Uint8Array {
  assert.ok(outcome?.kind === "prepared");
  return outcome.answer;
}

function member(): Direct {
  const direct = new Direct();
  direct.ok("CREATE TABLE t (id INTEGER PRIMARY KEY, v, r DEFAULT (random()))");
  return direct;
}

const insert = (v: number): Uint8Array =>
  command(execute("INSERT INTO t (v) VALUES (?) RETURNING *", [v]));

Deno.test("what is prepared and committed is what applying the same entries gives, answers and events included", () => {
  using leader = member();
  using follower = member();
  const payloads = [1, 2, 3].map(insert);
  const outcomes = leader.prepare(payloads);
  assert.deepEqual(kinds(outcomes), ["prepared", "prepared", "prepared"]);
  leader.commitPrepared();
  const answers = follower.batch(payloads);
  assert.deepEqual(outcomes.map(answerOf), answers);
  assert.equal(leader.dump(), follower.dump());
  assert.deepEqual(leader.events, follower.events);
  assert.equal(
    leader.applier.position.hash,
    follower.applier.position.hash,
  );
  assert.deepEqual(leader.applier.position, follower.applier.position);
});

Deno.test("after a rollback the state is as before: data, sessions, position, schema, statements, events", () => {
  using leader = member();
  using other = member();
  const open = command({ kind: "openSession" });
  const session = other.next;
  for (const each of [leader, other]) each.batch([open]);
  const before = leader.dump();
  const first = command(execute("INSERT INTO t (v) VALUES (1)"), {
    session,
    sequence: 1,
    clockMs: 5,
  });
  leader.prepare([
    first,
    command(execute("ALTER TABLE t ADD COLUMN more DEFAULT 9")),
    command(execute("SELECT more FROM t")),
    command({ kind: "openSession" }),
  ]);
  leader.rollbackPrepared();
  assert.equal(leader.dump(), before);
  const asked = [
    first,
    command(execute("SELECT * FROM t")),
    command(execute("SELECT more FROM t")),
  ];
  const answers = leader.batch(asked);
  assert.equal(answered(answers[0]!).result.ok, true, "it was not remembered");
  assert.deepEqual(answers, other.batch(asked));
  assert.equal(leader.dump(), other.dump());
  assert.deepEqual(leader.events, other.events);
  assert.deepEqual(leader.applier.position, other.applier.position);
});

Deno.test("the bookkeeping of a preparation is not waited for: it comes later, at the latest with COMMIT", () => {
  using leader = member();
  leader.batch([command({ kind: "openSession" })]);
  const session = leader.applier.position.applied.index;
  const reached = (): unknown => leader.rows("SELECT idx FROM _hql_meta")[0];
  let sequence = 0;
  const write = (): Uint8Array =>
    command(execute("INSERT INTO t (v) VALUES (1)"), {
      session,
      sequence: ++sequence,
    });
  const [before, after] = [[session], [session + 1]];
  leader.prepare([write()]);
  assert.deepEqual(reached(), before);
  for (const _ of [1, 2]) {
    leader.applier.closePrepared();
    assert.deepEqual(reached(), after);
  }
  leader.rollbackPrepared();
  leader.applier.closePrepared();
  assert.deepEqual(reached(), before);
  leader.prepare([write()]);
  leader.rollbackPrepared();
  leader.applier.closePrepared();
  assert.deepEqual(reached(), before, "it went with the transaction");
  leader.prepare([write()]);
  leader.commitPrepared();
  assert.deepEqual(reached(), after);
});

Deno.test("a write that comes twice in a preparation is run once", () => {
  using leader = member();
  leader.batch([command({ kind: "openSession" })]);
  const session = leader.applier.position.applied.index;
  const write = (): Uint8Array =>
    command(execute("INSERT INTO t (v) VALUES (1)"), { session, sequence: 1 });
  const [first, again] = leader.prepare([write(), write()]).map(answerOf);
  leader.commitPrepared();
  assert.deepEqual(first, again);
  assert.deepEqual(leader.rows("SELECT count(*) FROM t"), [[1]]);
});

Deno.test("what is prepared is not in the file before it is committed", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-prepare-" });
  try {
    using leader = new Direct(`${dir}/a.db`);
    leader.ok("CREATE TABLE t (v)");
    leader.prepare([command(execute("INSERT INTO t VALUES (1)"))]);
    leader.restart();
    assert.deepEqual(leader.rows("SELECT count(*) FROM t"), [[0]]);
    leader.prepare([command(execute("INSERT INTO t VALUES (1)"))]);
    leader.commitPrepared();
    leader.restart();
    assert.deepEqual(leader.rows("SELECT count(*) FROM t"), [[1]]);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("foreign keys that only COMMIT checks make an entry go alone, after those before it", () => {
  using leader = member();
  leader.ok("CREATE TABLE child (t INTEGER REFERENCES t (id))");
  const owes = command(
    txn("PRAGMA defer_foreign_keys = ON", "INSERT INTO child VALUES (77)"),
  );
  assert.deepEqual(kinds(leader.prepare([insert(1), owes, insert(2)])), [
    "prepared",
  ]);
  leader.commitPrepared();
  assert.deepEqual(leader.rows("SELECT count(*) FROM t"), [[1]]);
  assert.deepEqual(kinds(leader.prepare([owes, insert(2)])), ["alone"]);
  leader.rollbackPrepared();
  const { result } = answered(leader.batch([owes])[0]!);
  assert.ok(!result.ok && result.error.code === "constraint");
});

Deno.test("a schema with deferred foreign keys makes every entry go alone", () => {
  using leader = member();
  leader.ok(
    "CREATE TABLE child (t INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)",
  );
  const write = command(execute("INSERT INTO child VALUES (77)"));
  assert.deepEqual(kinds(leader.prepare([write])), ["alone"]);
  leader.rollbackPrepared();
  assert.equal(answered(leader.batch([write])[0]!).result.ok, false);
});

Deno.test("what ends the transaction goes alone", () => {
  using leader = member();
  leader.ok("INSERT INTO t (id) VALUES (1)");
  const ends = command(execute("INSERT OR ROLLBACK INTO t (id) VALUES (1)"));
  assert.deepEqual(kinds(leader.prepare([insert(5), ends])), ["prepared"]);
  leader.commitPrepared();
  assert.deepEqual(kinds(leader.prepare([ends])), ["alone"]);
  leader.rollbackPrepared();
  assert.equal(answered(leader.batch([ends])[0]!).result.ok, false);
  assert.deepEqual(leader.rows("SELECT count(*) FROM t"), [[2]]);
});

Deno.test("a follower tells of the first entry that its leader answered differently", () => {
  using follower = member();
  const payloads = [1, 2, 3, 4].map(insert);
  const [, good] = follower.prepare(payloads);
  follower.rollbackPrepared();
  assert.ok(good?.kind === "prepared");
  sealEnvelope(payloads[1]!, good.hash);
  sealEnvelope(payloads[2]!, 1);
  sealEnvelope(payloads[3]!, 2);
  const first = follower.next;
  const answers = follower.batch(payloads);
  const expected = {
    index: first + 2,
    expected: 1,
    actual: hashSqlAnswer(answers[2]!),
  };
  assert.deepEqual(follower.applier.agreement.takeDivergence(), expected);
  assert.equal(follower.applier.agreement.takeDivergence(), null);
});

Deno.test("the hash of an answer covers codes, counts, rowids and rows, not SQLite's words", () => {
  using leader = member();
  const hashes = (sql: string): number => {
    const [outcome] = leader.prepare([command(execute(sql))]);
    leader.rollbackPrepared();
    assert.ok(outcome?.kind === "prepared");
    return outcome.hash;
  };
  assert.equal(hashes("SELECT a FROM missing"), hashes("SELEC"));
  const rows = ["SELECT 1", "SELECT 2", "SELECT 1 AS b", "SELECT missing"];
  assert.equal(new Set(rows.map(hashes)).size, rows.length);
  assert.notEqual(
    hashes("INSERT INTO t (id) VALUES (5)"),
    hashes("INSERT INTO t (id) VALUES (6)"),
  );
});

Deno.test("an entry that makes the program itself fail is kept out, and the database goes on", () => {
  using leader = member();
  const before = leader.dump();
  const broken = command(execute("INSERT INTO t (v) VALUES (1)"));
  // A level that this release does not know: whoever applied it could not go on.
  broken[0] = 99;
  assert.throws(
    () => leader.prepare([insert(1), broken]),
    (error) =>
      error instanceof PrepareFailedError && error.reason === "internal" &&
      error.at === 1,
  );
  assert.equal(leader.dump(), before);
  assert.deepEqual(kinds(leader.prepare([insert(1)])), ["prepared"]);
  leader.commitPrepared();
});

Deno.test("a stand-in is remembered under the write's session and key, and a repetition gets its answer", () => {
  using leader = member();
  leader.batch([command({ kind: "openSession" })]);
  const session = leader.applier.position.applied.index;
  for (
    const identity of [{ session, sequence: 1 }, { idempotencyKey: "k" }]
  ) {
    const write = command(execute("INSERT INTO t (v) VALUES (1)"), identity);
    const standIn = encodeEntryRefusal(write, "timeout", "It took too long");
    const [refused, again] = leader.prepare([standIn, write]).map(answerOf);
    leader.commitPrepared();
    const { refusal } = decodeAnswer(refused!);
    assert.deepEqual(refusal, {
      code: "timeout",
      message: "It took too long",
    });
    assert.deepEqual(again, refused);
  }
  const other = command(execute("INSERT INTO t (v) VALUES (2)"), {
    idempotencyKey: "k",
  });
  const { result } = answered(leader.batch([other])[0]!);
  assert.ok(!result.ok && result.error.code === "conflict");
  assert.deepEqual(leader.rows("SELECT count(*) FROM t"), [[0]]);
});

const GROWS = command(
  execute(
    "INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT zeroblob(1000000) FROM n",
  ),
);

Deno.test("a write that would make the database grow too much is kept out, and nothing of it stays", () => {
  using leader = member();
  const before = leader.dump();
  assert.throws(
    () => leader.prepare([GROWS]),
    (error) =>
      error instanceof PrepareFailedError && error.reason === "too_large" &&
      error.at === 0 && error.message.includes("16777216 bytes"),
  );
  assert.throws(
    () => leader.prepare([insert(1), GROWS]),
    (error) => error instanceof PrepareFailedError && error.at === null,
  );
  assert.equal(leader.dump(), before);
  assert.deepEqual(kinds(leader.prepare([insert(1)])), ["prepared"]);
  leader.commitPrepared();
});

Deno.test("what is committed is applied however large it is", () => {
  using leader = member();
  leader.prepare([insert(1)]);
  leader.commitPrepared();
  const { result } = answered(leader.batch([GROWS])[0]!);
  assert.ok(result.ok);
  assert.equal(result.results[0]!.rowsAffected, 100);
});

Deno.test("without room in the file system a full database is the machine's, not the write's", () => {
  using leader = member();
  leader.room = false;
  assert.throws(
    () => leader.prepare([GROWS]),
    (error) => error instanceof SqliteError && error.primary === 13,
  );
  leader.rollbackPrepared();
  assert.deepEqual(kinds(leader.prepare([insert(1)])), ["prepared"]);
});
