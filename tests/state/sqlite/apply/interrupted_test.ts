import assert from "node:assert/strict";
import { PrepareFailedError } from "../../../../src/state/port.ts";
import { Direct } from "../direct.ts";
import { interrupted } from "../interrupted.ts";
import { command, execute } from "../subject.ts";

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
