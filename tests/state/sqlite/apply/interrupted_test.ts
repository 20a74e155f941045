import assert from "node:assert/strict";
import { PrepareFailedError } from "../../../../src/state/port.ts";
import { Direct } from "../direct.ts";
import { interrupted } from "../interrupted.ts";
import { command, execute } from "../subject.ts";

const SQLITE_CORRUPT_VTAB = 267;

Deno.test("what was interrupted is undone whole, spared by interrupts but the one that was on its way", () => {
  const late: boolean[] = [];
  let armed = false;
  using leader = new Direct(
    ":memory:",
    (connection) =>
      interrupted(connection, (sql) => {
        if (!armed) return false;
        if (sql === "SELECT 7") return true;
        if (sql !== "ROLLBACK" || late.length > 0) return false;
        late.push(leader.spared);
        return true;
      }),
  );
  leader.ok("CREATE TABLE t (v)");
  const before = leader.dump();
  armed = true;
  const writes = ["INSERT INTO t VALUES (1)", "SELECT 7"];
  assert.throws(
    () => leader.prepare(writes.map((sql) => command(execute(sql)))),
    (error) =>
      error instanceof PrepareFailedError && error.reason === "timeout",
  );
  assert.deepEqual(late, [true]);
  assert.ok(!leader.spared);
  assert.equal(leader.dump(), before);
  leader.ok("INSERT INTO t VALUES (2)");
});

Deno.test("what a command answered that was interrupted is not believed: full-text search takes that for damage, which is an answer", () => {
  let counts = false;
  using leader = new Direct(
    ":memory:",
    (connection) =>
      interrupted(connection, (sql) => {
        if (sql !== "SELECT 7") return false;
        if (counts) leader.interrupts.count++;
        return true;
      }, SQLITE_CORRUPT_VTAB),
  );
  leader.ok("CREATE TABLE t (v)");
  const before = leader.dump();
  const writes = ["INSERT INTO t VALUES (1)", "SELECT 7"]
    .map((sql) => command(execute(sql)));
  const believed = leader.prepare(writes).map(({ kind }) => kind);
  assert.deepEqual(believed, ["prepared", "prepared"]);
  leader.rollbackPrepared();
  counts = true;
  assert.throws(() => leader.prepare(writes), (error) => {
    assert.ok(error instanceof PrepareFailedError);
    assert.deepEqual([error.reason, error.at], ["timeout", 1]);
    return true;
  });
  assert.equal(leader.dump(), before);
  leader.ok("INSERT INTO t VALUES (2)");
});

Deno.test("a schema that was half read when an interrupt came is read again", () => {
  let looks = 0;
  using leader = new Direct(":memory:", (connection) => {
    connection.exec(
      "CREATE VIRTUAL TABLE r USING rtree(id, a, b); CREATE TABLE t (v)",
    );
    return interrupted(connection, (sql) => {
      if (!/table_list/.test(sql)) return false;
      looks++;
      return looks === 2;
    });
  });
  const write = [command(execute("INSERT INTO r VALUES (1, 2, 3)"))];
  assert.throws(() => leader.prepare(write), PrepareFailedError);
  assert.equal(looks, 2);
  leader.prepare(write);
  leader.commitPrepared();
  assert.deepEqual(leader.rows("SELECT * FROM r"), [[1, 2, 3]]);
});
