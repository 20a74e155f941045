import assert from "node:assert/strict";
import { connect } from "../../src/client/remote.ts";

const SECRET = "api-secret-0123456789";
const HISTORY = "00000000-0000-4000-8000-000000000001";

/** What a member does with a request for events: these chunks, or an error's status and code. */
type Script = readonly string[] | readonly [status: number, code: string];

/** Members that are asked for events, each with scripts; what was asked for. */
function members(scripts: Record<string, Script[]>) {
  const asked: string[] = [];
  const queries: (number | undefined)[] = [];
  const client = connect({
    urls: Object.keys(scripts),
    secret: SECRET,
    fetch: (input, init) => {
      const { hostname, pathname } = new URL(String(input));
      const body = String(init!.body);
      if (pathname === "/api/v1/query") {
        queries.push(JSON.parse(body).min_index);
        return Promise.resolve(
          Response.json({ columns: ["a"], rows: [[1]], index: 7 }),
        );
      }
      asked.push(`${hostname}${pathname.slice("/api/v1".length)} ${body}`);
      const script = scripts[hostname]!.shift();
      if (script === undefined) return Promise.reject(new TypeError("refused"));
      const [status, code] = script;
      if (typeof status === "number") {
        const error = { code, message: `because of ${code}` };
        return Promise.resolve(Response.json({ error }, { status }));
      }
      return Promise.resolve(
        new Response(
          ReadableStream.from(script as string[])
            .pipeThrough(new TextEncoderStream()),
        ),
      );
    },
  });
  return { client, asked, queries };
}

const change = (index: number): string =>
  `id: ${HISTORY}-${index}\nevent: change\ndata: {"index":${index},"tables":["t"],"schema":false,"reset":false}\n\n`;
const bookmark = (index: number): string => `id: ${HISTORY}-${index}\n\n`;
const hash = (n: number): string => `${n}`.padStart(32, "0");
const rows = (index: number, n: number): string =>
  `id: ${HISTORY}-${index}-${
    hash(n)
  }\nevent: rows\ndata: {"columns":["n"],"rows":[[${n}]],"index":${index}}\n\n`;

/** The first `count` of what is told. */
async function told<T>(
  events: AsyncGenerator<T>,
  count: number,
): Promise<T[]> {
  const heard: T[] = [];
  for await (const event of events) if (heard.push(event) === count) break;
  return heard;
}

Deno.test("changes go on at the next member from the last id, also if it came without a change", async () => {
  const { client, asked } = members({
    a: [[bookmark(3)], [change(12)]],
    b: [[change(5), ": \n\n", bookmark(9)]],
  });
  const changes = await told(client.changes({ tables: ["T"] }), 2);
  assert.deepEqual(changes.map(({ index }) => index), [5, 12]);
  assert.deepEqual(changes[1], {
    index: 12,
    tables: ["t"],
    schema: false,
    reset: false,
    position: `${HISTORY}-12`,
  });
  assert.deepEqual(asked, [
    'a/changes {"tables":["T"]}',
    `b/changes {"tables":["T"],"since":"${HISTORY}-3"}`,
    `a/changes {"tables":["T"],"since":"${HISTORY}-9"}`,
  ]);
  await client.shutdown();
});

Deno.test("changes begin after the client's last answer, as it was when they were asked for", async () => {
  const { client, asked } = members({ a: [[change(9)], [change(9)]] });
  const early = client.changes();
  await client.query("SELECT 1");
  await told(early, 1);
  await told(client.changes(), 1);
  // The first change was an answer, too.
  assert.deepEqual(asked, [
    'a/changes {"since":7}',
    'a/changes {"since":9}',
  ]);
  await client.shutdown();
});

