import assert from "node:assert/strict";
import { open } from "../../src/app/open.ts";
import { createApp } from "../../src/server/app.ts";
import { run } from "./fake_terminal.ts";

const SECRET = "api-secret-0123456789";

Deno.test("hiqlite cache reads and changes the caches of a running member", async () => {
  const dataDir = await Deno.makeTempDir();
  const db = await open({ dataDir, tickMs: 5, readyTimeoutMs: 20_000 });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    createApp(db.member, { secretApi: SECRET }).fetch,
  );
  const cache = (...args: string[]) =>
    run(["cache", ...args, `--url=127.0.0.1:${server.addr.port}`], {
      HQL_SECRET_API: SECRET,
    });
  try {
    const put = await cache("put", "c", "a", "hello", "--ttl", "60000");
    assert.deepEqual([put.code, put.error], [0, ""]);
    assert.match(put.out, /^1-\d+$/);
    assert.equal((await cache("get", "c", "a")).out, "hello");
    const shown = await cache("get", "c", "a", "--json", "--consistent");
    const { value, version, ttl_ms } = JSON.parse(shown.out);
    assert.deepEqual([value, version], ["hello", put.out]);
    assert.ok(ttl_ms > 50_000);
    const taken = await cache("put", "c", "a", "x", "--if-absent");
    assert.equal(taken.code, 1);
    assert.match(taken.error, /Condition 0 does not hold/);
    await cache("put", "c", "b", '{"n":1}', "--json");
    await db.cache("c").put("c", new Uint8Array([1, 2]));
    assert.equal(
      (await cache("list", "c")).out,
      'a\thello\nb\t{"n":1}\nc\tAQI=',
    );
    const some = await cache("list", "c", "--limit=1", "--reverse");
    assert.equal(some.out, "c\tAQI=");
    assert.equal(some.error, "There may be more; --limit 2 shows them");
    const lines = (await cache("list", "c", "--prefix=b", "--json")).out;
    assert.deepEqual(JSON.parse(lines).value, { $json: '{"n":1}' });
    const stats = (await cache("stats")).out.split("\n");
    assert.match(stats[0]!, /^cache +entries +counters +bytes +hits/);
    assert.match(stats[1]!, /^c +3 +0 +\d+ /);
    const json = JSON.parse((await cache("stats", "--json")).out);
    assert.equal(json.caches[0].entries, 3);
    assert.deepEqual(await cache("del", "c", "a"), {
      code: 0,
      out: "",
      error: "",
    });
    for (const command of ["get", "del"]) {
      const gone = await cache(command, "c", "a");
      assert.deepEqual(gone, {
        code: 1,
        out: "",
        error: "hiqlite cache: There is no entry 'a' in cache 'c'",
      });
    }
  } finally {
    await server.shutdown();
    await db.shutdown();
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("hiqlite cache explains itself, and what is wrong with a command line", async () => {
  const help = await run(["cache", "--help"]);
  assert.equal(help.code, 0);
  for (const command of ["get", "put", "list", "del", "stats"]) {
    assert.match(help.out, new RegExp(`^  ${command} `, "m"));
  }
  for (
    const [args, problem] of [
      [[], "A command is missing"],
      [["x"], "Unknown command 'cache x'"],
      [["get", "c"], "The key is missing"],
      [["put", "c", "k"], "The value is missing"],
      [["get", "c", "k", "x"], "Unexpected argument 'x'"],
      [["get", "c", "k", "--ttl=1"], "--ttl means nothing to 'cache get'"],
    ] as const
  ) {
    const { code, error } = await run(["cache", ...args]);
    assert.equal(code, 2);
    assert.ok(error.startsWith(`hiqlite cache: ${problem}`), error);
  }
});
