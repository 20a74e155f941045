import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { LIBRARY } from "../../../native/library.ts";
import {
  type PreparedEntry,
  PrepareFailedError,
} from "../../../src/state/port.ts";
import {
  COMMAND_LIMITS,
  type CommandBody,
} from "../../../src/state/sql/types.ts";
import { SEES_CHILDREN, writerOf } from "./children.ts";
import { command, execute, Subject, txn } from "./subject.ts";

const ENDLESS =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) INSERT INTO t SELECT 1 FROM c WHERE x = 2";
const ENDLESS_READ =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT 1 FROM c WHERE x = 2";
/** One call of a function, for some seconds: it compares what it is given, as often as it may be given. */
const DEAF = execute(
  `INSERT INTO t SELECT length(max(${Array(999).fill("?1").join(", ")}))`,
  ["a".repeat(COMMAND_LIMITS.commandBytes - 64 * 1024)],
);
const insert = (value: number): Uint8Array =>
  command(execute("INSERT INTO t VALUES (?)", [value]));

/** Aborts a preparation with this second command on a library that is loaded, and sees that the machine goes on; how long the command takes undisturbed, and took to end, ms. */
async function abortedAtSecond(
  second: CommandBody,
  endless: boolean,
): Promise<{ readonly wholeMs: number; readonly tookMs: number }> {
  await using subject = await Subject.open({
    driver: { kind: "ffi", library: LIBRARY },
  });
  await subject.execute("CREATE TABLE t (a)");
  const { machine } = subject;
  let begun = performance.now();
  if (!endless) {
    assert.equal((await prepare(subject, command(second))).error, null);
    assert.equal(await rollBack(subject), null);
  }
  const wholeMs = performance.now() - begun;
  const ended = prepare(subject, insert(7), command(second));
  await until(() => machine.preparing === 1);
  // Before it is called, a function is no deafer than anything else.
  if (!endless) await sleep(wholeMs / 8);
  begun = performance.now();
  assert.equal(machine.abortPrepare(), true);
  const { error } = await ended;
  const tookMs = performance.now() - begun;
  assert.ok(error instanceof PrepareFailedError, String(error));
  assert.deepEqual([error.reason, error.at], ["timeout", 1]);
  await goesOn(subject);
  return { wholeMs, tookMs };
}

type Ended = { error: Error | null; outcomes: readonly PreparedEntry[] };

function prepare({ machine }: Subject, ...payloads: Uint8Array[]) {
  const first = machine.applied.index + 1;
  return new Promise<Ended>((resolve) =>
    machine.prepare(
      { first, term: 2, payloads },
      (error, outcomes) => resolve({ error, outcomes }),
    )
  );
}

function commit({ machine }: Subject): Promise<Error | null> {
  return new Promise((resolve) => machine.commitPrepared(resolve));
}

function rollBack({ machine }: Subject): Promise<Error | null> {
  return new Promise((resolve) => machine.rollbackPrepared(resolve));
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await sleep(10);
  assert.ok(holds());
}

/** Kills the writer's process; returns once nobody can mistake it for a living one. */
async function killWriter(subject: Subject): Promise<void> {
  Deno.kill(writerOf(subject), "SIGKILL");
  await sleep(200);
}

async function goesOn(subject: Subject): Promise<void> {
  const { error, outcomes } = await prepare(subject, insert(1), insert(2));
  assert.equal(error, null);
  assert.deepEqual(outcomes.map(({ kind }) => kind), ["prepared", "prepared"]);
  assert.equal(await commit(subject), null);
  assert.deepEqual(subject.rows("SELECT a FROM t"), [[1], [2]]);
}

Deno.test("an aborted preparation ends with its process: what ran is known, who is to blame is not, and nothing stays", async () => {
  await using subject = await Subject.open({ writer: "process" });
  await subject.execute("CREATE TABLE t (a)");
  const { machine } = subject;
  const before = machine.applied.index;
  const endless = command(execute(ENDLESS), { maxRunMs: 70 });
  const ended = prepare(subject, insert(7), endless, insert(8));
  await until(() => machine.preparing === 1);
  assert.equal(machine.abortPrepare(), true);
  const { error } = await ended;
  assert.ok(error instanceof PrepareFailedError, String(error));
  assert.deepEqual([error.reason, error.at], ["timeout", null]);
  assert.equal(machine.applied.index, before);
  await goesOn(subject);
});

Deno.test("a long preparation in a process tells where it is now and then", async () => {
  await using subject = await Subject.open({ writer: "process" });
  await subject.execute("CREATE TABLE t (a)");
  const long = command(
    execute(
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 500000) INSERT INTO t SELECT max(x) FROM c",
    ),
  );
  const ended = prepare(subject, long, long, command(execute(ENDLESS)));
  await until(() => subject.machine.preparing === 2);
  subject.machine.abortPrepare();
  assert.ok((await ended).error instanceof PrepareFailedError);
});

Deno.test({
  name:
    "an aborted preparation is interrupted where the driver can, and the command is known",
  ignore: !existsSync(LIBRARY),
  async fn() {
    await abortedAtSecond(execute(ENDLESS), true);
  },
});

Deno.test({
  name:
    "an interrupt that stays with its connection, as where an R-tree was written, goes with it",
  ignore: !existsSync(LIBRARY),
  async fn() {
    await using subject = await Subject.open({
      driver: { kind: "ffi", library: LIBRARY },
    });
    await subject.execute("CREATE TABLE t (a)");
    await subject.execute("CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)");
    const { machine } = subject;
    const before = machine.applied.index;
    const ended = prepare(
      subject,
      insert(7),
      command(txn("INSERT INTO r VALUES (1, 2, 3)", ENDLESS_READ)),
    );
    await until(() => machine.preparing === 1);
    assert.equal(machine.abortPrepare(), true);
    const { error } = await ended;
    assert.ok(error instanceof PrepareFailedError, String(error));
    assert.deepEqual([error.reason, machine.applied.index], [
      "timeout",
      before,
    ]);
    await goesOn(subject);
    assert.deepEqual(subject.rows("SELECT count(*) FROM r"), [[0]]);
  },
});

Deno.test({
  name:
    "an aborted preparation waits for a function of SQLite that does not hear an interrupt, and the machine goes on",
  ignore: !existsSync(LIBRARY),
  async fn() {
    const { wholeMs, tookMs } = await abortedAtSecond(DEAF, false);
    assert.ok(
      tookMs > wholeMs / 8,
      `it ended after ${tookMs} of ${wholeMs} ms`,
    );
  },
});

Deno.test("a thread that nothing can interrupt is not aborted", async () => {
  await using subject = await Subject.open({
    driver: { kind: "node" },
    writer: "worker",
  });
  assert.equal(subject.machine.abortPrepare(), false);
});

Deno.test({
  name:
    "a transaction that is lost with its writer cannot be committed, is rolled back, and its entries are applied anew",
  ignore: !SEES_CHILDREN,
  async fn() {
    await using subject = await Subject.open({ writer: "process" });
    await subject.execute("CREATE TABLE t (a)");
    const before = subject.machine.applied.index;
    assert.equal((await prepare(subject, insert(1))).error, null);
    await killWriter(subject);
    assert.ok(await commit(subject) instanceof PrepareFailedError);
    assert.equal(subject.machine.applied.index, before);
    assert.equal(await rollBack(subject), null);
    assert.equal((await prepare(subject, insert(1))).error, null);
    await killWriter(subject);
    assert.equal(await rollBack(subject), null);
    assert.deepEqual(subject.rows("SELECT a FROM t"), []);
    await goesOn(subject);
  },
});
