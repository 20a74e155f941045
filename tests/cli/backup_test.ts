import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { apiHandler } from "../../src/server/app.ts";
import { open } from "../../src/app/open.ts";
import { run } from "./fake_terminal.ts";

const SECRET = "secret-of-the-test-api";

Deno.test("backup says how it is used, and refuses what it does not know", async () => {
  const help = await run(["backup", "--help"]);
  assert.equal(help.code, 0);
  assert.match(help.out, /^Usage: hiqlite backup <command>/);
  const cases: [string[], RegExp][] = [
    [[], /A command is missing/],
    [["later"], /Unknown command 'backup later'/],
    [["toString"], /Unknown command 'backup toString'/],
    [["get"], /The name is missing/],
    [["list", "x"], /Unexpected argument 'x'/],
    [["get", "x", "y"], /Unexpected argument 'y'/],
  ];
  for (const [args, expected] of cases) {
    const { code, error } = await run(["backup", ...args]);
    assert.equal(code, 2, error);
    assert.match(error, expected);
  }
});

Deno.test("backup now and status ask the cluster; list, verify and get look into the folder without S3", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "hiqlite-backup-" });
  try {
    const dataDir = join(folder, "data");
    await using db = await open({ dataDir });
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      apiHandler(db.member, { secretApi: SECRET }),
    );
    await db.execute("CREATE TABLE t (n INTEGER)");
    const env = { HQL_SECRET_API: SECRET };
    const url = ["--url", `127.0.0.1:${server.addr.port}`];
    const taken = await run(["backup", "now", ...url], env);
    assert.equal(taken.code, 0, taken.error);
    const [, name] =
      /^(backup_node_1_\d+\.sqlite): \d+ bytes, up to index \d+, in the folder backups\/ of 1\./
        .exec(taken.out)!;
    assert.match(taken.error, /takes it, attempt 1 …/);
    const status = await run(["backup", "status", ...url], env);
    assert.match(status.out, new RegExp(`done +${name} +1\\.`));
    const json = await run(["backup", "status", "--json", ...url], env);
    const [{ state, taken_by: by }] = JSON.parse(json.out).backups;
    assert.equal(state, "done");
    assert.match(by, /^1\.[0-9a-f]{16}$/);
    const here = ["--data-dir", dataDir];
    const listed = await run(["backup", "list", ...here]);
    assert.match(listed.out, new RegExp(`^${name} .* not sealed$`, "m"));
    const verified = await run(["backup", "verify", ...here]);
    assert.equal(verified.code, 0, verified.error);
    assert.match(verified.out, new RegExp(`^name +${name}$`, "m"));
    assert.match(verified.out, /^compared +with no record/m);
    const compared = await run(["backup", "verify", ...url, ...here], env);
    assert.match(compared.out, /^compared +equal to the cluster's record$/m);
    const path = join(dataDir, "backups", name!);
    const whole = Deno.readFileSync(path);
    // A byte that SQLite does not look at: its own version number in the header.
    whole[99]! ^= 1;
    Deno.writeFileSync(path, whole);
    const other = await run(["backup", "verify", ...url, ...here], env);
    assert.equal(other.code, 1);
    assert.match(other.error, /is whole, but not what was stored/);
    const copy = join(folder, "copy.sqlite");
    const got = await run(["backup", "get", name!, "--to", copy, ...here]);
    assert.equal(got.code, 0, got.error);
    const rekeyed = await run(["backup", "rekey", ...here]);
    assert.equal(rekeyed.code, 1);
    assert.match(rekeyed.error, /No keys are configured/);
    const none = await run(["backup", "get", "latest", "--data-dir", folder]);
    assert.equal(none.code, 1);
    assert.match(none.error, /There is no backup in the store/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
