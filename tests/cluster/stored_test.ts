import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { TestCluster } from "./harness.ts";
import { assertEqualStored, storedIn } from "./stored.ts";

/** Changes what a member that is down has on its disk. */
function change(cluster: TestCluster, sql: string): void {
  const folder = join(cluster.dataDir(3), "state_machine", "db-00000001");
  using database = new DatabaseSync(join(folder, "hiqlite.db"));
  database.exec(sql);
}

Deno.test("assertEqualStored() and assertEqualContents() see schema, sequences, sessions and answers", async (t) => {
  await using cluster = await TestCluster.start();
  await cluster.write(
    1,
    "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, n)",
  );
  const answer = await cluster.api(2).execute(
    { sql: "INSERT INTO t (n) VALUES (1)" },
    { timeoutMs: 20_000, idempotencyKey: "a" },
  );
  equal(answer.type, "ok");
  const { sqlite_schema, sqlite_sequence } = await cluster
    .assertEqualContents();
  ok(sqlite_schema!.some((line) => line.includes("AUTOINCREMENT, n)")));
  deepEqual(sqlite_sequence, ['["t",1]']);
  await assertEqualStored(cluster);
  ok((await storedIn(cluster.dataDir(1))).sessions.includes(" a "));
  // All of them, or those who are left would elect a leader and write its first entry;
  // with their children, or the one that wrote may still have the database locked.
  await Promise.all(
    cluster.nodes.map((node) => cluster.killWithChildren(node)),
  );
  const changes: readonly [string, string, RegExp][] = [
    ["answers", "UPDATE _hql_meta SET hash = hash + 1", /^answers of/],
    ["sessions", "DELETE FROM _hql_answers", /^sessions of/],
    ["sequences", "UPDATE sqlite_sequence SET seq = 7", /^contents of/],
    ["schema", "CREATE TABLE more (n)", /^contents of/],
  ];
  for (const [name, sql, message] of changes) {
    await t.step(`a member with other ${name}`, async () => {
      change(cluster, sql);
      await rejects(assertEqualStored(cluster), { message });
    });
  }
});
