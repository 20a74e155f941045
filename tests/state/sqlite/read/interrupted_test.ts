import assert from "node:assert/strict";
import { join } from "node:path";
import { nodeDriver } from "../../../../src/state/sqlite/driver/node_driver.ts";
import { Reader } from "../../../../src/state/sqlite/read/reader.ts";
import { Direct } from "../direct.ts";
import { interrupted } from "../interrupted.ts";

Deno.test("a reader leaves the view of a query that was interrupted, also where an interrupt that was on its way hits that", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-interrupted-" });
  const path = join(dir, "a.db");
  const late: boolean[] = [];
  let spared = false;
  try {
    using member = new Direct(path);
    member.ok("CREATE TABLE t (v)");
    const driver = {
      ...nodeDriver,
      open: (...args: Parameters<typeof nodeDriver.open>) =>
        interrupted(nodeDriver.open(...args), (sql) => {
          if (sql === "SELECT 7") return true;
          if (sql !== "ROLLBACK" || late.length > 0) return false;
          late.push(spared);
          return true;
        }),
    };
    const reader = new Reader(driver, path, {
      statementCacheCapacity: 0,
      schemaEpoch: null,
      interrupts: {
        count: 0,
        spare: (work) => {
          spared = true;
          work();
          spared = false;
        },
      },
    });
    try {
      assert.throws(() => reader.query("SELECT 7", undefined, null));
      assert.deepEqual(late, [true]);
      assert.ok(!spared);
      // A view that stayed open would be asked for again, and be old.
      member.ok("INSERT INTO t VALUES (1)");
      const { rows } = reader.query("SELECT v FROM t", undefined, null);
      assert.deepEqual(rows, [[1]]);
    } finally {
      reader.close();
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
