import assert from "node:assert/strict";
import { open } from "../../src/app/open.ts";
import { createApp } from "../../src/server/app.ts";

const SECRET = "api-secret-0123456789";
const HEADERS = {
  "x-api-secret": SECRET,
  "content-type": "application/json",
};

/** Reads a stream event by event. */
class Events {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
  }

  async next(): Promise<Record<string, string>> {
    while (!this.#text.includes("\n\n")) {
      const { done, value } = await this.#reader.read();
      assert.ok(!done, "it ended");
      this.#text += value;
    }
    const [block] = this.#text.split("\n\n", 1);
    this.#text = this.#text.slice(block!.length + 2);
    return Object.fromEntries(
      block!.split("\n").map((line) => line.split(/: (.*)/, 2)),
    );
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

Deno.test("following the database over HTTP", async (t) => {
  const dataDir = await Deno.makeTempDir();
  const db = await open({ dataDir, tickMs: 5, readyTimeoutMs: 20_000 });
  const app = createApp(db.member, { secretApi: SECRET });
  const ask = async (path: string, init: RequestInit = {}) =>
    await app.request(`/api/v1/${path}`, { headers: HEADERS, ...init });
  const events = async (path: string, init: RequestInit = {}) => {
    const response = await ask(path, init);
    assert.equal(response.status, 200, path);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    return new Events(response.body!);
  };
  const post = (json: unknown, headers = {}): RequestInit => ({
    method: "POST",
    headers: { ...HEADERS, ...headers },
    body: JSON.stringify(json),
  });
  const step = (name: string, fn: () => Promise<void>) =>
    t.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
  try {
    await db.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text)");
    await db.execute("CREATE TABLE other (x)");

    await step(
      "changes begin with a place, and tell tables with ids to go on from",
      async () => {
        for (
          const open of [
            () => events("changes?table=NOTE&table=none"),
            () => events("changes", post({ tables: ["Note", "none"] })),
          ]
        ) {
          const stream = await open();
          const begin = await stream.next();
          assert.match(begin.id!, /^[0-9a-f-]{36}-\d+$/);
          assert.equal(begin.data, undefined);
          await db.execute("INSERT INTO other VALUES (1)");
          const { index } = await db.execute(
            "INSERT INTO note VALUES (NULL, 'a')",
          );
          const { id, event, data } = await stream.next();
          assert.equal(event, "change");
          assert.deepEqual(JSON.parse(data!), {
            index,
            tables: ["note"],
            schema: false,
            reset: false,
          });
          await stream.cancel();
          const next = await db.execute("INSERT INTO other VALUES (2)");
          // The header goes before the parameter.
          const headers = { ...HEADERS, "last-event-id": id! };
          const again = await events(`changes?since=0`, { headers });
          assert.equal((await again.next()).id, id);
          assert.equal(
            JSON.parse((await again.next()).data!).index,
            next.index,
          );
          await again.cancel();
        }
        assert.equal(db.member.live.changes({}).place!.index > 0, true);
      },
    );

    await step(
      "a place before what was told is not taken for where a stream stands",
      async () => {
        const stream = await events("changes?since=1");
        assert.match((await stream.next()).id!, /-1$/);
        const change = await stream.next();
        assert.equal(change.event, "change");
        await stream.cancel();
      },
    );

    await step(
      "live queries tell rows in JSON, by GET and by POST",
      async () => {
        const big = 2n ** 60n;
        await db.execute("DELETE FROM note");
        await db.execute("INSERT INTO note VALUES (?, ?)", [
          big,
          new Uint8Array([1]),
        ]);
        const sql = "SELECT * FROM note WHERE id > ?";
        const address = new URLSearchParams({
          sql,
          params: "[5]",
          min_interval_ms: "0",
        });
        for (
          const open of [
            () => events(`live?${address}`),
            () =>
              events("live", post({ sql, params: [5], min_interval_ms: 0 })),
          ]
        ) {
          const stream = await open();
          const { id, event, data } = await stream.next();
          assert.equal(event, "rows");
          const { columns, rows, index } = JSON.parse(data!);
          assert.deepEqual(columns, ["id", "text"]);
          assert.deepEqual(rows, [[{ $int: `${big}` }, { $blob: "AQ==" }]]);
          assert.match(
            id!,
            new RegExp(`^[0-9a-f-]{36}-${index}-[0-9a-f]{32}$`),
          );
          await stream.cancel();
          // Whoever has these rows is told where they are, and no rows.
          const same = await events(`live?${address}`, {
            headers: { ...HEADERS, "last-event-id": id! },
          });
          const told = await same.next();
          assert.equal(told.data, undefined);
          assert.equal(told.id!.slice(-32), id!.slice(-32));
          await db.execute("INSERT INTO note VALUES (6, 'six')");
          const more = JSON.parse((await same.next()).data!);
          assert.equal(more.rows.length, 2);
          await same.cancel();
          await db.execute("DELETE FROM note WHERE id = 6");
        }
      },
    );

    await step(
      "a live query that fails later says why before it ends",
      async () => {
        await db.execute("CREATE TABLE gone (x)");
        const address = "sql=SELECT+*+FROM+gone&min_interval_ms=0";
        const stream = await events(`live?${address}`);
        assert.equal((await stream.next()).event, "rows");
        await db.execute("DROP TABLE gone");
        const { event, data } = await stream.next();
        assert.equal(event, "hql:error");
        const { error } = JSON.parse(data!);
        assert.equal(error.code, "sql");
        assert.match(error.message, /no such table: gone/);
        await assert.rejects(stream.next(), /it ended/);
      },
    );

    await step(
      "a query that fails is an error of the request, and of the next one",
      async () => {
        const refused = async (path: string, init?: RequestInit) => {
          const response = await ask(path, init);
          const { error } = await response.json();
          return [response.status, error.code, error.message];
        };
        for (
          const [path, status, code, message] of [
            ["live", 400, "invalid", /sql: is missing/],
            ["live?sql=SELECT+*+FROM+nowhere", 400, "sql", /no such table/],
            ["live?sql=DELETE+FROM+note", 403, "forbidden", /may not write/],
            ["live?sql=SELECT+1&x=1", 400, "invalid", /Unknown parameter "x"/],
            ["live?sql=SELECT+1&sql=SELECT+2", 400, "invalid", /given twice/],
            ["live?sql=SELECT+1&params=x", 400, "invalid", /expected JSON/],
            ["live?sql=SELECT+1&since=5", 400, "invalid", /the id of an event/],
            [
              "live?sql=SELECT+zeroblob(2000000)",
              413,
              "too_large",
              /more than 1048576 bytes/,
            ],
            ["changes?since=x", 400, "invalid", /expected an index/],
            ["changes?tables=x", 400, "invalid", /Unknown parameter "tables"/],
          ] as const
        ) {
          const found = await refused(path);
          assert.deepEqual(found.slice(0, 2), [status, code], path);
          assert.match(found[2], message, path);
        }
        const body = post({ tables: [1] });
        assert.deepEqual((await refused("changes", body)).slice(0, 2), [
          400,
          "invalid",
        ]);
        const unknown = await app.request("/api/v1/live?sql=SELECT+1");
        assert.equal(unknown.status, 401);
        await unknown.body?.cancel();
        const wrong = await ask("live", { method: "DELETE" });
        assert.equal(wrong.status, 405);
        assert.equal(wrong.headers.get("allow"), "GET, POST");
        await wrong.body?.cancel();
      },
    );

    await step(
      "who leaves, or asks with HEAD and is told nothing, is forgotten, and the metrics say who is there",
      async () => {
        const one = await events("changes");
        const two = await events("live?sql=SELECT+1");
        await one.next();
        await two.next();
        for (const path of ["changes", "live?sql=SELECT+1"]) {
          const { status } = await ask(path, { method: "HEAD" });
          assert.equal(status, 200, path);
        }
        const pending = one.next().catch(() => {});
        const shown = (line: RegExp) => line.test(db.member.metrics());
        const soon = async (line: RegExp): Promise<void> => {
          for (let i = 0; i < 1_000 && !shown(line); i++) {
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
          assert.ok(shown(line), `never ${line}`);
        };
        await soon(/^hiqlite_change_listeners 1$/m);
        await soon(/^hiqlite_live_queries 1$/m);
        await soon(/^hiqlite_live_query_runs_total [1-9]\d*$/m);
        await one.cancel();
        await two.cancel();
        await pending;
        await soon(/^hiqlite_change_listeners 0$/m);
        await soon(/^hiqlite_live_queries 0$/m);
      },
    );
  } finally {
    await db.shutdown();
    await Deno.remove(dataDir, { recursive: true });
  }
});
