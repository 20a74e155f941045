import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { open } from "../../src/app/open.ts";
import { Authority } from "../../src/tls/authority.ts";
import { SECRET_API, TestCluster } from "../cluster/harness.ts";
import { BUN, NODE, testNeeding, toolPath } from "../cluster/requirements.ts";
import { freePorts } from "../ports.ts";
import { install, run } from "./install.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROGRAM = join(ROOT, "tests/npm/in_node.mjs");
/** Not checked with the rest: what it imports is there once the package is. */
const TYPED = join(ROOT, "tests/npm/typed.txt");
const TLS_SECRET = "the-secret-of-this-api";

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

/** What a program that uses the package comes to in another runtime. */
async function usePackage(runtime: string): Promise<void> {
  const folder = await Deno.makeTempDir();
  const [raft, api] = freePorts(2);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const [cluster] = await Promise.all([TestCluster.start(), install(folder)]);
  await Deno.copyFile(PROGRAM, join(folder, "main.mjs"));
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
  const child = new Deno.Command(runtime, {
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
}

const testInNode = await testNeeding(NODE);
const testInBun = await testNeeding(BUN);

testInNode(
  "the npm package in Node: writes, reads, streams, listens, and goes on when the leader is killed",
  () => usePackage("node"),
);

testInBun(
  "the npm package in Bun: writes, reads, streams, listens, and goes on when the leader is killed",
  async () => await usePackage(await toolPath("bun")),
);
