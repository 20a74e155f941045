import assert from "node:assert/strict";
import { connect } from "../../src/client/remote.ts";
import { freeRange } from "../ports.ts";
import { run } from "./fake_terminal.ts";
import { Program } from "./program.ts";

/** Runs `hiqlite dev` with three members. */
async function withCluster(
  work: (program: Program, urls: string[], dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const port = freeRange(3);
  try {
    await using program = new Program([
      "dev",
      `--port=${port}`,
      `--dir=${dir}/cluster`,
    ]);
    await program.line(/The cluster is ready/);
    const urls = [0, 1, 2].map((at) => `127.0.0.1:${port + 100 + at}`);
    await work(program, urls, `${dir}/cluster`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Waits until nothing listens on an address any more. */
async function closed(url: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    try {
      await (await fetch(`http://${url}/ping`)).text();
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} still answers`);
}

Deno.test("dev runs three members that go on when one is killed, and ends them", () =>
  withCluster(async (program, urls, dir) => {
    const secret = (await Deno.readTextFile(`${dir}/secret_api`)).trim();
    await using db = connect({ urls, secret });
    await db.execute("CREATE TABLE t (v)");
    for (const url of urls) {
      await using member = connect({ urls: [url], secret });
      await member.execute("INSERT INTO t VALUES (?)", [url]);
    }
    const [, address, link] = await program.line(
      /^ +(http:\/\/.+\/dashboard\/)#login=([\w.-]+)$/,
    );
    const signedIn = await fetch(`${address}api/session`, {
      method: "POST",
      headers: {
        "sec-fetch-site": "same-origin",
        "content-type": "application/json",
      },
      body: JSON.stringify({ link }),
    });
    assert.equal((await signedIn.json()).role, "admin");
    const [, command] = await program.line(/: hiqlite (open --url .+)$/);
    const another = await run(command!.split(" "));
    assert.match(
      another.out,
      /^http:\/\/.+\/dashboard\/#login=/,
      another.error,
    );
    const leader = (await db.cluster()).leader!.split(".")[0];
    const [, pid] = await program.line(
      new RegExp(`member ${leader}: .* process (\\d+)`),
    );
    Deno.kill(Number(pid), "SIGKILL");
    await program.line(new RegExp(`^\\[${leader}\\] ended with SIGKILL`));
    await db.execute("INSERT INTO t VALUES ('after')");
    const [row] = await db.queryConsistent("SELECT count(*) AS n FROM t");
    assert.deepEqual(row, { n: 4 });
    program.signal("SIGTERM");
    const { code } = await program.status;
    assert.equal(code, 0, program.output);
    for (const url of urls) await closed(url);
    assert(!program.output.includes(secret), "the secret was printed");
  }));

Deno.test("dev's members end when dev is killed", () =>
  withCluster(async (program, urls) => {
    program.signal("SIGKILL");
    await program.status;
    for (const url of urls) await closed(url);
  }));

Deno.test("dev ends with the reason when a member cannot start", async () => {
  const dir = await Deno.makeTempDir();
  const port = freeRange(3);
  using _taken = Deno.listen({ hostname: "127.0.0.1", port: port + 1 });
  try {
    await using program = new Program([
      "dev",
      `--port=${port}`,
      `--dir=${dir}/cluster`,
    ]);
    const { code } = await program.status;
    assert.equal(code, 1);
    assert.match(program.output, /\[2\] .*in use by another process/);
    assert.match(program.output, /Member 2 ended with code 1/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
