import assert from "node:assert/strict";
import { GrowthBound } from "../../../../src/state/sqlite/apply/growth_bound.ts";
import { SqliteError } from "../../../../src/state/sqlite/driver/driver.ts";
import { nodeDriver } from "../../../../src/state/sqlite/driver/node_driver.ts";
import { openWriterConnection } from "../../../../src/state/sqlite/apply/writer.ts";

const SQLITE_FULL = 13;
const MIB = 1024 * 1024;

Deno.test("H1 a statement cannot write more than it may, and what is within stays possible", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-bound-" });
  const connection = openWriterConnection(nodeDriver, `${dir}/a.db`);
  try {
    const rows = (sql: string) =>
      connection.prepare(sql)!.all({ anonymous: [], named: null });
    const insert = (count: number) =>
      rows(
        `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ${count})
         INSERT INTO t SELECT zeroblob(1000000) FROM c`,
      );
    connection.exec("CREATE TABLE t (x)");
    const bound = new GrowthBound(connection, 8 * MIB);
    bound.impose();
    connection.exec("BEGIN IMMEDIATE; SAVEPOINT entry");
    assert.throws(
      () => insert(1000),
      (error) => error instanceof SqliteError && error.primary === SQLITE_FULL,
    );
    if (connection.inTransaction) {
      connection.exec("ROLLBACK TO entry; RELEASE entry");
    } else connection.exec("BEGIN IMMEDIATE");
    insert(5);
    bound.lift();
    insert(20);
    connection.exec("COMMIT");
    assert.deepEqual(rows("SELECT count(*) FROM t"), [[25]]);
    assert.ok(Deno.statSync(`${dir}/a.db-wal`).size < 64 * MIB);
  } finally {
    connection.close();
    Deno.removeSync(dir, { recursive: true });
  }
});
