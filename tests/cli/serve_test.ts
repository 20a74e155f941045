import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/client/remote.ts";
import { freeRange } from "../ports.ts";
import { Program } from "./program.ts";

interface Place {
  readonly env: Record<string, string>;
  readonly api: string;
  readonly dataDir: string;
}

/** Addresses and a folder for a single member. */
async function withPlace(
  work: (place: Place) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  const port = freeRange(1);
  const api = `127.0.0.1:${port + 100}`;
  const dataDir = join(root, "data");
  try {
    await work({
      api,
      dataDir,
      env: {
        HQL_NODES: `1 127.0.0.1:${port} ${api}`,
        HQL_DATA_DIR: dataDir,
      },
    });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Less than the 15 s that a member gives to what is under way, ms. */
const AT_ONCE_MS = 10_000;

const SERVE = ["serve", "--no-config-file"];

Deno.test("serve keeps data and its own secrets over a graceful stop and a kill", () =>
  withPlace(async ({ env, api, dataDir }) => {
    let secret = "";
    const rows = [];
    for (
      const [at, end] of (["SIGTERM", "SIGKILL", "SIGINT"] as const).entries()
    ) {
      await using program = new Program(SERVE, env);
      await program.line(/^Secret +in (.+)$/);
      const kept = await Deno.readTextFile(join(dataDir, "secret_api"));
      if (at > 0) assert.equal(kept, secret);
      secret = kept;
      await using db = connect({ urls: [api], secret: secret.trim() });
      await db.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY)");
      await db.execute("INSERT INTO t DEFAULT VALUES");
      rows.push(await db.queryConsistent("SELECT id FROM t"));
      program.signal(end);
      const { code, signal } = await program.status;
      assert.equal(signal ?? code, end === "SIGKILL" ? end : 0, program.output);
      assert(!program.output.includes(secret.trim()), "the secret was printed");
    }
    assert.deepEqual(rows.map((list) => list.length), [1, 2, 3]);
  }));

Deno.test("serve's curl line works as it is printed", () =>
  withPlace(async ({ env }) => {
    await using program = new Program(SERVE, env);
    const [, line] = await program.line(/^Try +(curl .+)$/);
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", line!.replace("curl", "curl -sS")],
    }).output();
    const { rows } = JSON.parse(new TextDecoder().decode(stdout));
    assert.match(rows[0][0], /^3\.\d+\.\d+$/);
  }));

Deno.test("serve refuses a data folder that another process uses", () =>
  withPlace(async ({ env, api, dataDir }) => {
    await using first = new Program(SERVE, env);
    await first.line(/listening/);
    const secret = await Deno.readTextFile(join(dataDir, "secret_api"));
    await using db = connect({ urls: [api], secret: secret.trim() });
    await db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    const port = freeRange(1);
    await using second = new Program(SERVE, {
      ...env,
      HQL_NODES: `1 127.0.0.1:${port} 127.0.0.1:${port + 100}`,
    });
    const { code } = await second.status;
    assert.equal(code, 1);
    assert.equal(
      second.output,
      `hiqlite serve: The data directory ${dataDir} is in use by another process: stop it, or choose another data_dir`,
    );
    await db.execute("INSERT INTO t DEFAULT VALUES");
    assert.equal((await db.queryConsistent("SELECT * FROM t")).length, 1);
    // A killed process leaves no lock behind.
    first.signal("SIGKILL");
    await first.status;
    await using third = new Program(SERVE, env);
    await third.line(/listening/);
    assert.equal((await db.queryConsistent("SELECT * FROM t")).length, 1);
  }));

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`serve ends with 0 at once when it gets ${signal} before its cluster is formed`, () =>
    withPlace(async ({ env }) => {
      const three = {
        ...env,
        HQL_NODE_ID: "1",
        HQL_NODES: [
          env.HQL_NODES,
          ...[2, 3].map((id) => {
            const port = freeRange(1);
            return `${id} 127.0.0.1:${port} 127.0.0.1:${port + 100}`;
          }),
        ].join("\n"),
        HQL_SECRET_RAFT: "secret-of-the-test-raft",
        HQL_SECRET_API: "secret-of-the-test-api",
      };
      await using program = new Program(SERVE, three);
      await program.line(/waiting for node 2, 3: a cluster is formed when/);
      const begin = performance.now();
      program.signal(signal);
      assert.equal((await program.status).code, 0, program.output);
      const took = performance.now() - begin;
      assert(took < AT_ONCE_MS, `it took ${took} ms`);
    }));
}

Deno.test("serve ends with 0 at once when it is told to stop while it starts, and starts again", () =>
  withPlace(async ({ env }) => {
    for (const delay of [300, 450, 600, 800]) {
      await using program = new Program(SERVE, env);
      await new Promise((resolve) => setTimeout(resolve, delay));
      const begin = performance.now();
      program.signal("SIGTERM");
      const { code, signal } = await program.status;
      // The runtime itself needs a moment before it listens to signals.
      if (program.output !== "") assert.equal(code, 0, program.output);
      else assert(code === 0 || signal === "SIGTERM", `code ${code}`);
      const took = performance.now() - begin;
      assert(took < AT_ONCE_MS, `it took ${took} ms`);
    }
    await using program = new Program(SERVE, env);
    await program.line(/leader is/);
  }));

