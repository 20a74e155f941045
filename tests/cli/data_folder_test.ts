import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { open } from "../../src/app/open.ts";

const STRANGER = new URL("./stranger.ts", import.meta.url).pathname;
/** Who runs the program: this user, or nobody in particular if this one may do everything. */
const USER = Deno.uid() === 0 ? 65_534 : Deno.uid()!;

/** Runs `serve` without the superuser's rights, until it refuses. */
async function serve(
  dataDir: string,
): Promise<{ readonly code: number; readonly out: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", "--cached-only", "--quiet", STRANGER],
      ...["serve", "--no-config-file"],
    ],
    env: {
      TEST_USER: `${USER}`,
      HQL_NODES: "1 127.0.0.1:1 127.0.0.1:2",
      HQL_DATA_DIR: dataDir,
      HQL_SECRET_RAFT: "secret-of-the-tests-of-raft",
      HQL_SECRET_API: "secret-of-the-tests-of-apis",
    },
    stdin: "null",
    stdout: "null",
  }).output();
  return { code, out: new TextDecoder().decode(stderr) };
}

/** Gives the folder and all in it to the user. */
function giveAway(path: string): void {
  if (USER === Deno.uid()) return;
  fs.chownSync(path, USER, USER);
  if (!fs.statSync(path).isDirectory()) return;
  for (const name of fs.readdirSync(path)) giveAway(join(path, name));
}

/** Names and sizes of everything below a folder. */
function listing(path: string): string[] {
  return fs.readdirSync(path, { recursive: true, encoding: "utf8" })
    .map((name) => `${name} ${fs.statSync(join(path, name)).size}`).sort();
}

const OUT_OF_REACH = [
  "",
  "lock",
  "identity.json",
  "logs",
  "logs/segment-000001",
  "state_machine",
  "state_machine/current",
  "state_machine/db-00000001",
  "state_machine/db-00000001/hiqlite.db",
];

Deno.test({
  name:
    "serve names what it may not use of its data folder, whose it is and what to do, without a stack, and changes nothing",
  ignore: Deno.build.os === "windows",
  fn: async (t) => {
    const root = await Deno.makeTempDir();
    const dataDir = join(root, "data");
    try {
      fs.chmodSync(root, 0o755);
      const db = await open({ dataDir });
      await db.execute("CREATE TABLE t (n)");
      await db.shutdown();
      const before = listing(dataDir);
      for (const name of OUT_OF_REACH) {
        await t.step(name || "the folder itself", async () => {
          giveAway(dataDir);
          const path = join(dataDir, name);
          const { mode } = fs.statSync(path);
          if (USER !== Deno.uid()) fs.chownSync(path, Deno.uid()!, Deno.gid()!);
          fs.chmodSync(path, 0);
          const { code, out } = await serve(dataDir);
          fs.chmodSync(path, mode & 0o777);
          assert.equal(code, 1, out);
          const remedy = USER === Deno.uid()
            ? `chmod -R u+rwX ${dataDir}`
            : `chown -R ${USER} ${dataDir}, or run it as user ${Deno.uid()}`;
          assert.equal(
            out,
            `hiqlite serve: The data directory ${dataDir} cannot be used: it may not read and write ${path}, which belongs to user ${Deno.uid()} with mode 0, and this process runs as user ${USER}: ${remedy}. Nothing was changed\n`,
          );
          assert.deepEqual(listing(dataDir), before);
        });
      }
      await t.step("a folder that cannot be made", async () => {
        fs.chmodSync(root, 0o555);
        const { code, out } = await serve(join(root, "a", "b"));
        assert.equal(code, 1, out);
        assert.match(out, /b cannot be used: it cannot be made: .* belongs to/);
      });
      await t.step("what is no folder", async () => {
        fs.chmodSync(root, 0o755);
        fs.writeFileSync(join(root, "file"), "");
        const { code, out } = await serve(join(root, "file"));
        assert.equal(code, 1, out);
        assert.match(out, /file cannot be used: it is not a folder/);
      });
      // Nothing was harmed.
      fs.chownSync(dataDir, Deno.uid()!, Deno.gid()!);
      const again = await open({ dataDir });
      assert.deepEqual(await again.query("SELECT * FROM t"), []);
      await again.shutdown();
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});
