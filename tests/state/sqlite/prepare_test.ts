import assert from "node:assert/strict";
import type { PreparedEntry, StateEvents } from "../../../src/state/port.ts";
import { command, execute, Subject } from "./subject.ts";

function prepare(
  { machine }: Subject,
  ...payloads: Uint8Array[]
): Promise<readonly PreparedEntry[]> {
  const first = machine.applied.index + 1;
  return new Promise((resolve, reject) =>
    machine.prepare(
      { first, term: 2, payloads },
      (error, outcomes) => error === null ? resolve(outcomes) : reject(error),
    )
  );
}

function commit({ machine }: Subject): Promise<StateEvents> {
  return new Promise((resolve, reject) =>
    machine.commitPrepared((error, events) =>
      error === null ? resolve(events) : reject(error)
    )
  );
}

function rollBack({ machine }: Subject): Promise<void> {
  return new Promise((resolve, reject) =>
    machine.rollbackPrepared((error) =>
      error === null ? resolve() : reject(error)
    )
  );
}

Deno.test("nobody sees what is prepared: no reader, no snapshot, not the applied index nor the clock", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (v)");
  const { machine } = subject;
  const { applied, clockMs } = machine;
  const write = command(execute("INSERT INTO t VALUES (1)"), { clockMs: 99 });
  await prepare(subject, write, command(execute("CREATE TABLE u (v)")));
  assert.deepEqual([machine.applied, machine.clockMs], [applied, clockMs]);
  const sql = "SELECT count(*) FROM t";
  assert.deepEqual((await machine.query({ sql })).rows, [[0]]);
  assert.deepEqual(machine.querySync(sql).rows, [[0]]);
  const seen = await machine.observe({ sql }, "");
  assert.deepEqual([seen.index, seen.result!.rows], [applied.index, [[0]]]);
  await assert.rejects(machine.query({ sql: "SELECT * FROM u" }));
  const snapshot = await subject.snapshot();
  assert.deepEqual(snapshot.last, applied);
  snapshot.release();
  const events = await commit(subject);
  assert.equal(events.count, 3);
  assert.equal(machine.applied.index, applied.index + 2);
  assert.deepEqual([machine.applied.term, machine.clockMs], [2, 99]);
  assert.deepEqual((await machine.query({ sql })).rows, [[1]]);
  assert.deepEqual(machine.querySync("SELECT * FROM u").rows, []);
});

Deno.test("what was prepared and rolled back leaves no trace, and another batch can take its place", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (v)");
  const before = await subject.machine.dump();
  await prepare(subject, command(execute("CREATE TABLE u (v)")));
  await rollBack(subject);
  assert.deepEqual(await subject.machine.dump(), before);
  await prepare(subject, command(execute("INSERT INTO t VALUES (2)")));
  const events = await commit(subject);
  assert.equal(events.count, 1);
  assert.deepEqual(subject.machine.querySync("SELECT v FROM t").rows, [[2]]);
});

Deno.test("what was prepared ends with the machine", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (v)");
  const { applied } = subject.machine;
  await prepare(subject, command(execute("INSERT INTO t VALUES (1)")));
  await subject.close();
  await subject.restart();
  assert.deepEqual(subject.machine.applied, applied);
  assert.deepEqual(
    subject.machine.querySync("SELECT count(*) FROM t").rows,
    [[0]],
  );
});
