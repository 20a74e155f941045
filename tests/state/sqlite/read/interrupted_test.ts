import assert from "node:assert/strict";
import { join } from "node:path";
import { HiqliteError } from "../../../../src/errors.ts";
import { nodeDriver } from "../../../../src/state/sqlite/driver/node_driver.ts";
import { Reader } from "../../../../src/state/sqlite/read/reader.ts";
import type { Interrupts } from "../../../../src/state/sqlite/thread/interrupts.ts";
import { SchemaEpoch } from "../../../../src/state/sqlite/thread/schema_epoch.ts";
import { Direct } from "../direct.ts";
import { interrupted } from "../interrupted.ts";

/** What a virtual table makes of an interrupt. */
const SQLITE_ERROR = 1;

/** Calls `use` with a reader whose commands `hits` hears of, and says which an interrupt hits, and with its member; `code` is what SQLite makes of interrupts. */
function withReader(
  { hits, code }: { hits: (sql: string) => boolean; code?: number },
  interrupts: Interrupts,
  use: (reader: Reader, member: Direct) => void,
): void {
  const dir = Deno.makeTempDirSync({ prefix: "hql-interrupted-" });
  const path = join(dir, "a.db");
  try {
    using member = new Direct(path);
    member.ok("CREATE TABLE t (v)");
    const driver = {
      ...nodeDriver,
      open: (...args: Parameters<typeof nodeDriver.open>) =>
        interrupted(nodeDriver.open(...args), hits, code),
    };
    const reader = new Reader(driver, path, {
      statementCacheCapacity: 10,
      schemaEpoch: new SchemaEpoch(),
      interrupts,
    });
    try {
      use(reader, member);
    } finally {
      reader.close();
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("a reader leaves the view of a query that was interrupted, also where an interrupt that was on its way hits that", () => {
  const late: boolean[] = [];
  let spared = false;
  withReader(
    {
      hits: (sql) => {
        if (sql === "SELECT v FROM t WHERE v = 7") return true;
        if (sql !== "ROLLBACK" || late.length > 0) return false;
        late.push(spared);
        return true;
      },
    },
    {
      count: 0,
      spare: (work) => {
        spared = true;
        work();
        spared = false;
      },
    },
    (reader, member) => {
      assert.throws(() =>
        reader.observe("SELECT v FROM t WHERE v = 7", undefined, null)
      );
      assert.deepEqual(late, [true]);
      assert.ok(!spared);
      // A view that stayed open would be asked for again, and be old.
      member.ok("INSERT INTO t VALUES (1)");
      const { result } = reader.observe("SELECT v FROM t", undefined, null);
      assert.deepEqual(result.rows, [[1]]);
    },
  );
});

Deno.test("what a reader found out while it was interrupted is not believed, and is found out again", () => {
  let count = 0;
  let armed = false;
  withReader(
    {
      hits: (sql) => {
        if (!armed || !sql.startsWith("SELECT * FROM main.")) return false;
        // Whoever asks this takes an error for an answer.
        count++;
        return true;
      },
      code: SQLITE_ERROR,
    },
    {
      get count() {
        return count;
      },
      spare: (work) => work(),
    },
    (reader, member) => {
      member.ok("CREATE VIEW w AS SELECT rowid AS id, v FROM t");
      member.ok(
        "CREATE VIRTUAL TABLE f USING fts5(v, content='w', content_rowid='id')",
      );
      const observe = () =>
        reader.observe("SELECT v FROM f", undefined, null).tables;
      armed = true;
      assert.throws(
        observe,
        (error) =>
          error instanceof HiqliteError && /interrupted/.test(error.message),
      );
      assert.ok(count > 0);
      armed = false;
      assert.ok(observe()?.includes("t"));
    },
  );
});
