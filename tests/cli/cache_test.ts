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
    run(["cache", `--url=127.0.0.1:${server.addr.port}`, ...args], {
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
    await db.cache("wild").put("two\nlines\t", "red\u001b[31m\u202e");
    // What a terminal would obey, or another entry's line, is a picture of it.
    assert.equal(
      (await cache("list", "wild")).out,
      "two\u240alines\u2409\tred\u241b[31m\ufffd",
    );
    await db.cache("wild").drop();
    const lines = (await cache("list", "c", "--prefix=b", "--json")).out;
    assert.deepEqual(JSON.parse(lines).value, { $json: '{"n":1}' });
    for (const number of ["1e999", "12345678901234567890", "-1"]) {
      const typed = await cache("put", "j", "n", "--json", "--", number);
      assert.deepEqual([typed.code, typed.error], [0, ""]);
      assert.equal((await cache("get", "j", "n")).out, number);
      assert.equal((await cache("list", "j")).out, `n\t${number}`);
      const json = JSON.parse((await cache("get", "j", "n", "--json")).out);
      assert.deepEqual(json.value, { $json: number });
    }
    assert.equal(await db.cache("j").get("n"), -1);
    await db.cache("j").drop();
    await db.cache("c").setCounter("hits", 2n ** 62n);
    const counted = await cache("counter", "c", "hits", "--consistent");
    assert.equal(counted.out, `${2n ** 62n}`);
    assert.deepEqual(await cache("counter", "c", "none"), {
      code: 1,
      out: "",
      error: "hiqlite cache: There is no counter 'none' in cache 'c'",
    });
    await db.cache("c").deleteCounter("hits");
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
  for (const command of ["get", "put", "list", "del", "counter", "stats"]) {
    assert.match(help.out, new RegExp(`^  ${command} `, "m"));
  }
  assert.match(help.out, /A value that begins with '-' stands behind '--'/);
  const one = (await run(["cache", "put", "--help"])).out.split("\n");
  assert.equal(
    one[0],
    "Usage: hiqlite cache put <cache> <key> <value> [options]",
  );
  assert.ok(!one.some((line) => line.includes("--prefix")));
  for (
    const [args, problem] of [
      [[], "A command is missing"],
      [["x"], "Unknown command 'cache x'"],
      [["get", "c"], "The key is missing"],
      [["put", "c", "k"], "The value is missing"],
      [["get", "c", "k", "x"], "Unexpected argument 'x'"],
      [
        ["put", "c", "k", "-1"],
        "Unknown option '-1'; a value that begins with '-' stands behind '--'",
      ],
      [
        ["put", "c", "k", "v", "--ttl=3153600000001"],
        "--ttl is a whole number from 1 to 3153600000000, not '3153600000001'",
      ],
      [["list", "c", "--limit=0"], "--limit is a whole number from 1 to"],
      [["get", "c", "k", "--ttl=1"], "--ttl means nothing to 'cache get'"],
    ] as const
  ) {
    const { code, error } = await run(["cache", ...args]);
    assert.equal(code, 2);
    assert.ok(error.startsWith(`hiqlite cache: ${problem}`), error);
    const usage: string = error.split("\n")[1]!;
    assert.match(
      usage,
      args[0] === "put"
        ? /^Usage: hiqlite cache put <cache> <key> <value> \[options\]$/
        : /^Usage: hiqlite cache/,
    );
  }
});

Deno.test("hiqlite cache does not wait for an address that can never work", async () => {
  for (const command of [["get", "c", "k"], ["put", "c", "k", "v"]]) {
    const begun = performance.now();
    const { code, error } = await run(
      ["cache", ...command, "--url=127.0.0.1:1"],
      { HQL_SECRET_API: SECRET },
    );
    assert.equal(code, 1);
    assert.ok(performance.now() - begun < 10_000);
    assert.match(error, /127\.0\.0\.1:1 has a port .*; nothing was sent$/);
  }
});
