import assert from "node:assert/strict";
import type { Client } from "../../src/client/client.ts";
import { HiqliteError } from "../../src/errors.ts";
import { ref } from "../../src/client/reference.ts";
import type { LogIndex } from "../../src/raft/types.ts";
import type { Schema } from "../../src/client/schema.ts";
import { StatementError } from "../../src/client/statement_error.ts";
import type { RecordingMember } from "./recording_member.ts";

/** What a contract test works with. */
export interface Subject {
  readonly client: Client;
  readonly member: RecordingMember;
  /** Ends client and member. */
  end(): Promise<void>;
}

interface Case {
  readonly title: string;
  /** Gets a client, what it speaks to, and the index of the write that made the table `t(id, v)`. */
  readonly run: (
    client: Client,
    member: RecordingMember,
    created: LogIndex,
  ) => Promise<void>;
}

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

/** Registers the tests that every {@linkcode Client} passes, each with a subject of its own. */
export function testClientContract(
  name: string,
  open: () => Promise<Subject>,
): void {
  for (const one of clientContract()) {
    Deno.test(`${name}.${one.title}`, async () => {
      const subject = await open();
      try {
        await runCase(one, subject);
      } finally {
        await subject.end();
      }
    });
  }
}

/** Runs one case on an empty table `t`. */
export async function runCase(
  one: Case,
  { client, member }: Omit<Subject, "end">,
): Promise<void> {
  await client.execute("DROP TABLE IF EXISTS t");
  const { index } = await client.execute(
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v ANY UNIQUE)",
  );
  await one.run(client, member, index);
}

/** The cases; the last one ends the client. */
export function clientContract(): readonly Case[] {
  const cases: Case[] = [];
  const test = (title: string, run: Case["run"]): void => {
    cases.push({ title, run });
  };

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

  test("health() and ready() answer, well or not", async (client, member) => {
    assert.deepEqual(await client.health(), member.health());
    assert.deepEqual(await client.ready(), { ok: true, detail: "ok" });
    member.healthy = { ok: false, detail: "no leader" };
    assert.deepEqual(await client.health(), { ok: false, detail: "no leader" });
    assert.deepEqual(await client.ready(), { ok: false, detail: "no leader" });
  });

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

  test("metrics() and cluster() answer", async (client, member) => {
    assert.match(await client.metrics(), /^# TYPE hiqlite_/m);
    assert.deepEqual(await client.cluster(), member.cluster());
  });

  test(
    "changeMembership() and transferLeadership() reach the member",
    async (client, member) => {
      const request = {
        action: "add-learner",
        nodeId: 4,
        raftAddress: "a:1",
        apiAddress: "a:2",
      } as const;
      const answer = await client.changeMembership(request);
      assert.deepEqual(answer, member.cluster());
      await client.transferLeadership();
      await client.transferLeadership(2);
      assert.deepEqual(member.changes, [
        request,
        { target: undefined },
        { target: 2 },
      ]);
    },
  );

  test("an error of the member keeps its code", async (client, member) => {
    member.faults.push(new HiqliteError("disk_full", "no room"));
    await assert.rejects(client.execute("SELECT 1"), {
      code: "disk_full",
      message: "no room",
    });
  });

  test(
    "an aborted signal stops the call before it is sent",
    async (client, member) => {
      const count = member.writes.length;
      const signal = AbortSignal.abort(new Error("mine"));
      await assert.rejects(client.execute("SELECT 1", [], { signal }), {
        message: "mine",
      });
      assert.equal(member.writes.length, count);
    },
  );

  test(
    "a signal that aborts ends the wait with its reason",
    async (client, member) => {
      const begun = Promise.withResolvers<void>();
      const held = Promise.withResolvers<void>();
      member.beforeWrite = () => {
        begun.resolve();
        return held.promise;
      };
      const controller = new AbortController();
      const waiting = client.execute("SELECT 1", [], {
        signal: controller.signal,
      });
      await begun.promise;
      controller.abort(new Error("enough"));
      await assert.rejects(waiting, { message: "enough" });
      held.resolve();
    },
  );

  test("await using ends the client", async (client) => {
    await client[Symbol.asyncDispose]();
    await client.shutdown();
  });

  return cases;
}
