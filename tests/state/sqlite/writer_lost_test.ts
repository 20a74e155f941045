import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type StuckEntry, WriterLostError } from "../../../src/state/port.ts";
import { LIBRARY } from "../../../native/library.ts";
import { openDriver } from "../../../src/state/sqlite/driver/open_driver.ts";
import { nodeDriver } from "../../../src/state/sqlite/driver/node_driver.ts";
import { WriterThread } from "../../../src/state/sqlite/apply/writer_thread.ts";
import { SchemaEpoch } from "../../../src/state/sqlite/thread/schema_epoch.ts";
import { LEVEL } from "../../../src/state/level.ts";
import { silentLogger } from "../../../src/util/logger.ts";
import { type Entry, EntryKind } from "../../../src/raft/types.ts";
import { isRunning, SEES_CHILDREN, until, writerOf } from "./children.ts";
import { command, execute, Subject } from "./subject.ts";

const ENDLESS =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) INSERT INTO t SELECT 1 FROM c WHERE x = 2";

function stuckIn({ machine }: Subject): StuckEntry | null {
  return machine.stuck;
}

/** Applies entries while their writer is killed as soon as it runs them. */
async function applyAndKill(
  subject: Subject,
  entries: readonly Entry[],
): Promise<void> {
  const pid = writerOf(subject);
  const failed = assert.rejects(subject.applyEntries(entries), WriterLostError);
  await sleep(50);
  Deno.kill(pid, "SIGKILL");
  await failed;
}

Deno.test({
  name:
    "a writer that is killed while it runs an entry is replaced, and nothing of that entry stays",
  ignore: !SEES_CHILDREN,
  async fn() {
    await using subject = await Subject.open({ writer: "process" });
    await subject.execute("CREATE TABLE t (a)");
    const before = subject.machine.applied.index;
    const endless = subject.entries([command(execute(ENDLESS))]);
    await applyAndKill(subject, endless);
    assert.equal(subject.machine.applied.index, before);
    await subject.execute("INSERT INTO t VALUES (7)");
    assert.deepEqual(subject.rows("SELECT a FROM t"), [[7]]);
  },
});

Deno.test({
  name:
    "a writer that was killed while it had nothing to do is no fault of the next entries",
  ignore: !SEES_CHILDREN,
  async fn() {
    await using subject = await Subject.open({ writer: "process" });
    await subject.execute("CREATE TABLE t (a)");
    for (let i = 0; i < 3; i++) {
      const pid = writerOf(subject);
      Deno.kill(pid, "SIGKILL");
      await until(() => !isRunning(pid), 5000);
      if (i === 1) await subject.checkpoint();
      else {
        const insert = () => subject.execute("INSERT INTO t VALUES (?)", [i]);
        // On a busy machine the writer's end is noticed only now, and a group asks again.
        await insert().catch((error) => {
          assert.ok(error instanceof WriterLostError, error);
          return insert();
        });
      }
    }
    assert.deepEqual(subject.rows("SELECT a FROM t"), [[0], [2]]);
    assert.equal(subject.machine.stuck, null);
  },
});

Deno.test({
  name:
    "an entry that ends the writer twice is not applied again, after a restart neither, until a snapshot is past it",
  ignore: !SEES_CHILDREN,
  async fn() {
    await using subject = await Subject.open({ writer: "process" });
    await using other = await Subject.open({ writer: "process" });
    for (const each of [subject, other]) {
      await each.execute("CREATE TABLE t (a)");
    }
    const poison = subject.entries([command(execute(ENDLESS))]);
    const { index } = poison[0]!;
    await applyAndKill(subject, poison);
    assert.equal(stuckIn(subject), null);
    await applyAndKill(subject, poison);
    assert.equal(stuckIn(subject)?.index, index);
    assert.match(stuckIn(subject)!.reason, /SIGKILL/);
    await subject.restart();
    assert.equal(stuckIn(subject)?.index, index);

    await other.execute("INSERT INTO t VALUES (1)");
    const snapshot = await other.snapshot();
    await receive(subject, snapshot);
    snapshot.release();
    assert.equal(stuckIn(subject), null);
    assert.equal(subject.machine.applied.index, index);
    // The next writer goes on with the snapshot, not with what the first one was given.
    const pid = writerOf(subject);
    Deno.kill(pid, "SIGKILL");
    await until(() => !isRunning(pid), 5000);
    await sleep(50);
    await subject.execute("INSERT INTO t VALUES (2)");
    assert.deepEqual(subject.rows("SELECT a FROM t"), [[1], [2]]);
    await subject.restart();
    assert.equal(stuckIn(subject), null);
    await subject.execute("INSERT INTO t VALUES (3)");
  },
});

