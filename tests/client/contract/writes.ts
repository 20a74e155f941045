import assert from "node:assert/strict";
import { ref } from "../../../src/client/reference.ts";
import { StatementError } from "../../../src/client/statement_error.ts";
import type { AddCase } from "./case.ts";

/** Statements that write, and what they answer. */
export function addWrites(test: AddCase): void {
  test(
    "execute() answers rows, rowid and index",
    async (client, _, created) => {
      const result = await client.execute("INSERT INTO t VALUES (7, ?)", ["x"]);
      assert.deepEqual(result, {
        rowsAffected: 1,
        lastInsertRowid: 7,
        index: created + 1,
      });
    },
  );

  test("execute() takes named parameters", async (client) => {
    await client.execute("INSERT INTO t VALUES (:id, :v)", { id: 1, v: true });
    assert.deepEqual(await client.query("SELECT * FROM t"), [{ id: 1, v: 1 }]);
  });

  test("values survive both ways", async (client) => {
    const values = [
      null,
      0,
      -1.5,
      2 ** 53 - 1,
      2n ** 63n - 1n,
      -(2n ** 63n),
      1e300,
      1e20,
      Infinity,
      "",
      "ä😀\n",
      new Uint8Array([0, 255, 1]),
      new Uint8Array(0),
      new Uint8Array(100_000).fill(7),
    ];
    for (const [id, value] of values.entries()) {
      await client.execute("INSERT INTO t VALUES (?, ?)", [id, value]);
    }
    const rows = await client.query<{ v: unknown }>(
      "SELECT v FROM t ORDER BY id",
    );
    assert.deepEqual(
      rows.map(({ v }) => v instanceof Uint8Array ? new Uint8Array(v) : v),
      values,
    );
  });

  test(
    "executeReturning() answers the rows by name",
    async (client, _, created) => {
      const { rows, rowsAffected, index } = await client.executeReturning<
        { id: number }
      >("INSERT INTO t VALUES (1, 'a'), (2, 'b') RETURNING id");
      assert.deepEqual(rows.map((row) => row.id), [1, 2]);
      assert.equal(rowsAffected, 2);
      assert.equal(index, created + 1);
    },
  );

  test(
    "txn() applies all, with references to earlier results",
    async (client, _, created) => {
      const { results, index } = await client.txn([
        "INSERT INTO t VALUES (5, 'a') RETURNING id, v",
        { sql: "INSERT INTO t VALUES (6, ?)", params: [ref(0, "id")] },
      ]);
      assert.equal(index, created + 1);
      assert.equal(results.length, 2);
      assert.deepEqual(results[0]!.rows, [{ id: 5, v: "a" }]);
      const row = await client.queryOne("SELECT v FROM t WHERE id = 6");
      assert.equal(row.v, 5);
    },
  );

  test("txn() that fails keeps nothing and names the statement", async (client) => {
    const failing = client.txn([
      "INSERT INTO t VALUES (1, 'a')",
      "INSERT INTO t VALUES (2, 'a')",
    ]);
    await assert.rejects(failing, (error) => {
      assert(error instanceof StatementError);
      assert.equal(error.code, "constraint");
      assert.equal(error.statement, 1);
      assert.deepEqual(error.kept, []);
      return true;
    });
    assert.deepEqual(await client.query("SELECT * FROM t"), []);
  });

  test("batch() that fails says what it kept", async (client) => {
    const failing = client.batch(
      "INSERT INTO t VALUES (1, 1); INSERT INTO t VALUES (1, 2); SELECT 1",
    );
    await assert.rejects(failing, (error) => {
      assert(error instanceof StatementError);
      assert.equal(error.statement, 1);
      assert.deepEqual(error.kept, [{ rowsAffected: 1, lastInsertRowid: 1 }]);
      return true;
    });
    assert.deepEqual(await client.query("SELECT id FROM t"), [{ id: 1 }]);
  });

  test(
    "execute() throws the statement's error with its code",
    async (client, _, created) => {
      await client.execute("INSERT INTO t VALUES (1, 1)");
      await assert.rejects(client.execute("INSERT INTO t VALUES (1, 2)"), {
        name: "StatementError",
        code: "constraint",
        index: created + 2,
      });
      await assert.rejects(client.execute("INSRT"), { code: "sql" });
    },
  );

  test("executeRaw() answers what RETURNING gives by position", async (client) => {
    await client.execute("CREATE TABLE raw_rows (a, b)");
    const { columns, rows, rowsAffected, index } = await client.executeRaw(
      "INSERT INTO raw_rows VALUES (1, 2) RETURNING a AS c, b AS c",
    );
    assert.deepEqual([columns, rows, rowsAffected], [["c", "c"], [[1, 2]], 1]);
    assert.ok(index > 0);
    const nothing = await client.executeRaw("DELETE FROM raw_rows");
    assert.deepEqual([nothing.columns, nothing.rows], [[], []]);
  });

  test("an idempotencyKey makes a repeated write apply once", async (client) => {
    const options = { idempotencyKey: "order-17" };
    const sql = "INSERT INTO t (v) VALUES (hex(randomblob(8)))";
    const first = await client.execute(sql, [], options);
    assert.deepEqual(await client.execute(sql, [], options), first);
    assert.equal((await client.query("SELECT * FROM t")).length, 1);
  });

  test("migrate() hands over the steps", async (client, member, created) => {
    const steps = [{ id: 1, name: "init", sql: "CREATE TABLE m (x)" }];
    assert.deepEqual(await client.migrate(steps), { index: created + 1 });
    assert.deepEqual(member.writes.at(-1)!.body, {
      kind: "migrate",
      migrations: steps,
    });
  });

  test("sql`` makes parameters of values, whatever they are", async (client) => {
    await client.execute("CREATE TABLE tagged (a, b)");
    const hostile = "'); DROP TABLE tagged; --";
    const insert = client.sql`INSERT INTO tagged VALUES (${hostile}, ${7})`;
    assert.equal(insert.sql, "INSERT INTO tagged VALUES (?1, ?2)");
    assert.equal((await insert.execute()).rowsAffected, 1);
    const { results } = await client.txn([
      client.sql`INSERT INTO tagged VALUES (${null}, ${new Uint8Array([1])})`,
      client.sql`UPDATE tagged SET b = b + ${1} WHERE a = ${hostile}`,
    ]);
    assert.deepEqual(results.map(({ rowsAffected }) => rowsAffected), [1, 1]);
    const find = (a: string) =>
      client.sql<{ b: number }>`SELECT b FROM tagged WHERE a = ${a}`;
    assert.deepEqual(await find(hostile).query(), [{ b: 8 }]);
    assert.deepEqual(await find(hostile).queryOne(), { b: 8 });
    assert.equal(await find("nobody").queryOptional(), undefined);
    assert.deepEqual(
      (await client.sql`DELETE FROM tagged RETURNING b`.executeRaw()).rows,
      [[8], [new Uint8Array([1])]],
    );
    assert.throws(
      () => client.sql`SELECT ${client.sql`1` as unknown as string}`,
      { code: "invalid", message: /value, never text/ },
    );
    assert.throws(
      () => client.sql("SELECT 1" as unknown as TemplateStringsArray),
      { code: "invalid", message: /tag of a template/ },
    );
  });

  test("prepare() runs with one set of parameters after the other", async (client) => {
    await client.execute("CREATE TABLE prepared (a)");
    const insert = client.prepare("INSERT INTO prepared VALUES (:a)");
    for (const a of [1, 2]) await insert.execute({ a });
    await client.txn([insert.with({ a: 3 }), insert.with({ a: 4 })]);
    const larger = client.prepare<{ a: number }>(
      "SELECT a FROM prepared WHERE a > ? ORDER BY a",
    );
    assert.deepEqual(await larger.query([2]), [{ a: 3 }, { a: 4 }]);
    assert.deepEqual(await larger.queryOne([3]), { a: 4 });
  });
}
