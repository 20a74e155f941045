import assert from "node:assert/strict";
import type { Schema } from "../../../src/client/schema.ts";
import { HiqliteError } from "../../../src/errors.ts";
import type { AddCase } from "./case.ts";

/** A schema that wants a positive `id` and turns it into `number`. */
const POSITIVE: Schema<{ number: number }> = {
  "~standard": {
    version: 1,
    vendor: "tests",
    validate(value) {
      const { id } = value as { id: unknown };
      return typeof id === "number" && id > 0
        ? { value: { number: id } }
        : { issues: [{ message: "expected a positive id", path: ["id"] }] };
    },
  },
};

/** Queries, row by row or all at once. */
export function addReads(test: AddCase): void {
  test("query() refuses to write", async (client) => {
    await assert.rejects(client.query("DELETE FROM t"), { code: "forbidden" });
  });

  test("query() parses rows with a schema", async (client) => {
    const rows = await client.query("SELECT 3 AS id", [], { schema: POSITIVE });
    const typed: { number: number }[] = rows;
    assert.deepEqual(typed, [{ number: 3 }]);
    await assert.rejects(
      client.query("SELECT 3 AS id UNION SELECT -1 ORDER BY 1 DESC", [], {
        schema: POSITIVE,
      }),
      {
        code: "invalid",
        message: "Row 1 does not match the schema: id: expected a positive id",
      },
    );
  });

  test("query() keeps a column named __proto__ a column", async (client) => {
    const [row] = await client.query('SELECT 1 AS "__proto__", 2 AS b');
    assert.deepEqual(Object.entries(row!), [["__proto__", 1], ["b", 2]]);
    assert.equal(Object.getPrototypeOf(row), Object.prototype);
  });

  test("queryRaw() keeps columns of one name apart", async (client) => {
    assert.deepEqual(
      await client.queryRaw(
        "SELECT 1 AS a, 'x' AS a, NULL UNION ALL SELECT ?, ?, 3",
        [2, "y"],
      ),
      { columns: ["a", "a", "NULL"], rows: [[1, "x", null], [2, "y", 3]] },
    );
    const misspelt = { consistancy: "linearizable" } as object;
    await assert.rejects(client.queryRaw("SELECT 1", [], misspelt), {
      code: "invalid",
    });
  });

  test("queryOne() wants exactly one row", async (client) => {
    assert.deepEqual(await client.queryOne("SELECT 1 AS n"), { n: 1 });
    await assert.rejects(client.queryOne("SELECT 1 WHERE 0"), {
      code: "no_rows",
    });
    await assert.rejects(client.queryOne("VALUES (1), (2)"), {
      code: "invalid",
      message: /returned 2/,
    });
  });

  test("queryOptional() answers undefined for no row", async (client) => {
    assert.equal(await client.queryOptional("SELECT 1 WHERE 0"), undefined);
    assert.deepEqual(await client.queryOptional("SELECT 1 AS n"), { n: 1 });
    await assert.rejects(client.queryOptional("VALUES (1), (2)"), {
      code: "invalid",
    });
  });

  test(
    "queryConsistent() asks for a linearizable read",
    async (client, member) => {
      await client.queryConsistent("SELECT 1");
      assert.equal(member.queries.at(-1)!.consistency, "linearizable");
    },
  );

  test(
    "query() asks for this client's own writes",
    async (client, member, created) => {
      await client.query("SELECT 1");
      assert.equal(member.queries.at(-1)!.minIndex, created);
      const { index } = await client.execute("INSERT INTO t VALUES (1, 1)");
      await client.query("SELECT 1");
      assert.equal(member.queries.at(-1)!.minIndex, index);
      await assert.rejects(client.execute("INSERT INTO t VALUES (1, 1)"));
      await client.query("SELECT 1");
      assert.equal(member.queries.at(-1)!.minIndex, index + 1);
      await client.query("SELECT 1", [], { minIndex: index });
      assert.equal(member.queries.at(-1)!.minIndex, index + 1);
    },
  );

  test("iterate() gives rows one by one, after the schema", async (client) => {
    await client.execute(
      "INSERT INTO t (id, v) VALUES (1, 'a'), (2, NULL), (3, 'c')",
    );
    const rows: unknown[] = [];
    for await (
      const row of client.iterate(
        "SELECT id, v FROM t WHERE id > ? ORDER BY id",
        [0],
      )
    ) rows.push(row);
    assert.deepEqual(rows, [{ id: 1, v: "a" }, { id: 2, v: null }, {
      id: 3,
      v: "c",
    }]);
    for await (
      const { number } of client.iterate("SELECT max(id) AS id FROM t", [], {
        schema: POSITIVE,
      })
    ) assert.equal(number, 3);
    for await (const row of client.iterate("SELECT 1 WHERE 0")) {
      assert.fail(`${row}`);
    }
    await assert.rejects(
      client.iterate("SELECT -1 AS id", [], { schema: POSITIVE }).next(),
      {
        code: "invalid",
        message: /expected a positive id/,
      },
    );
  });

  test("iterate() throws what a query does", async (client, member) => {
    await assert.rejects(client.iterate("DELETE FROM t").next(), {
      code: "forbidden",
    });
    await assert.rejects(client.iterate("SELECT * FROM nothing").next(), {
      code: "sql",
    });
    member.faults.push(new HiqliteError("too_large", "no room"));
    await assert.rejects(client.iterate("SELECT 1").next(), {
      code: "too_large",
      message: "no room",
    });
    assert.throws(
      () => client.iterate("SELECT 1", [], { minindex: 1 } as object),
      { code: "invalid", message: /no option "minindex"/ },
    );
    const signal = AbortSignal.abort(new Error("mine"));
    const count = member.queries.length;
    await assert.rejects(client.iterate("SELECT 1", [], { signal }).next(), {
      message: "mine",
    });
    assert.equal(member.queries.length, count);
  });
}