Deno.test("abort() ends a writer's process, and the next one is there within 300 ms as a rule", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hql-writer-" });
  const options = {
    driver: { kind: "node" },
    statementCacheCapacity: 16,
    level: LEVEL,
    growthBytesMax: 2 ** 30,
  } as const;
  const { writer } = await WriterThread.start({
    options,
    path: () => `${folder}/test.db`,
    driver: nodeDriver,
    folder,
    schema: new SchemaEpoch(),
    logger: silentLogger,
    place: "process",
  });
  const took: number[] = [];
  for (let i = 0; i < 5; i++) {
    const lost = Promise.withResolvers<Error | null>();
    const entry = (at: number, sql: string): Entry => ({
      index: at,
      term: 1,
      kind: EntryKind.command,
      payload: command(execute(sql)),
    });
    writer.apply(
      [
        entry(1, "CREATE TABLE t (a)"),
        entry(2, ENDLESS),
      ],
      false,
      (error) => lost.resolve(error),
    );
    await sleep(100);
    const begun = performance.now();
    writer.abort("it took too long");
    const error = await lost.promise;
    took.push(performance.now() - begun);
    assert.ok(error instanceof WriterLostError, String(error));
    assert.match(error.message, /it took too long/);
  }
  await writer.close();
  await Deno.remove(folder, { recursive: true });
  const median = took.sort((a, b) => a - b)[2]!;
  // A machine that runs other tests beside this one is slower.
  assert.ok(median < 1500, `${median} ms`);
});

Deno.test("readers know of a schema that a writer's process has changed", async () => {
  await using subject = await Subject.open({ writer: "process" });
  await subject.execute("CREATE TABLE t (a)");
  await subject.execute("INSERT INTO t VALUES (1)");
  for (let i = 0; i < 20; i++) {
    await subject.execute(`ALTER TABLE t ADD COLUMN c${i}`);
    const sql = "SELECT * FROM t";
    assert.equal(subject.machine.querySync(sql).columns.length, i + 2);
    const { columns, rows } = await subject.machine.query({ sql });
    assert.deepEqual([columns.length, rows[0]!.length], [i + 2, i + 2]);
  }
});

async function receive(
  subject: Subject,
  snapshot: Awaited<ReturnType<Subject["snapshot"]>>,
): Promise<void> {
  const { machine } = subject;
  const { last, size, sha256 } = snapshot;
  const chunk = await new Promise<Uint8Array>((resolve, reject) =>
    snapshot.read(
      0,
      size,
      (error, bytes) => error ? reject(error) : resolve(bytes),
    )
  );
  await new Promise<void>((resolve, reject) => {
    const check = (error: Error | null, next: () => void): void =>
      error ? reject(error) : next();
    machine.receive(
      last,
      (error, sink) =>
        check(
          error,
          () =>
            sink!.write(chunk, (error) =>
              check(error, () =>
                sink!.finish({ size, sha256 }, (error) =>
                  check(error, () =>
                    machine.install(last, (error) =>
                      check(error, resolve)))))),
        ),
    );
  });
}

Deno.test({
  name:
    "a writer's process ends with its member, in the middle of a statement, too",
  ignore: !SEES_CHILDREN,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "hql-busy-" });
    const program = new URL("./busy_member.ts", import.meta.url).href;
    const member = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", program, dir],
      stdout: "piped",
    }).spawn();
    const reader = member.stdout.getReader();
    const { value } = await reader.read();
    const writer = Number(new TextDecoder().decode(value));
    await sleep(500);
    assert.ok(isRunning(writer));
    member.kill("SIGKILL");
    await reader.cancel();
    await member.status;
    try {
      await until(() => !isRunning(writer), 2000);
    } finally {
      if (isRunning(writer)) Deno.kill(writer, "SIGKILL");
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test({
  name:
    "abort() interrupts a writer's thread where the driver can, and the thread goes on",
  ignore: !existsSync(LIBRARY),
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "hql-writer-" });
    const driver = { kind: "ffi", library: LIBRARY } as const;
    const { writer } = await WriterThread.start({
      options: {
        driver,
        statementCacheCapacity: 16,
        level: LEVEL,
        growthBytesMax: 2 ** 30,
      },
      path: () => `${folder}/test.db`,
      driver: openDriver(driver),
      folder,
      schema: new SchemaEpoch(),
      logger: silentLogger,
    });
    const entry = (index: number, sql: string): Entry => ({
      index,
      term: 1,
      kind: EntryKind.command,
      payload: command(execute(sql)),
    });
    const create = entry(1, "CREATE TABLE t (a)");
    const apply = (entries: readonly Entry[]) =>
      new Promise<[Error | null, number]>((resolve) =>
        writer.apply(
          entries,
          false,
          (error, reached) => resolve([error, reached?.applied.index ?? 0]),
        )
      );
    for (let i = 0; i < 3; i++) {
      const lost = apply([create, entry(2, ENDLESS)]);
      await sleep(300);
      writer.abort("it took too long");
      const [error] = await lost;
      assert.ok(error instanceof WriterLostError, String(error));
    }
    assert.deepEqual(await apply([create]), [null, 1]);
    await writer.close();
    await Deno.remove(folder, { recursive: true });
  },
});
