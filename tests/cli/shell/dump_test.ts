import assert from "node:assert/strict";
import { open } from "../../../src/app/open.ts";
import { dump } from "../../../src/cli/shell/dump.ts";
import { Output } from "../../../src/cli/shell/output.ts";
import { freshSettings } from "../../../src/cli/shell/settings.ts";
import { ShellSession } from "../../../src/cli/shell/shell_session.ts";
import { connect } from "../../../src/client/remote.ts";
import { createApp } from "../../../src/server/app.ts";

const SECRET = "api-secret-0123456789";
const ROWS = 2500;

Deno.test("a dump has every row that a table had when it came to it, whatever goes meanwhile", async () => {
  const dir = await Deno.makeTempDir();
  const db = await open({ dataDir: dir, tickMs: 5, readyTimeoutMs: 60_000 });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    createApp(db.member, { secretApi: SECRET }).fetch,
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  const session = new ShellSession({
    settings: freshSettings(false, false),
    output: new Output(() => {}),
    say: () => {},
    reach: () => connect({ urls: [url], secret: SECRET }),
    timeoutMs: 60_000,
  });
  try {
    await db.batch(`
      CREATE TABLE kv (k INTEGER PRIMARY KEY, v) WITHOUT ROWID;
      WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT ${ROWS})
        INSERT INTO kv SELECT n, n FROM c;
    `);
    const lines: string[] = [];
    for await (const line of dump(session, ["KV"])) {
      if (!line.startsWith("INSERT")) continue;
      if (lines.length === 0) await db.execute("DELETE FROM kv WHERE k < 500");
      lines.push(line);
    }
    assert.equal(lines.length, ROWS);
    assert.equal(
      lines.at(-1),
      'INSERT INTO "kv" ("k", "v") VALUES (2500, 2500);',
    );
  } finally {
    await session.close();
    await server.shutdown();
    await db.shutdown();
    await Deno.remove(dir, { recursive: true });
  }
});
