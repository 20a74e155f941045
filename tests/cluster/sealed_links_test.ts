import assert from "node:assert/strict";
import { Relay } from "../network/raw.ts";
import { freePorts } from "../ports.ts";
import { poll, TestCluster } from "./harness.ts";
import { LoopbackNetwork } from "./loopback.ts";
import type { Node } from "./network.ts";

/** What a member's configuration says of a node. */
interface NodeLine {
  readonly id: Node;
  readonly raft: string;
  readonly api: string;
}

function linesOf(environment: Readonly<Record<string, string>>): NodeLine[] {
  return environment.HQL_NODES!.split("\n").map((line) => {
    const [id, raft, api] = line.split(" ");
    return { id: Number(id), raft: raft!, api: api! };
  });
}

function environmentOf(lines: readonly NodeLine[]): Record<string, string> {
  const nodes = lines.map(({ id, raft, api }) => `${id} ${raft} ${api}`);
  return { HQL_NODES: nodes.join("\n") };
}

/** Members that reach one another through relays, which record everything. */
class RecordedNetwork extends LoopbackNetwork {
  readonly captured: Uint8Array[] = [];
  readonly #relays: readonly Relay[];

  constructor(nodes: number) {
    super({ nodes });
    this.#relays = linesOf(super.environment(1)).map(({ raft }) =>
      new Relay(raft, (bytes) => {
        this.captured.push(bytes);
        return bytes;
      })
    );
  }

  override environment(node: Node): Readonly<Record<string, string>> {
    const own = super.environment(node);
    const lines = linesOf(own).map((line) =>
      line.id === node
        ? line
        : { ...line, raft: this.#relays[line.id - 1]!.address }
    );
    return { ...own, ...environmentOf(lines) };
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    for (const relay of this.#relays) await relay.close();
    await super[Symbol.asyncDispose]();
  }
}

Deno.test("who records all links of a cluster with the default configuration sees nothing of what is written", async () => {
  const network = new RecordedNetwork(3);
  await using cluster = await TestCluster.start({ network });
  const marker = "a-marker-that-nobody-may-see";
  await cluster.write(1, "CREATE TABLE t (x TEXT NOT NULL)");
  for (const node of cluster.nodes) {
    for (let i = 0; i < 5; i++) {
      await cluster.write(node, `INSERT INTO t VALUES ('${marker}')`);
    }
  }
  const long = `INSERT INTO t VALUES ('${"x".repeat(50_000)}')`;
  await cluster.write(1, long);
  await cluster.assertEqualContents();
  const all = network.captured
    .map((bytes) => new TextDecoder("latin1").decode(bytes)).join("");
  assert.ok(all.length > 150_000, `${all.length} bytes were recorded`);
  assert.match(all, /Upgrade: hiqlite-link/);
  for (const word of [marker, "marker", "INSERT", "CREATE", "xxxxxxxx"]) {
    assert.ok(!all.includes(word), `${word} can be read`);
  }
});

/** Node 2 as it is started a second time: at addresses of its own, with the same peers. */
class TwinNetwork extends LoopbackNetwork {
  readonly #original: LoopbackNetwork;
  readonly #ports = freePorts(2);

  constructor(original: LoopbackNetwork) {
    super({ nodes: 3 });
    this.#original = original;
  }

  override environment(node: Node): Readonly<Record<string, string>> {
    const own = this.#original.environment(node);
    const [raft, api] = this.#ports.map((port) => `127.0.0.1:${port}`);
    const lines = linesOf(own).map((line) =>
      line.id === node ? { ...line, raft: raft!, api: api! } : line
    );
    return { ...own, ...environmentOf(lines) };
  }
}

/** How often links of a member broke. */
async function linksLost(cluster: TestCluster, node: Node): Promise<number> {
  return (await cluster.log(node)).match(/"link down"/g)?.length ?? 0;
}

Deno.test("a member that is started twice, the second time with an empty volume, is refused in words and disturbs nobody", async () => {
  const network = new LoopbackNetwork({ nodes: 3 });
  await using cluster = await TestCluster.start({ network });
  await cluster.write(1, "CREATE TABLE t (n INTEGER)");
  const lost = async (): Promise<number[]> =>
    await Promise.all(cluster.nodes.map((node) => linksLost(cluster, node)));
  const before = await lost();
  await using twins = await TestCluster.start({
    network: new TwinNetwork(network),
    idle: true,
  });
  await twins.startMember(2);
  for (const other of [1, 3]) {
    await poll(
      `node ${other} to say what it refuses`,
      60_000,
      async () =>
        /two processes say that they are node 2: 2\.\w+ at .* is linked and lives/
          .test(await cluster.log(other)),
    );
    await poll(
      `the twin to say why node ${other} does not let it in`,
      60_000,
      async () =>
        new RegExp(
          `no link with node ${other} .*another process with this node id and another data directory is linked with it and lives: stop one of the two`,
        ).test(await twins.log(2)),
    );
  }
  // It goes on trying: the members do not feel it.
  for (let i = 0; i < 20; i++) {
    for (const node of cluster.nodes) {
      assert.equal(await cluster.api(node).whyNotReady(5_000), null);
      await cluster.write(node, `INSERT INTO t VALUES (${i})`);
    }
  }
  assert.deepEqual(await lost(), before);
  await cluster.assertEqualContents();
  const metrics = await (await fetch(`${network.apiUrl(1)}/metrics`)).text();
  assert.match(metrics, /^hiqlite_raft_connections_refused_total [1-9]/m);
});
