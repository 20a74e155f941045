import assert from "node:assert/strict";
import { join } from "node:path";
import { LIBRARY } from "../../../native/library.ts";
import { HiqliteError } from "../../../src/errors.ts";
import { PrepareFailedError } from "../../../src/state/port.ts";
import type { SqliteDriverSpec } from "../../../src/state/sqlite/driver/driver.ts";
import { openDriver } from "../../../src/state/sqlite/driver/open_driver.ts";
import { SQLITE_LIBRARY } from "../../cluster/requirements.ts";
import { command, execute, Subject, txn } from "./subject.ts";

const FIRST_BYTES = 256 * 1024;
const STEP_BYTES = 64 * 1024;
const AMPLE = 0;

const SCHEMA = [
  "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a UNIQUE, d DEFAULT (date('now')))",
  "CREATE VIRTUAL TABLE f USING fts5(a)",
  "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)",
  "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT OR IGNORE INTO f VALUES (new.a); END",
].map((sql) => execute(sql));

const WRITES = [
  execute("INSERT OR REPLACE INTO t(a) VALUES ('one two'), ('three')"),
  txn(
    "INSERT INTO f VALUES ('one')",
    "INSERT INTO r VALUES (1, 2, 3)",
    "INSERT INTO t(a) VALUES ('four') ON CONFLICT DO NOTHING RETURNING id, d",
  ),
  execute("ALTER TABLE t ADD COLUMN b DEFAULT 7"),
  execute("INSERT INTO t(a) SELECT a FROM t"),
];

/** Attempts with ever more memory until one succeeds; how many did not. */
async function withMoreAndMore(
  limitHeap: (bytes: number) => void,
  attempt: () => Promise<boolean>,
): Promise<number> {
  for (let failed = 0;; failed++) {
    limitHeap(FIRST_BYTES + failed * STEP_BYTES);
    try {
      if (await attempt()) return failed;
    } finally {
      limitHeap(AMPLE);
    }
  }
}

function isLack(error: unknown): boolean {
  return error instanceof HiqliteError && error.code === "disk_full";
}

function rolledBack({ machine }: Subject): Promise<Error | null> {
  return new Promise((resolve) => machine.rollbackPrepared(resolve));
}

function prepared(
  { machine }: Subject,
  payload: Uint8Array,
): Promise<Error | null> {
  const first = machine.applied.index + 1;
  return new Promise((resolve) =>
    machine.prepare({ first, term: 1, payloads: [payload] }, resolve)
  );
}

/** Whether a leader could run the command, and commit it; an error that ends a member is thrown. */
async function led(subject: Subject, payload: Uint8Array): Promise<boolean> {
  const { machine } = subject;
  const { index } = machine.applied;
  const failure = await prepared(subject, payload) ??
    await new Promise<Error | null>((resolve) =>
      machine.commitPrepared((error) => resolve(error))
    );
  if (failure === null) return true;
  assert.equal(await rolledBack(subject), null);
  assert.equal(machine.applied.index, index);
  if (failure instanceof PrepareFailedError || isLack(failure)) return false;
  throw failure;
}

const obstacle = await SQLITE_LIBRARY.obstacle();

/** With a library whose heap is its own: other tests may run beside this one. */
function heapTest(
  name: string,
  run: (driver: SqliteDriverSpec) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: obstacle !== "",
    // A library is never closed.
    sanitizeResources: false,
    async fn() {
      const dir = await Deno.makeTempDir({ prefix: "hql-heap-" });
      try {
        const library = join(dir, "copy.so");
        await Deno.copyFile(LIBRARY, library);
        await run({ kind: "ffi", library });
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

heapTest(
  "a member without memory waits until there is some, wherever it was missing, and is like the others then",
  waitsForMemory,
);

for (
  const [what, ask] of [
    [
      "a checkpoint finds",
      (subject: Subject) => assert.rejects(subject.checkpoint(), isLack),
    ],
    ["who rolls back finds", async (subject: Subject) => {
      assert.equal(await rolledBack(subject), null);
    }],
  ] as const
) {
  heapTest(
    `a transaction that ${what} no memory to undo is undone before anything else is served`,
    async (driver) => {
      await using subject = await Subject.open({ driver });
      await subject.execute("CREATE TABLE t (a)");
      const payload = command(execute("INSERT INTO t VALUES (1)"));
      assert.equal(await prepared(subject, payload), null);
      openDriver(driver).limitHeap!(1);
      await ask(subject);
      openDriver(driver).limitHeap!(AMPLE);
      await subject.apply(payload);
      assert.deepEqual(subject.rows("SELECT a FROM t"), [[1]]);
    },
  );
}

async function waitsForMemory(driver: SqliteDriverSpec): Promise<void> {
  const limitHeap = (bytes: number) => openDriver(driver).limitHeap!(bytes);
  await using roomy = await Subject.open();
  await using follower = await Subject.open({ driver });
  await using leader = await Subject.open({ driver });
  for (const body of SCHEMA) {
    for (const each of [roomy, follower, leader]) await each.run(body);
  }
  for (const body of WRITES) {
    const payload = command(body);
    const expected = await roomy.applyEntries(roomy.entries([payload]));
    const entries = follower.entries([payload]);
    let found: readonly Uint8Array[] = [];
    const refused = await withMoreAndMore(limitHeap, async () => {
      try {
        found = await follower.applyEntries(entries);
        return true;
      } catch (error) {
        if (isLack(error)) return false;
        throw error;
      }
    });
    assert.ok(refused > 0);
    assert.deepEqual(found, expected);
    assert.ok(await withMoreAndMore(limitHeap, () => led(leader, payload)) > 0);
  }
  assert.equal(await follower.dump(), await roomy.dump());
  assert.equal(await leader.dump(), await roomy.dump());
}
