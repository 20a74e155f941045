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

Deno.test("a preparation that follows on a COMMIT may be handed over with it", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (v)");
  const { machine } = subject;
  await prepare(subject, command(execute("INSERT INTO t VALUES (1)")));
  const ended: string[] = [];
  const committed = commit(subject).then(() => ended.push("commit"));
  const first = machine.applied.index + 2;
  const payloads = [command(execute("INSERT INTO t SELECT v + 1 FROM t"))];
  await new Promise<void>((resolve, reject) =>
    machine.prepare(
      { first, term: 2, payloads },
      (error) => error === null ? resolve() : reject(error),
    )
  ).then(() => ended.push("prepare"));
  await committed;
  assert.deepEqual(ended, ["commit", "prepare"]);
  await commit(subject);
  const { rows } = machine.querySync("SELECT v FROM t");
  assert.deepEqual(rows, [[1], [2]]);
});

Deno.test("nothing is prepared anywhere but behind what is committed", async () => {
  await using subject = await Subject.open();
  const { machine } = subject;
  const payloads = [command(execute("CREATE TABLE t (v)"))];
  for (const offset of [0, 2]) {
    const first = machine.applied.index + offset;
    await assert.rejects(
      new Promise<void>((resolve, reject) =>
        machine.prepare(
          { first, term: 2, payloads },
          (error) => error === null ? resolve() : reject(error),
        )
      ),
      { name: "PrepareFailedError", reason: "internal" },
    );
  }
  await prepare(subject, ...payloads);
  await rollBack(subject);
});

Deno.test("querySync() waits for an entry whose COMMIT is on its way, and says so if none comes", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (v)");
  const { machine } = subject;
  for (let v = 0; v < 20; v++) {
    await prepare(subject, command(execute(`INSERT INTO t VALUES (${v})`)));
    const next = machine.applied.index + 1;
    const committed = commit(subject);
    const sql = "SELECT max(v) FROM t";
    assert.deepEqual(machine.querySync(sql, [], next).rows, [[v]]);
    assert.equal(machine.applied.index, next - 1, "nobody was told meanwhile");
    await committed;
  }
  const beyond = machine.applied.index + 1;
  assert.throws(() => machine.querySync("SELECT 1", [], beyond), {
    code: "timeout",
    message: /entry \d+ .* within 1000 ms: use query\(\)/,
  });
});
