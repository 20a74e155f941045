import assert from "node:assert/strict";
import { open } from "../../src/app/open.ts";
import { createApp } from "../../src/server/app.ts";
import {
  type AskedCaches,
  asking,
  CACHE_BASE,
  CACHE_SECRET,
} from "./cache_requests.ts";

const JSON_TYPE = "application/json";
const TEXT = "text/plain";

Deno.test("caches over HTTP", async (t) => {
  const dataDir = await Deno.makeTempDir();
  const db = await open({ dataDir, tickMs: 5, readyTimeoutMs: 20_000 });
  const app = createApp(db.member, { secretApi: CACHE_SECRET });
  const ask = asking(app);
  const step = (name: string, fn: () => Promise<void>): Promise<boolean> =>
    t.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
  try {
    await step(
      "a value comes back as it was put, with its version",
      async () => {
        const bodies: [string | null, string][] = [
          [JSON_TYPE, '{"a":[1,2.50,123456789012345678901]}'],
          ["text/plain; charset=utf-8", "ä"],
          ["application/octet-stream", "\u0000x"],
          ["application/octet-stream", ""],
        ];
        for (const [type, body] of bodies) {
          const put = await ask("PUT", "/c/k", { type, body });
          assert.equal(put.status, 204);
          const got = await ask("GET", "/c/k");
          assert.equal(got.status, 200);
          assert.equal(got.text, body);
          assert.equal(got.headers.get("etag"), put.headers.get("etag"));
          assert.match(put.headers.get("etag")!, /^"1-\d+"$/);
          assert.equal(got.headers.get("x-epoch"), "1");
          assert.equal(got.headers.get("x-ttl-ms"), null);
          const kind = type!.split(";")[0]!;
          assert.ok(got.headers.get("content-type")!.startsWith(kind));
        }
      },
    );

    await step("keys are percent-encoded bytes", async () => {
      for (const key of ["a%2Fb", "%00", "%C3%A4", "%ff%fe", "a+b"]) {
        await ask("PUT", `/keys/${key}`, { type: TEXT, body: key });
        assert.equal((await ask("GET", `/keys/${key}`)).text, key);
      }
      const { json } = await ask("GET", "/keys");
      assert.deepEqual(json.entries.map(({ key }: { key: unknown }) => key), [
        "\u0000",
        "a+b",
        "a/b",
        "ä",
        { $blob: "//4=" },
      ]);
    });

    await step("a time to live is set, kept and dropped", async () => {
      await ask("PUT", "/c/t?ttl_ms=60000", { type: TEXT, body: "x" });
      const ttl = Number((await ask("GET", "/c/t")).headers.get("x-ttl-ms"));
      assert.ok(ttl > 50_000 && ttl <= 60_000);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const left = await ask("GET", "/c/t?consistency=linearizable");
      assert.ok(Number(left.headers.get("x-ttl-ms")) <= ttl - 250);
      const page = await ask("GET", "/c?prefix=t&consistency=linearizable");
      assert.ok(page.json.entries[0].ttl_ms <= ttl - 250);
      assert.equal(page.json.entries[0].ttl_ms % 1, 0);
      await ask("PUT", "/c/t?keep_ttl=true", { type: TEXT, body: "y" });
      assert.ok((await ask("GET", "/c/t")).headers.has("x-ttl-ms"));
      await ask("PUT", "/c/t?ttl_ms=0", { type: TEXT, body: "z" });
      assert.ok(!(await ask("GET", "/c/t")).headers.has("x-ttl-ms"));
    });

    await step(
      "conditions that do not hold are 412, with the present ETag",
      async () => {
        const put = (headers: Record<string, string>) =>
          ask("PUT", "/c/v", { type: TEXT, body: "x", headers });
        assert.equal((await put({ "if-match": "*" })).status, 412);
        const first = await put({ "if-none-match": "*" });
        assert.equal(first.status, 204);
        const etag = first.headers.get("etag")!;
        const taken = await put({ "if-none-match": "*" });
        assert.deepEqual(
          [taken.status, taken.headers.get("etag"), taken.json.error.code],
          [412, etag, "precondition_failed"],
        );
        assert.ok(
          taken.json.error.message.includes(`version ${etag.slice(1, -1)}.`),
          taken.json.error.message,
        );
        for (const method of ["PUT", "DELETE", "POST"]) {
          const path = `/c/${method === "PUT" ? "absent" : "v"}`;
          const never = await ask(
            method,
            method === "POST" ? `${path}/remove` : path,
            {
              ...(method === "PUT" ? { type: TEXT, body: "x" } : {}),
              headers: { "if-match": '"1-0"' },
            },
          );
          assert.equal(never.status, 412, method);
          assert.match(never.json.error.message, /no entry .* ETag "1-0"/);
        }
        const second = await put({ "if-match": etag });
        assert.equal(second.status, 204);
        const late = await put({ "if-match": etag });
        assert.deepEqual(
          [late.status, late.headers.get("etag")],
          [412, second.headers.get("etag")],
        );
        const old = await put({ "if-match": '"0-65536"' });
        assert.deepEqual([old.status, old.headers.get("etag")], [412, null]);
        for (const method of ["PUT", "DELETE"]) {
          const began = performance.now();
          const ahead = await ask(method, "/c/v", {
            type: TEXT,
            ...(method === "PUT" ? { body: "x" } : {}),
            headers: { "if-match": '"9-9"' },
          });
          assert.deepEqual(
            [ahead.status, ahead.json.error.code],
            [412, "precondition_failed"],
          );
          assert.match(
            ahead.json.error.message,
            /epoch 9, which has not begun/,
          );
          assert.ok(performance.now() - began < 10_000);
        }
        const wrong = await ask("DELETE", "/c/v", {
          headers: { "if-match": etag },
        });
        assert.equal(wrong.status, 412);
        const huge = '"9999999999999999-1"';
        for (const match of ["x", '"x"', '"1-1", "1-2"', huge]) {
          assert.equal((await put({ "if-match": match })).status, 400);
        }
        const right = await ask("DELETE", "/c/v", {
          headers: { "if-match": second.headers.get("etag")! },
        });
        assert.equal(right.status, 204);
      },
    );

    await step("what is not there is 404", async () => {
      for (
        const [method, path] of [
          ["GET", "/c/none"],
          ["GET", "/nosuchcache/none"],
          ["DELETE", "/c/none"],
          ["POST", "/c/none/remove"],
          ["DELETE", "/nosuchcache"],
        ] as const
      ) {
        const { status, json } = await ask(method, path);
        assert.deepEqual([status, json.error.code], [404, "not_found"], path);
      }
    });

    await step("remove takes an entry out once", async () => {
      const put = await ask("PUT", "/c/once", {
        type: JSON_TYPE,
        body: "[1]",
      });
      const etag = put.headers.get("etag")!;
      const remove = (path: string, headers: Record<string, string>) =>
        ask("POST", `${path}/remove`, { headers });
      const wrong = await remove("/c/once", { "if-match": '"1-65536"' });
      assert.deepEqual([wrong.status, wrong.headers.get("etag")], [412, etag]);
      assert.equal((await remove("/c/none", { "if-match": "*" })).status, 412);
      assert.equal(
        (await remove("/c/once", { "if-none-match": "*" })).status,
        400,
      );
      const right = await remove("/c/once", { "if-match": etag });
      assert.deepEqual([right.status, right.text], [200, "[1]"]);
      await ask("PUT", "/c/once", { type: JSON_TYPE, body: "[1]" });
      const taken = await ask("POST", "/c/once/remove");
      assert.deepEqual([taken.status, taken.text], [200, "[1]"]);
      assert.equal(taken.headers.get("content-type"), JSON_TYPE);
      assert.equal((await ask("POST", "/c/once/remove")).status, 404);
    });

    await step("a repeated change with one key is applied once", async () => {
      const add = () =>
        ask("POST", "/c/n/add", {
          type: JSON_TYPE,
          body: '{"delta":9007199254740993}',
          headers: { "idempotency-key": "add-once" },
        });
      const first = await add();
      assert.equal(first.status, 200);
      assert.deepEqual(first.json.value, { $int: "9007199254740993" });
      assert.deepEqual((await add()).json, first.json);
      const other = await ask("POST", "/c/n/add", {
        type: JSON_TYPE,
        body: '{"delta":1}',
        headers: { "idempotency-key": "add-once" },
      });
      assert.deepEqual([other.status, other.json.error.code], [
        409,
        "conflict",
      ]);
      const headers = new Headers({ "x-api-secret": CACHE_SECRET });
      for (const key of ["one", "two"]) headers.append("idempotency-key", key);
      const several = await app.request(`${CACHE_BASE}/c/k`, {
        method: "PUT",
        headers,
        body: "x",
      });
      assert.equal(several.status, 400);
      assert.match((await several.json()).error.message, /one key/);
    });

    await step("list shows pages", async () => {
      for (let i = 0; i < 5; i++) {
        await ask("PUT", `/list/a${i}`, { type: TEXT, body: `${i}` });
      }
      await ask("PUT", "/list/b", { type: TEXT, body: "b" });
      const first = await ask("GET", "/list?prefix=a&limit=3");
      assert.deepEqual(
        first.json.entries.map(({ value }: { value: string }) => value),
        ["0", "1", "2"],
      );
      const { cursor } = first.json;
      const second = await ask(
        "GET",
        `/list?prefix=a&limit=3&cursor=${cursor}&values=false`,
      );
      assert.deepEqual(
        second.json.entries.map((entry: object) => Object.keys(entry)),
        [["key", "version", "ttl_ms"], ["key", "version", "ttl_ms"]],
      );
      assert.equal(second.json.cursor, null);
      const keysOf = async (query: string): Promise<string[]> =>
        (await ask("GET", `/list?${query}`)).json.entries
          .map(({ key }: { key: string }) => key);
      // Cursors of keys before and behind the range: "a" and "z".
      assert.deepEqual(await keysOf("prefix=b&cursor=61"), ["b"]);
      assert.deepEqual(await keysOf("prefix=b&cursor=7a"), []);
      assert.deepEqual(
        await keysOf("start=a1&end=a3&reverse=true&cursor=7a"),
        ["a2", "a1"],
      );
      const { epoch, index } = second.json;
      const fresh = await ask(
        "GET",
        `/list/b?consistency=linearizable&min_index=${index}&epoch=${epoch}`,
      );
      assert.equal(fresh.text, "b");
    });

    await step("a batch checks and changes several caches", async () => {
      const batch = (body: object) =>
        ask("POST", "/batch", { type: JSON_TYPE, body: JSON.stringify(body) });
      const done = await batch({
        checks: [{ key: "a", version: null }],
        ops: [
          { op: "put", key: "a", value: { $json: "[1]" } },
          { op: "add", cache: "batch2", key: "n", delta: 2 },
        ],
      });
      assert.equal(done.status, 200);
      assert.equal(done.json.results[1].counter, 2);
      const { epoch, results: [{ version }] } = done.json;
      const failed = await batch({
        checks: [{ key: "a", version: null }],
        ops: [{ op: "delete", key: "a" }],
      });
      assert.equal(failed.status, 412);
      const { at, version: found, code } = failed.json.error;
      assert.deepEqual([at, found, code], [0, version, "precondition_failed"]);
      const old = await batch({
        epoch: epoch - 1,
        ops: [{ op: "delete", key: "a", if_version: version }],
      });
      assert.deepEqual([old.status, old.json.error.code], [409, "cache_reset"]);
      assert.equal((await ask("GET", "/batch/a")).text, "[1]");
      assert.ok(
        failed.json.error.message.includes(`version ${epoch}-${version}.`),
      );
      // 0 is for ever here as in a query.
      const forEver = await batch({
        ops: [
          { op: "put", key: "e", value: "x", ttl_ms: 0 },
          { op: "touch", key: "a", ttl_ms: 0 },
          { op: "add", key: "n", delta: 1, ttl_ms_if_new: 0 },
        ],
      });
      assert.equal(forEver.status, 200, forEver.text);
      const kept = await ask("GET", "/batch/e");
      assert.deepEqual([kept.text, kept.headers.get("x-ttl-ms")], ["x", null]);
      for (const [op, said] of [[null, "null"], [[1], "an array"]] as const) {
        const none = await batch({ ops: [op] });
        assert.equal(
          none.json.error.message,
          `ops[0]: expected an object, got ${said}`,
        );
      }
      const unnamed = await batch({ ops: [{}] });
      assert.match(unnamed.json.error.message, /operation, got nothing$/);
    });

    await step(
      "a cache is created once, and refuses what has no room",
      async () => {
        const create = (body: object) =>
          ask("PUT", "/small", { type: JSON_TYPE, body: JSON.stringify(body) });
        assert.equal((await create({ max_entries: 1 })).status, 204);
        assert.equal((await create({ max_entries: 1 })).status, 204);
        assert.equal((await create({ max_entries: 2 })).status, 409);
        await ask("PUT", "/small/a", { type: TEXT, body: "a" });
        const full = await ask("PUT", "/small/b", { type: TEXT, body: "b" });
        assert.deepEqual([full.status, full.json.error.code], [
          507,
          "cache_full",
        ]);
        assert.equal((await ask("DELETE", "/small")).status, 204);
      },
    );

    await step(
      "malformed and oversized requests are refused before the log",
      async () => {
        const index = db.member.cluster().groups[1]!.lastIndex;
        const cases: [string, string, Parameters<AskedCaches>[2], number][] = [
          ["GET", "/a%20b/k", {}, 400],
          ["GET", "/c/%", {}, 400],
          ["GET", "/c/k?ttl_ms=1", {}, 400],
          ["GET", "/c/k?consistency=strong", {}, 400],
          ["GET", "/c/k?min_index=1", {}, 400],
          ["GET", "/c?limit=0", {}, 400],
          ["GET", "/c?cursor=xyz", {}, 400],
          ["GET", "/c?prefix=a&end=b", {}, 400],
          ["GET", "/c?watch=a&watch_key=b", {}, 400],
          ["GET", "/c?watch=a&since=x", {}, 400],
          ["PUT", `/c/${"k".repeat(1025)}`, { type: TEXT, body: "x" }, 413],
          ["PUT", "/c/k", { type: TEXT, body: "x".repeat(2 ** 20 + 1) }, 413],
          ["PUT", "/c/k", { type: "image/png", body: "x" }, 415],
          // Whoever reads JSON refuses a byte order mark: nobody could read it again.
          ["PUT", "/c/k", { type: JSON_TYPE, body: "\ufeff1" }, 400],
          ["PUT", "/c/k", { type: JSON_TYPE, body: "{" }, 400],
          ["PUT", "/c/k", { type: TEXT, body: new Uint8Array([0xff]) }, 400],
          ["PUT", "/c/k?ttl_ms=-1", { type: TEXT, body: "x" }, 400],
          ["PUT", "/c/k?keep_ttl=1", { type: TEXT, body: "x" }, 400],
          ["POST", "/c/k/add", { type: JSON_TYPE, body: "{}" }, 400],
          ["POST", "/c/k/add", { type: TEXT, body: "1" }, 415],
          ["POST", "/c", { type: JSON_TYPE, body: '{"ops":[]}' }, 400],
          [
            "POST",
            "/c",
            { type: JSON_TYPE, body: '{"ops":[{"op":"x"}]}' },
            400,
          ],
          ["PUT", "/c", { type: JSON_TYPE, body: '{"ttl":1}' }, 400],
          ["PATCH", "/c/k", {}, 405],
        ];
        for (const [method, path, options, status] of cases) {
          const answer = await ask(method, path, options);
          assert.equal(answer.status, status, `${method} ${path}`);
          assert.equal(typeof answer.json.error.message, "string");
        }
        assert.equal(db.member.cluster().groups[1]!.lastIndex, index);
        const bare = await app.request(`${CACHE_BASE}/c/k`);
        assert.equal(bare.status, 401);
        await bare.body?.cancel();
      },
    );

    await step(
      "events tell what is there and what changes, and go on from an id",
      async () => {
        await ask("PUT", "/w/a1", { type: TEXT, body: "1" });
        const watch = async (
          path: string,
          headers: Record<string, string> = {},
        ) => {
          const response = await app.request(`${CACHE_BASE}${path}`, {
            headers: { "x-api-secret": CACHE_SECRET, ...headers },
          });
          assert.equal(
            response.headers.get("content-type"),
            "text/event-stream",
          );
          const reader = response.body!.pipeThrough(new TextDecoderStream())
            .getReader();
          const next = async () => (await reader.read()).value!;
          return { next, end: () => reader.cancel() };
        };
        const events = await watch("/w?watch=a");
        const cleared = /^id: (\d+-\d+)\nevent: reset\n/;
        const nowhere = cleared.exec(await events.next())![1]!;
        assert.match(
          await events.next(),
          /^event: entry\ndata: \{"key":"a1","value":"1",.*\}\n\n$/,
        );
        const id = /^id: (\d+-\d+)\nevent: position\n/.exec(
          await events.next(),
        )![1]!;
        await ask("DELETE", "/w/a1");
        assert.equal(
          await events.next(),
          'event: removed\ndata: {"key":"a1"}\n\n',
        );
        await events.end();
        await ask("PUT", "/w/a2", { type: TEXT, body: "2" });
        const later = await watch("/w?watch=a&since=0-0", {
          "last-event-id": id,
        });
        const [one, two] = [await later.next(), await later.next()].toSorted();
        assert.match(one!, /^event: entry\ndata: \{"key":"a2"/);
        assert.match(two!, /^event: removed/);
        await later.end();
        // Cut off behind a reset, before what is there was told.
        const again = await watch(`/w?watch=a&since=${id}`, {
          "last-event-id": nowhere,
        });
        assert.match(await again.next(), cleared);
        assert.match(await again.next(), /^event: entry\ndata: \{"key":"a2"/);
        await again.end();
      },
    );
    await step("what many watches tell is encoded once", async () => {
      const streams = await Promise.all(
        Array.from({ length: 30 }, async () => {
          const { body } = await app.request(`${CACHE_BASE}/many?watch_key=k`, {
            headers: { "x-api-secret": CACHE_SECRET },
          });
          const reader = body!.getReader();
          for (let i = 0; i < 2; i++) await reader.read();
          return reader;
        }),
      );
      const chunks = streams.map(async (reader) => (await reader.read()).value);
      await ask("PUT", "/many/k", { type: TEXT, body: "x".repeat(1_000_000) });
      const buffers = new Set<ArrayBufferLike>();
      for (const chunk of await Promise.all(chunks)) {
        assert.equal(chunk!.length, 65_536);
        buffers.add(chunk!.buffer);
      }
      assert.equal(buffers.size, 1);
      let length = 65_536;
      while (length < 1_000_000) {
        length += (await streams[0]!.read()).value!.length;
      }
      const { value } = await streams[0]!.read();
      assert.match(new TextDecoder().decode(value), /^id: .*\nevent: position/);
      await Promise.all(streams.map((reader) => reader.cancel()));
    });
  } finally {
    await db.shutdown();
    await Deno.remove(dataDir, { recursive: true });
  }
});
