import assert from "node:assert/strict";
import { until } from "../node/cluster.ts";
import { RealMembers } from "./real_members.ts";
import { add } from "./spec.ts";

Deno.test("SQL and the counter run side by side over real links, logs and databases, while a member is killed and starts on its folder", async () => {
  await using members = await RealMembers.create();
  await members.startAll();
  await members.execute(1, "CREATE TABLE note (id INTEGER PRIMARY KEY, n)");
  let stopping = false;
  let written = 0;
  let added = 0;
  const killed = 2;
  /** Goes through the members that are not killed. */
  const write = async (id: number): Promise<void> => {
    while (!stopping) {
      await Promise.all([
        members.execute(id, "INSERT INTO note (n) VALUES (?)", [written]),
        add(members.counter(id), 2, { timeoutMs: 30_000 }),
      ]);
      written++;
      added += 2;
    }
  };
  const writers = Promise.all([1, 1, 3, 3].map(write));
  await until("some are there", () => written > 50);
  const old = members.counter(killed).self;
  await members.kill(killed);
  const before = written;
  await until("the others go on", () => written > before + 50);
  await (await members.start(killed)).whenReady(30_000);
  stopping = true;
  await writers;
  assert.notEqual(members.counter(killed).self, old);
  assert.deepEqual(members.failures, new Map());
  assert.equal(await add(members.counter(killed), 0), added);
  await until("all applied it", () => {
    const { commit } = members.counter(1).group!.core;
    return [1, 2, 3].every((id) =>
      members.counter(id).group!.machine.applied.index === commit
    );
  });
  await until(
    "all counted",
    () => [1, 2, 3].every((id) => members.sum(id) === added),
  );
  const hashes = [1, 2, 3].map((id) =>
    members.counter(id).group!.machine.stateHashes().at(-1)
  );
  assert.deepEqual(hashes[1], hashes[0]);
  assert.deepEqual(hashes[2], hashes[0]);
  for (const id of [1, 2, 3]) {
    const { rows } = await members.node(id).query({
      sql: "SELECT count(*) FROM note",
      consistency: "linearizable",
    });
    assert.deepEqual(rows, [[written]]);
  }
  for (const id of [1, 2, 3]) await members.stop(id);
  assert.equal(members.contents(2), members.contents(1));
  assert.equal(members.contents(3), members.contents(1));
});