Deno.test("a live query goes on at the next member with what it has told", async () => {
  const { client, asked } = members({
    a: [[rows(3, 1)], [rows(8, 2)]],
    b: [[503, "shutting_down"]],
  });
  const live = client.live("SELECT n FROM t WHERE x = ?", [1], {
    minIntervalMs: 0,
  });
  assert.deepEqual(await told(live, 2), [
    { rows: [{ n: 1 }], index: 3 },
    { rows: [{ n: 2 }], index: 8 },
  ]);
  const query = '"sql":"SELECT n FROM t WHERE x = ?","params":[1]';
  const since = `"since":"${HISTORY}-3-${hash(1)}"`;
  assert.deepEqual(asked, [
    `a/live {${query},"min_interval_ms":0}`,
    `b/live {${query},${since},"min_interval_ms":0}`,
    `a/live {${query},${since},"min_interval_ms":0}`,
  ]);
  await client.shutdown();
});

Deno.test("what was told can be read, at whichever member", async () => {
  const { client, asked, queries } = members({
    a: [[change(9)], [rows(12, 1), rows(15, 2)], []],
  });
  await told(client.changes(), 1);
  await client.query("SELECT 1");
  const live = client.live("SELECT 1");
  await live.next();
  await client.query("SELECT 1");
  await live.next();
  await client.query("SELECT 1");
  assert.deepEqual(queries, [9, 12, 15]);
  void live.next().catch(() => {});
  while (asked.length < 3) await new Promise((next) => setTimeout(next, 5));
  // Only the first member that is asked is waited for.
  assert.match(asked[1]!, /"min_index":9/);
  assert.doesNotMatch(asked[2]!, /min_index/);
  await client.shutdown();
});

Deno.test("an error that lasts ends a live query, and so do members that are all full", async () => {
  const failing = members({ a: [[rows(3, 1)], [400, "sql"]] });
  const live = failing.client.live("SELECT n FROM t");
  await live.next();
  await assert.rejects(live.next(), { code: "sql", message: "because of sql" });
  const slow = members({ a: [[504, "timeout"]] });
  await assert.rejects(slow.client.live("SELECT 1").next(), {
    code: "timeout",
  });
  const full = members({
    a: [[429, "overloaded"]],
    b: [[429, "overloaded"]],
  });
  await assert.rejects(full.client.changes().next(), { code: "overloaded" });
  assert.equal(full.asked.length, 2);
  const busy = members({ a: [[429, "overloaded"]], b: [[change(4)]] });
  assert.equal((await told(busy.client.changes(), 1))[0]!.index, 4);
});

Deno.test("an error that a stream ends by is the client's, unless another member may not have it", async () => {
  const error = (code: string): string =>
    `event: hql:error\ndata: {"error":{"code":"${code}","message":"because of ${code}"}}\n\n`;
  const { client, asked } = members({
    a: [[rows(3, 1), error("shutting_down")]],
    b: [[rows(4, 2), error("sql")]],
  });
  const live = client.live("SELECT n FROM t");
  assert.deepEqual((await live.next()).value?.rows, [{ n: 1 }]);
  assert.deepEqual((await live.next()).value?.rows, [{ n: 2 }]);
  await assert.rejects(live.next(), { code: "sql", message: /because of sql/ });
  assert.equal(asked.length, 2);
  await client.shutdown();
});

Deno.test("following ends with its signal also where the signal does not end the body", async () => {
  let cancelled = 0;
  await using client = connect({
    urls: ["http://a"],
    secret: SECRET,
    // As Deno's own does once nobody holds the Response any more: its signal is forgotten.
    fetch: () =>
      Promise.resolve(
        new Response(
          new ReadableStream({
            start(controller) {
              controller.enqueue(new TextEncoder().encode(change(1)));
            },
            cancel: () => void cancelled++,
          }),
        ),
      ),
  });
  const controller = new AbortController();
  const { signal } = controller;
  const changes = client.changes({ signal });
  await changes.next();
  const waiting = changes.next();
  controller.abort();
  assert.equal((await waiting).done, true);
  assert.equal(cancelled, 1);
});
