import assert from "node:assert/strict";
import { open } from "../../src/app/open.ts";
import { createApp } from "../../src/server/app.ts";
import { run } from "./fake_terminal.ts";

const SECRET = "api-secret-0123456789";

Deno.test("hiqlite lock shows who holds locks, and takes one away when it is told which", async () => {
  const dataDir = await Deno.makeTempDir();
  const db = await open({ dataDir, tickMs: 5, readyTimeoutMs: 20_000 });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    createApp(db.member, { secretApi: SECRET }).fetch,
  );
  const lock = (...args: string[]) =>
    run(["lock", `--url=127.0.0.1:${server.addr.port}`, ...args], {
      HQL_SECRET_API: SECRET,
    });
  try {
    assert.match((await lock("list")).out, /^NAME +TOKEN +OWNER/);
    const held = await db.lock("job", { value: "here" });
    const { out } = await lock("list", "job", "--consistent");
    assert.match(
      out,
      new RegExp(
        `job +${held.token} +node 1 +65536/65536 +\\d+\\.\\d s +0 +here`,
      ),
    );
    const json = JSON.parse((await lock("list", "--json")).out);
    assert.equal(json.locks[0].token, held.token);
    const asked = await lock("release", "job");
    assert.equal(asked.code, 1);
    assert.match(asked.out, /^job +/m);
    assert.match(
      asked.error,
      new RegExp(`^Nothing was done; .* --token ${held.token} ends this$`),
    );
    assert.ok(held.held);
    const wrong = await lock("release", "job", `--token=${held.token + 1}`);
    assert.equal(wrong.code, 1);
    assert.match(wrong.error, /is not held under the token/);
    const done = await lock("release", "job", `--token=${held.token}`);
    assert.deepEqual(done, { code: 0, out: "", error: "" });
    await assert.rejects(
      db.execute("CREATE TABLE t (x)", [], { fence: held }),
      { code: "fenced" },
    );
    const none = await lock("release", "job");
    assert.deepEqual([none.code, none.error], [
      1,
      "hiqlite lock: Nobody holds the lock 'job'",
    ]);
    for (
      const [args, error] of [
        [[], /A command is missing/],
        [["steal"], /Unknown command 'lock steal'/],
        [["release"], /The name is missing/],
        [["list", "a", "b"], /Unexpected argument 'b'/],
        [["list", "--token=1"], /--token means nothing to 'lock list'/],
        [
          ["release", "job", "--token=x"],
          /expected an integer from 1, got 'x'/,
        ],
      ] as const
    ) {
      const result = await lock(...args);
      assert.equal(result.code, 2);
      assert.match(result.error, error);
    }
  } finally {
    await server.shutdown();
    await db.shutdown();
    await Deno.remove(dataDir, { recursive: true });
  }
});
