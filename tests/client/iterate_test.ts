import assert from "node:assert/strict";
import type { Client } from "../../src/client/client.ts";
import { connect } from "../../src/client/remote.ts";
import { Proxy } from "../../src/proxy/proxy.ts";
import { silentLogger } from "../../src/util/logger.ts";
import { inSteps, withApi, withMember } from "./one_member.ts";

const COUNT = 20_000;
const NUMBERS = `WITH RECURSIVE c(x) AS (
  SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ${COUNT}
) SELECT x, 'row ' || x AS t FROM c`;

interface Case {
  readonly title: string;
  run(client: Client): Promise<void>;
}

/** Opens as many streams as one client may have, which fails if others were left open. */
async function openTwo(client: Client): Promise<void> {
  const streams = [client.iterate(NUMBERS), client.iterate(NUMBERS)];
  for (const stream of streams) {
    assert.deepEqual((await stream.next()).value, { x: 1, t: "row 1" });
  }
  for (const stream of streams) await stream.return();
}

const CASES: readonly Case[] = [
  {
    title: "gives all rows of one moment",
    async run(client) {
      await client.batch(
        "DROP TABLE IF EXISTS n; CREATE TABLE n (x INTEGER PRIMARY KEY, t TEXT)",
      );
      await client.execute(`INSERT INTO n ${NUMBERS}`);
      let expected = 0;
      for await (
        const { x, t } of client.iterate<{ x: number; t: string }>(
          "SELECT * FROM n ORDER BY x",
        )
      ) {
        expected++;
        assert.equal(x, expected);
        assert.equal(t, `row ${expected}`);
        // What comes later is not seen.
        if (x === 1) await client.execute("DELETE FROM n");
      }
      assert.equal(expected, COUNT);
      assert.deepEqual(await client.query("SELECT * FROM n"), []);
    },
  },
  {
    title: "keeps values as they are",
    async run(client) {
      const values = [9007199254740993n, new Uint8Array([0, 255]), null, 0.5];
      const stream = client.iterate(
        "SELECT ? AS a, ? AS b, ? AS c, ? AS d",
        values,
      );
      const { value } = await stream.next();
      assert.deepEqual(Object.values(value as object), values);
      assert.deepEqual(await stream.next(), { done: true, value: undefined });
    },
  },
  {
    title: "lets go of the rest when its loop is left",
    async run(client) {
      // More often than streams may be open.
      for (let i = 0; i < 5; i++) {
        for await (const _ of client.iterate(NUMBERS)) break;
      }
      await openTwo(client);
    },
  },
  {
    title: "ends when the signal aborts, also while nobody asks for rows",
    async run(client) {
      for (let i = 0; i < 3; i++) {
        const controller = new AbortController();
        const { signal } = controller;
        const stream = client.iterate(NUMBERS, [], { signal });
        await stream.next();
        controller.abort(new Error("enough"));
        await assert.rejects(stream.next(), /enough/);
        assert.equal((await stream.next()).done, true);
      }
      await openTwo(client);
      const controller = new AbortController();
      const left = client.iterate(NUMBERS, [], { signal: controller.signal });
      await left.next();
      controller.abort();
      await openTwo(client);
      await left.return();
    },
  },
  {
    title: "shows an error that comes after many rows, before the first",
    async run(client) {
      const stream = client.iterate(
        `SELECT CASE x WHEN ${COUNT} THEN abs(-9223372036854775807 - 1) ELSE x END FROM (${NUMBERS})`,
      );
      await assert.rejects(stream.next(), {
        code: "sql",
        message: /integer overflow/,
      });
    },
  },
  {
    title: "takes rows that are larger than a page",
    async run(client) {
      let bytes = 0;
      for await (
        const { b } of client.iterate<{ b: Uint8Array }>(
          "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 5) SELECT zeroblob(x * 300000) AS b FROM c",
        )
      ) bytes += b.length;
      assert.equal(bytes, 15 * 300_000);
    },
  },
];

Deno.test("iterate() in the member's process, over HTTP and through a proxy", (t) =>
  withMember((db) =>
    withApi(db, async (reach) => {
      await using proxy = new Proxy({
        urls: [`http://${reach.urls[0]}`],
        secretApi: reach.secret,
        hostname: "127.0.0.1",
        port: 0,
        logger: silentLogger,
        fetch,
      });
      await using remote = connect(reach);
      const urls = [`127.0.0.1:${proxy.port}`];
      await using proxied = connect({ ...reach, urls });
      const clients: [string, Client][] = [
        ["embedded", db],
        ["over HTTP", remote],
        ["through a proxy", proxied],
      ];
      for (const [where, client] of clients) {
        const cases = CASES.map((one) => ({
          ...one,
          title: `${one.title} (${where})`,
        }));
        await inSteps(t, cases, (one) => one.run(client));
      }
    })
  ));

/** A member of one answer, cut after `bytes`. */
function cutAnswer(text: string): typeof fetch {
  return () =>
    Promise.resolve(
      new Response(
        ReadableStream.from([new TextEncoder().encode(text)]),
        { headers: { "content-type": "application/x-ndjson" } },
      ),
    );
}

Deno.test("iterate() over HTTP knows that rows are missing", async () => {
  const head = '{"columns":["x"],"count":3,"index":7}\n';
  const rowsOf = async (text: string): Promise<unknown[]> => {
    await using client = connect({
      urls: ["member"],
      secret: "api-secret-0123456789",
      fetch: cutAnswer(text),
    });
    const rows: unknown[] = [];
    for await (const row of client.iterate("SELECT x")) rows.push(row);
    return rows;
  };
  assert.deepEqual(await rowsOf(`${head}[1]\n[2]\n[3]\n`), [
    { x: 1 },
    { x: 2 },
    { x: 3 },
  ]);
  for (const cut of ["", "[1]\n[2]\n", "[1]\n[2]\n[3]", "[1]\n[2]\n[3"]) {
    const taken = cut.split("\n").length - 1;
    await assert.rejects(rowsOf(head + cut), {
      code: "shutting_down",
      message: new RegExp(`after ${taken} of 3 rows.*begin again`),
    });
  }
  const told = '{"error":{"code":"unauthorized","message":"revoked"}}\n';
  await assert.rejects(rowsOf(`${head}[1]\n${told}`), {
    code: "unauthorized",
    message: "revoked",
  });
  await assert.rejects(rowsOf(`${head}[1]\n{}\n`), { code: "invalid" });
});

Deno.test("iterate() asks the next member where one has nobody, and says so when none has", () =>
  withMember((db) =>
    withApi(db, async ({ urls, secret }) => {
      await using client = connect({ urls: ["127.0.0.1:1", ...urls], secret });
      const { value } = await client.iterate("SELECT 1 AS one").next();
      assert.deepEqual(value, { one: 1 });
      await using nobody = connect({ urls: ["127.0.0.1:1"], secret });
      await assert.rejects(
        nobody.iterate("SELECT 1", [], { timeoutMs: 300 }).next(),
        { code: "no_leader", message: /^http:\/\/127\.0\.0\.1:1: / },
      );
    })
  ));
