import assert from "node:assert/strict";
import { open } from "../../src/app/open.ts";
import { createApp } from "../../src/server/app.ts";
import { run } from "./fake_terminal.ts";

const SECRET = "api-secret-0123456789";

Deno.test("hiqlite changes shows which tables of a running member change", async () => {
  const dataDir = await Deno.makeTempDir();
  const db = await open({ dataDir, tickMs: 5, readyTimeoutMs: 20_000 });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    createApp(db.member, { secretApi: SECRET }).fetch,
  );
  const changes = (...args: string[]) =>
    run(["changes", `--url=127.0.0.1:${server.addr.port}`, ...args], {
      HQL_SECRET_API: SECRET,
    });
  try {
    const { index } = await db.execute("CREATE TABLE note (x)");
    const since = `--since=${index - 1}`;
    assert.deepEqual(await changes(since, "--count", "1"), {
      code: 0,
      out: `${index}\tnote\t(schema)`,
      error: "",
    });
    await db.execute("CREATE TABLE other (x)");
    const last = await db.execute("INSERT INTO note VALUES (1)");
    const some = await changes("--table=NOTE", since, "--count=1", "--json");
    const { position, ...change } = JSON.parse(some.out);
    assert.deepEqual(change, {
      index: last.index,
      tables: ["note"],
      schema: true,
      reset: false,
    });
    assert.match(position, /^[0-9a-f-]{36}-\d+$/);
    const gone = position.replace(/^.{8}/, "00000000");
    const reset = await changes(`--since=${gone}`, "--count=1");
    assert.equal(reset.out, `${last.index}\treset`);
    for (
      const [args, message] of [
        [
          ["--count=0"],
          /--count is a whole number from 1 to 9999999999999, not '0'/,
        ],
        [["x"], /Unexpected argument 'x'/],
      ] as const
    ) {
      const { code, error } = await changes(...args);
      assert.equal(code, 2);
      assert.match(error, message);
    }
    const wrong = await changes("--since=yesterday");
    assert.equal(wrong.code, 1);
    assert.match(wrong.error, /since: expected an index, or the position/);
  } finally {
    await server.shutdown();
    await db.shutdown();
    await Deno.remove(dataDir, { recursive: true });
  }
});
