import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { open } from "../../src/app/open.ts";
import { Authority } from "../../src/tls/authority.ts";
import { SECRET_API, TestCluster } from "../cluster/harness.ts";
import { NODE } from "../cluster/requirements.ts";
import { freePorts } from "../ports.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROGRAM = join(ROOT, "tests/npm/in_node.mjs");
/** Not checked with the rest: what it imports is there once the package is. */
const TYPED = join(ROOT, "tests/npm/typed.txt");
const TLS_SECRET = "the-secret-of-this-api";
const obstacle = await NODE.obstacle();
const left = obstacle === "" ? "" : ` (not tested here: ${obstacle})`;

async function run(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** Packs the package as `npm publish` would, and installs it in a folder. */
async function install(folder: string): Promise<void> {
  await run(Deno.execPath(), ["task", "npm"], ROOT);
  const from = join(ROOT, "dist/npm");
  await run(
    "npm",
    ["pack", "--silent", `--pack-destination=${folder}`, from],
    folder,
  );
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  await Deno.writeTextFile(join(folder, "package.json"), '{"type":"module"}');
  const quiet = ["--offline", "--no-audit", "--no-fund", "--silent"];
  await run("npm", ["install", ...quiet, `./${tarball}`], folder);
  await Deno.copyFile(PROGRAM, join(folder, "main.mjs"));
}

/** Lines of a child, as they come. */
async function* linesOf(child: Deno.ChildProcess): AsyncGenerator<string> {
  let rest = "";
  for await (
    const text of child.stdout.pipeThrough(new TextDecoderStream())
  ) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

Deno.test({
  name:
    `the npm package in Node: writes, reads, streams, listens, and goes on when the leader is killed${left}`,
  ignore: obstacle !== "",
  async fn() {
    const folder = await Deno.makeTempDir();
    const [raft, api] = freePorts(2);
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const [cluster] = await Promise.all([TestCluster.start(), install(folder)]);
    stack.use(cluster);
    stack.use(
      await open({
        dataDir: join(folder, "tls"),
        nodes: [{ id: 1, raft: `127.0.0.1:${raft}`, api: `127.0.0.1:${api}` }],
        secretRaft: "the-secret-of-the-raft",
        secretApi: TLS_SECRET,
        cache: false,
        tlsAutoCertificates: true,
      }),
    );
    await Deno.copyFile(TYPED, join(folder, "typed.ts"));
    const manual = "--node-modules-dir=manual";
    await run(Deno.execPath(), ["check", manual, "typed.ts"], folder);
    const reach = {
      urls: cluster.nodes.map((node) => cluster.network.apiUrl(node)),
      secret: SECRET_API,
      tls: {
        url: `https://127.0.0.1:${api}`,
        secret: TLS_SECRET,
        ca: (await Authority.derive("api", TLS_SECRET)).certificate(),
      },
    };
    const child = new Deno.Command("node", {
      args: ["main.mjs", JSON.stringify(reach)],
      cwd: folder,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const hang = setTimeout(() => child.kill("SIGKILL"), 120_000);
    const complaints = new Response(child.stderr).text();
    const said: string[] = [];
    for await (const line of linesOf(child)) {
      said.push(line);
      if (line !== "kill null") continue;
      await cluster.killMember(await cluster.waitLeader());
      const input = child.stdin.getWriter();
      await input.write(new TextEncoder().encode("killed\n"));
      await input.close();
    }
    const { code } = await child.status;
    clearTimeout(hang);
    assert.deepEqual([code, await complaints], [0, ""], said.join("\n"));
    assert.deepEqual(said, [
      "written 1",
      'read ["hello","9007199254740993"]',
      "streamed 200010000",
      'heard {"from":"node"}',
      'failed [true,"sql"]',
      "same true",
      "kill null",
      'survived [{"n":2}]',
      'verified [{"one":1}]',
      'verified [{"one":1}]',
      'refused ["no_leader",true]',
    ]);
  },
});
