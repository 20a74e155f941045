import assert from "node:assert/strict";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { HostedGroup } from "../../src/node/groups/hosted_group.ts";
import { writeCommand } from "../../src/state/sql/command.ts";
import { until } from "../node/cluster.ts";
import { NEW, OLD, RealMembers } from "./real_members.ts";
import { add, COUNTER_GROUP } from "./spec.ts";

const ALL = [1, 2, 3];

const TOO_OLD = (who: string): RegExp =>
  new RegExp(
    `[Tt]he cluster is at feature level 2, ${who} knows 1: start release 0.2.0-test or newer`,
  );

/** A write of SQL that only members of the new release can read. */
async function executeNew({ proposer }: HostedGroup, sql: string) {
  const { refusal } = await proposer.propose({
    body: (writer) =>
      writeCommand(writer, { kind: "execute", statement: { sql } }),
    idempotencyKey: "",
    level: 2,
    timeoutMs: 10_000,
  });
  assert.equal(refusal, null);
}

async function raised(members: RealMembers, ids = ALL): Promise<void> {
  await until(
    "the level is 2",
    () => ids.every((id) => members.facts(id).level === 2),
  );
}

Deno.test("members of a new release raise the level by an entry, and members that restart or get a snapshot know it", async () => {
  await using members = await RealMembers.create();
  await members.startAll(NEW);
  await raised(members);
  for (const id of ALL) {
    const { level, release, epochs } = members.facts(id);
    assert.deepEqual([level, release], [2, "0.2.0-test"]);
    assert.equal(epochs.get(COUNTER_GROUP)?.number, 1);
    await add(members.counter(id), 1, { level: 2 });
    await executeNew(members.node(id).hosted(0)!, `CREATE TABLE t${id} (n)`);
  }
  await members.stop(3);
  const restarted = await members.start(3, NEW);
  await restarted.whenReady(30_000);
  assert.equal(members.facts(3).level, 2);
  await members.stop(3);
  await Deno.remove(join(members.dir, "3"), { recursive: true });
  for (let i = 0; i < 30; i++) {
    await Promise.all(
      Array.from(
        { length: 100 },
        () => members.execute(1, "INSERT INTO t1 VALUES (1)"),
      ),
    );
  }
  await (await members.start(3, NEW)).whenReady(30_000);
  assert.ok(members.node(3).cluster().firstIndex > 1, "it needed no snapshot");
  // The facts go on while it joins the caches.
  await until(
    "it has the facts that others have",
    () => isDeepStrictEqual(members.facts(3), members.facts(1)),
  );
  assert.equal(await add(members.counter(3), 1, { level: 2 }), 4);
});

Deno.test("beside an old member the level stays, what needs more is refused everywhere in words, and its upgrade raises it", async () => {
  await using members = await RealMembers.create();
  await Promise.all(ALL.map(async (id) => {
    await (await members.start(id, id === 3 ? OLD : NEW)).whenReady(60_000);
  }));
  await members.execute(3, "CREATE TABLE t (n)");
  for (let round = 1; round <= 10; round++) {
    for (const id of ALL) {
      const refused = {
        code: "conflict",
        message:
          "This needs feature level 2, and the cluster is at 1: some member runs an older release. Upgrade every member first",
      };
      await assert.rejects(add(members.counter(id), 1, { level: 2 }), refused);
      await assert.rejects(
        executeNew(members.node(id).hosted(0)!, "CREATE TABLE never (n)"),
        refused,
      );
      await members.execute(id, "INSERT INTO t VALUES (1)");
      await add(members.counter(id), 1);
    }
    // The leader thinks of the level every 50 ms.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const id of ALL) assert.equal(members.facts(id).level, 1);
  await members.stop(3);
  for (let round = 0; round < 10; round++) {
    await members.execute(1, "INSERT INTO t VALUES (1)");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  // Who is not there may be old.
  assert.equal(members.facts(1).level, 1);
  await (await members.start(3, NEW)).whenReady(30_000);
  await raised(members);
  for (const id of ALL) {
    await add(members.counter(id), 1, { level: 2 });
    await executeNew(members.node(id).hosted(0)!, `CREATE TABLE t${id} (n)`);
  }
  assert.equal(await add(members.counter(1), 0), 33);
  assert.deepEqual(members.failures, new Map());
});

Deno.test("a member that is too old for the cluster's level is told which release it needs, on its volume, when it joins and when it is added", async () => {
  await using members = await RealMembers.create(4);
  for (const id of ALL) await members.start(id, NEW, 3);
  await Promise.all(ALL.map((id) => members.node(id).whenReady(60_000)));
  await raised(members);
  await members.stop(3);
  await assert.rejects(members.start(3, OLD, 3), {
    code: "storage",
    message: TOO_OLD("this member"),
  });
  await members.execute(1, "CREATE TABLE t (n)");
  await Deno.remove(join(members.dir, "3"), { recursive: true });
  await members.start(3, OLD, 3);
  await until(
    "it is refused",
    () =>
      members.lines.some((line) =>
        line.startsWith("3: not let into the cluster yet: ") &&
        TOO_OLD("node 3").test(line)
      ),
  );
  await members.stop(3);
  await (await members.start(3, NEW, 3)).whenReady(30_000);
  await members.start(4, OLD, 4);
  await assert.rejects(
    members.node(1).changeMembership({
      action: "add-learner",
      nodeId: 4,
      raftAddress: members.raftAddress(4),
    }),
    { code: "conflict", message: TOO_OLD("node 4") },
  );
  await members.execute(3, "INSERT INTO t VALUES (1)");
  assert.deepEqual(members.failures, new Map());
});

Deno.test("an old member that must apply a higher level ends with the reason, and the others go on", async () => {
  await using members = await RealMembers.create();
  await Promise.all(ALL.map(async (id) => {
    await (await members.start(id, id === 3 ? OLD : NEW)).whenReady(60_000);
  }));
  await members.execute(1, "CREATE TABLE t (n)");
  const { proposer } = members.node(1).hosted(0)!;
  // An old member that leads would refuse it, since it runs the entry first.
  await until("a new member leads", () => {
    const old = members.node(3).hosted(0)!.group!;
    if (old.core.role === "leader") old.transferLeadership(null);
    return old.core.role !== "leader" && old.core.leader !== null;
  });
  const raising = proposer.change(
    { kind: "level", level: 2, release: NEW[1]! },
    30_000,
  );
  // On its volume, too, it meets the entry again.
  for (const restart of [false, true]) {
    if (restart) await members.start(3, OLD);
    await until("it ends", () => members.failures.has(3));
    assert.match(members.failures.get(3)!.message, TOO_OLD("this member"));
    await members.stop(3);
    members.failures.clear();
  }
  await raising;
  await raised(members, [1, 2]);
  for (const id of [1, 2]) {
    await members.execute(id, "INSERT INTO t VALUES (1)");
    await add(members.counter(id), 1, { level: 2 });
  }
  await (await members.start(3, NEW)).whenReady(30_000);
  assert.equal(await add(members.counter(3), 1, { level: 2 }), 3);
});