Deno.test("serve takes the double of a signal, as `deno task` sends it, for one, and ends well", () =>
  withPlace(async ({ env }) => {
    await using program = new Program(SERVE, env);
    await program.line(/leader is/);
    program.signal("SIGINT");
    await program.line(/stopping; a second signal ends at once/);
    program.signal("SIGINT");
    program.signal("SIGINT");
    assert.equal((await program.status).code, 0, program.output);
  }));

Deno.test("serve names the port that is taken", () =>
  withPlace(async ({ env, api }) => {
    const [hostname, port] = api.split(":");
    using _taken = Deno.listen({ hostname: hostname!, port: Number(port) });
    await using program = new Program(SERVE, env);
    const { code } = await program.status;
    assert.equal(code, 1);
    assert.match(
      program.output,
      new RegExp(`listen_addr_api: ${api} is in use`),
    );
  }));

Deno.test("serve writes JSON lines when nobody watches", () =>
  withPlace(async ({ env }) => {
    await using program = new Program(SERVE, env);
    const [line] = await program.line(/.*"listening".*/);
    assert.deepEqual(
      Object.keys(JSON.parse(line)).slice(0, 3),
      ["time", "level", "message"],
    );
  }));

Deno.test("serve stops a query that runs too long and goes on", () =>
  withPlace(async ({ env, api, dataDir }) => {
    await using program = new Program(SERVE, {
      ...env,
      HQL_QUERY_TIMEOUT_MS: "3000",
    });
    await program.line(/^Secret +in (.+)$/);
    const secret = await Deno.readTextFile(join(dataDir, "secret_api"));
    await using db = connect({ urls: [api], secret: secret.trim() });
    await assert.rejects(
      db.query(
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c",
      ),
      { code: "timeout", message: /3000 ms/ },
    );
    assert.deepEqual(await db.query("SELECT 1 AS n"), [{ n: 1 }]);
  }));

Deno.test({
  name:
    "serve refuses a data folder that others can write to, and believes nothing that was planted there",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withPlace(async ({ env, dataDir }) => {
      const victim = `${dataDir}.victim`;
      const planted = "planted-by-somebody-else";
      fs.writeFileSync(victim, "");
      fs.mkdirSync(dataDir);
      fs.chmodSync(dataDir, 0o777);
      fs.writeFileSync(join(dataDir, "secret_api"), planted);
      fs.symlinkSync(victim, join(dataDir, "secret_raft.new"));
      const given = {
        HQL_SECRET_RAFT: "secret-of-the-test-raft",
        HQL_SECRET_API: "secret-of-the-test-api-1",
      };
      for (const secrets of [{}, given]) {
        await using program = new Program(SERVE, { ...env, ...secrets });
        const { code } = await program.status;
        assert.equal(code, 1);
        assert.match(
          program.output,
          new RegExp(
            `${dataDir} cannot be used: others can write to it: it belongs to user \\d+ with mode 777\\. chmod go-w ${dataDir}`,
          ),
        );
        assert.deepEqual(fs.readdirSync(dataDir).sort(), [
          "secret_api",
          "secret_raft.new",
        ]);
      }
      assert.equal(fs.readFileSync(victim, "utf8"), "");
      // Once it is the member's own it is used, and the link is not followed.
      fs.chmodSync(dataDir, 0o700);
      await using program = new Program(SERVE, env);
      await program.line(/^Secret +in (.+)$/);
      program.signal("SIGTERM");
      assert.equal((await program.status).code, 0);
      assert.equal(fs.readFileSync(victim, "utf8"), "");
      assert.ok(fs.lstatSync(join(dataDir, "secret_raft")).isFile());
    }),
});

Deno.test({
  name:
    "serve warns of a configuration that others can read, and of secrets that are too short or the same",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withPlace(async ({ env, dataDir }) => {
      const file = `${dataDir}.toml`;
      const secret = "short-but-not-refused";
      fs.writeFileSync(
        file,
        `[hiqlite]\nsecret_raft = "${secret}"\nsecret_api = "${secret}"\n`,
      );
      fs.chmodSync(file, 0o644);
      await using program = new Program(["serve", "-c", file], env);
      await program.line(/listening/);
      program.signal("SIGTERM");
      assert.equal((await program.status).code, 0);
      const { output } = program;
      assert.ok(output.includes(`with its mode 644 others on this machine`));
      assert.ok(output.includes("secret_raft has 21 characters"));
      assert.ok(output.includes("secret_raft and secret_api are the same"));
      assert.ok(!output.includes(secret));
    }),
});
