import assert from "node:assert/strict";
import { open } from "../../src/app/open.ts";
import { createApp } from "../../src/server/app.ts";
import { run } from "./fake_terminal.ts";

const SECRET = "api-secret-0123456789";

Deno.test("hiqlite notify publishes, hiqlite listen shows what is published", async () => {
  const dataDir = await Deno.makeTempDir();
  const db = await open({ dataDir, tickMs: 5, readyTimeoutMs: 20_000 });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    createApp(db.member, { secretApi: SECRET }).fetch,
  );
  const hiqlite = (...args: string[]) =>
    run([...args, `--url=127.0.0.1:${server.addr.port}`], {
      HQL_SECRET_API: SECRET,
    });
  try {
    const one = await hiqlite("notify", "orders.new", "two words");
    assert.deepEqual([one.code, one.error], [0, ""]);
    assert.match(one.out, /^[0-9a-f]{12}-\d+-1$/);
    const two = await hiqlite("notify", "orders.old", '{"n":[1]}', "--json");
    await db.notify("orders.bytes", new Uint8Array([1, 2]));
    await db.notify("orders.lines", "a\nb");
    const all = await hiqlite(
      "listen",
      "orders.*",
      "--since=oldest",
      "--count=4",
    );
    assert.deepEqual([all.code, all.error], [0, ""]);
    assert.deepEqual(
      all.out.split("\n").map((line) => line.split("\t").slice(1)),
      [
        ["orders.new", "two words"],
        ["orders.old", '{"n":[1]}'],
        ["orders.bytes", "AQI="],
        ["orders.lines", '"a\\nb"'],
      ],
    );
    const rest = await hiqlite(
      "listen",
      "orders.old",
      "orders.bytes",
      `--since=${one.out}`,
      "--json",
      "--count=2",
    );
    const lines = rest.out.split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines[0], {
      kind: "event",
      id: two.out,
      topic: "orders.old",
      data: { n: [1] },
    });
    assert.deepEqual(lines[1].data, { $blob: "AQI=" });
    const elsewhere = one.out.replace(/^.{12}/, "000000000000");
    const listening = hiqlite(
      "listen",
      "t",
      `--since=${elsewhere}`,
      "--count=1",
    );
    let heard = false;
    void listening.finally(() => heard = true);
    // It goes on from what is there when it is told so, which is after it is counted.
    for (let i = 0; i < 200 && !heard; i++) {
      if (db.member.topics.report().listeners > 0) await db.notify("t", "x");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.ok(heard, "nothing was heard");
    const reset = await listening;
    assert.match(
      reset.error,
      /^What came after 000000000000-\d+-1 is not known; going on from /,
    );
    assert.match(reset.out, /\tt\tx$/);
  } finally {
    await server.shutdown();
    await db.shutdown();
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("hiqlite notify and listen say what is wrong with a command line", async () => {
  for (
    const [args, message] of [
      [["notify"], /The topic is missing/],
      [["notify", "t"], /The data is missing/],
      [["notify", "t", "a", "b"], /Unexpected argument 'b'/],
      [["notify", "t", "{", "--json"], /The data is not JSON/],
      [["listen"], /The topic is missing/],
      [["listen", "t", "--count=0"], /--count is a whole number/],
      [["listen", "t", "--since"], /--since/],
    ] as const
  ) {
    const { code, error } = await run(args);
    assert.equal(code, 2, args.join(" "));
    assert.match(error, message);
  }
});
