import assert from "node:assert/strict";
import { join } from "node:path";
import { connect, type RemoteClient } from "../../src/client/remote.ts";
import { made, TestAuthority, writePair } from "../tls/pems.ts";
import { poll, SECRET_API, TestCluster } from "./harness.ts";
import type { Node } from "./network.ts";

/** Clusters whose API speaks TLS are asked by clients of ours. */
class TlsCluster implements AsyncDisposable {
  readonly cluster: TestCluster;
  readonly #ca: string | undefined;
  readonly #clients: RemoteClient[] = [];

  constructor(cluster: TestCluster, ca?: string) {
    this.cluster = cluster;
    this.#ca = ca;
  }

  url(node: Node): string {
    return this.cluster.network.apiUrl(node).replace("http:", "https:");
  }

  /** A client of one member, or of all. */
  client(nodes: readonly Node[] = this.cluster.nodes): RemoteClient {
    const client = connect({
      urls: nodes.map((node) => this.url(node)),
      secret: SECRET_API,
      ca: this.#ca,
    });
    this.#clients.push(client);
    return client;
  }

  /** Starts all members, since together they found the cluster. */
  async start(): Promise<this> {
    for (const node of this.cluster.nodes) await this.cluster.startMember(node);
    const client = this.client();
    await poll("the cluster to take a write", 60_000, async () => {
      try {
        await client.execute("CREATE TABLE IF NOT EXISTS t (x TEXT)");
        return true;
      } catch {
        return false;
      }
    });
    return this;
  }

  async leader(): Promise<number> {
    const { members } = await this.client().cluster();
    return members.find(({ role }) => role === "leader")!.nodeId;
  }

  async term(): Promise<number> {
    return (await this.client().cluster()).groups[0]!.term;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.shutdown()));
    await this.cluster[Symbol.asyncDispose]();
  }
}

function automatic(
  environment: Readonly<Record<string, string>> = {},
): Promise<TestCluster> {
  return TestCluster.start({
    idle: true,
    environment: {
      HQL_TLS_AUTO_CERTS: "true",
      // A busy machine takes a leader's time by itself; strangers must not take seconds of it.
      HQL_ELECTION_TICKS: "30",
      ...environment,
    },
  });
}

/** Reads what members have said from now on. */
async function saidBy(
  { cluster }: TlsCluster,
  nodes: readonly Node[],
): Promise<(node: Node) => Promise<string>> {
  const before = new Map<Node, number>();
  for (const node of nodes) before.set(node, (await cluster.log(node)).length);
  return async (node) => (await cluster.log(node)).slice(before.get(node));
}

/** Milliseconds of `calls` in a row. */
async function timed(
  calls: number,
  call: () => Promise<unknown>,
): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < calls; at++) {
    const begin = performance.now();
    await call();
    times.push(performance.now() - begin);
  }
  return times;
}

/** The delayed acknowledgement that a small write waits for behind another, if there is Nagle: 40 ms, and nothing else takes just that. */
function stalls(times: readonly number[]): number {
  return times.filter((ms) => ms >= 38 && ms <= 60).length;
}

Deno.test("automatic certificates, on one cluster", async (t) => {
  await using tls = await new TlsCluster(await automatic()).start();
  const { cluster } = tls;
  await t.step(
    "it works, verified without a file, and answers do not wait for acknowledgements",
    () => works(tls),
  );
  await t.step(
    "silence, garbage, plain requests and 2,000 connections on both ports end no member and no leadership",
    () => hostile(tls),
  );
  await t.step(
    "a member with another secret_raft gets no link, and the log names the key",
    () => otherSecret(tls),
  );
  await cluster.killMember(3);
  await t.step(
    "members of which one speaks no TLS say so on both sides",
    () => plainMember(tls),
  );
});

async function works(tls: TlsCluster): Promise<void> {
  const client = tls.client([1]);
  const statement = `INSERT INTO t VALUES ('${"x".repeat(3000)}')`;
  const calls: Record<string, () => Promise<unknown>> = {
    "writes of 3 KB": () => client.execute(statement),
  };
  for (const kilobytes of [2, 20, 100]) {
    calls[`answers of ${kilobytes} KB`] = () =>
      client.query(`SELECT printf('%.*c', ${kilobytes * 1024}, 'x') AS x`);
  }
  for (const [what, call] of Object.entries(calls)) {
    // Nagle stalls each of them; a busy machine some.
    const stalled = stalls(await timed(100, call));
    assert.ok(stalled < 50, `${what}: ${stalled} of 100 took 38 to 60 ms`);
  }
  for (const node of tls.cluster.nodes) {
    const plain = tls.cluster.network.apiUrl(node);
    const answer = await fetch(`${plain}/ping`);
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /This port speaks TLS/);
    const metrics = await tls.client([node]).metrics();
    for (const listener of ["raft", "api"]) {
      const metric =
        `hiqlite_tls_not_after_seconds\\{listener="${listener}"\\} (\\d+)`;
      const [, seconds] = new RegExp(metric).exec(metrics)!;
      const years = (Number(seconds) * 1000 - Date.now()) / 31_557_600_000;
      assert.ok(years > 9.9 && years < 10.1, `${years}`);
    }
  }
}

async function otherSecret(tls: TlsCluster): Promise<void> {
  const said = await saidBy(tls, [1, 3]);
  await tls.cluster.killMember(3);
  tls.cluster.setEnvironment(3, { HQL_SECRET_RAFT: "another-secret-of-raft" });
  await tls.cluster.startMember(3);
  await poll(
    "the stranger to say why",
    60_000,
    async () =>
      /UnknownIssuer: its certificate is of another authority.*secret_raft/
        .test(await said(3)),
  );
  await poll(
    "another to say so",
    60_000,
    async () => /a TLS handshake failed/.test(await said(1)),
  );
}

async function plainMember(tls: TlsCluster): Promise<void> {
  const said = await saidBy(tls, [1, 3]);
  await tls.cluster.killMember(3);
  tls.cluster.setEnvironment(3, { HQL_TLS_AUTO_CERTS: "false" });
  await tls.cluster.startMember(3);
  const advice = /the same tls_raft_\* keys/;
  for (const node of [1, 3]) {
    await poll(
      `member ${node} to say so`,
      60_000,
      async () => advice.test(await said(node)),
    );
  }
}

async function hostile(tls: TlsCluster): Promise<void> {
  const { cluster } = tls;
  const [leader, term] = [await tls.leader(), await tls.term()];
  const noise = crypto.getRandomValues(new Uint8Array(512));
  const { members } = await tls.client().cluster();
  const own = members.find(({ nodeId }) => nodeId === leader)!;
  const ports = [own.raftAddress, own.apiAddress].map((address) =>
    Number(address.split(":").at(-1))
  );
  const hostile: Deno.Conn[] = [];
  // Each client has connections of its own, which count too.
  const writer = tls.client();
  const watcher = tls.client([leader]);
  try {
    for (let at = 0; at < 2000; at++) {
      const conn = await Deno.connect({
        hostname: "127.0.0.1",
        port: ports[at % 2]!,
      });
      hostile.push(conn);
      // It may be refused already.
      if (at % 3 === 1) await conn.write(noise).catch(() => {});
      if (at % 3 === 2) {
        const half = Uint8Array.of(22, 3, 1, 2, 0, 1);
        await conn.write(half).catch(() => {});
      }
      if (at % 200 === 0) {
        await writer.execute("INSERT INTO t VALUES ('w')");
      }
    }
    // Whoever is silent has gone after the five seconds that a handshake may take.
    await poll("the handshakes to be over", 60_000, async () => {
      const metrics = await watcher.metrics();
      const open = [...metrics.matchAll(/^hiqlite_connections\{.*\} (\d+)$/gm)];
      return open.length === 2 && open.every(([, count]) => Number(count) < 32);
    });
  } finally {
    for (const conn of hostile) conn.close();
  }
  assert.deepEqual([await tls.leader(), await tls.term()], [leader, term]);
  assert.deepEqual(cluster.complaints, []);
}

Deno.test("secret_raft and secret_api change one member at a time, with TLS, and no write fails", async () => {
  await using tls = await new TlsCluster(await automatic()).start();
  const { cluster } = tls;
  const client = tls.client();
  let stopped = false;
  let written = 0;
  const writing = (async () => {
    while (!stopped) {
      await client.execute("INSERT INTO t VALUES ('w')", [], {
        timeoutMs: 120_000,
      });
      written++;
    }
  })();
  // If it fails, the test does so where it is awaited.
  writing.catch(() => {});
  const raft = "the-new-secret-of-raft";
  const api = "the-new-secret-of-api!";
  for (const node of cluster.nodes) {
    const before = written;
    await cluster.killMember(node);
    cluster.setEnvironment(node, {
      HQL_SECRET_RAFT: raft,
      HQL_SECRET_RAFT_PREVIOUS: "secret-of-the-test-raft",
      HQL_SECRET_API: api,
      HQL_SECRET_API_PREVIOUS: SECRET_API,
    });
    await cluster.startMember(node);
    await poll(
      `member ${node} to be ready`,
      60_000,
      () => tls.client([node]).ready().then(({ ok }) => ok, () => false),
    );
    await poll(
      "writes to go on",
      60_000,
      () => Promise.resolve(written > before),
    );
  }
  await using renewed = connect({
    urls: cluster.nodes.map((node) => tls.url(node)),
    secret: api,
  });
  await renewed.execute("INSERT INTO t VALUES ('new')");
  stopped = true;
  await writing;
});

Deno.test("files that are swapped under load: new connections see the new certificate, no request fails and nobody loses leadership; a pair that does not fit changes nothing", async () => {
  const authority = new TestAuthority();
  const cluster = await TestCluster.start({ idle: true });
  const ca = join(cluster.root, "ca.pem");
  Deno.writeTextFileSync(ca, authority.pem);
  // As Kubernetes mounts them: files behind a link that is swapped.
  const versions = cluster.nodes.map((node) => {
    const folder = join(cluster.root, `tls-${node}`);
    Deno.mkdirSync(folder);
    const swap = (name: string, pair: { key: string; chain: string }): void => {
      writePair(join(folder, name), pair);
      Deno.symlinkSync(name, join(folder, "..new"));
      Deno.renameSync(join(folder, "..new"), join(folder, "..data"));
    };
    const own = (): { key: string; chain: string } => made({ authority });
    swap("first", own());
    const key = join(folder, "..data", "key.pem");
    const cert = join(folder, "..data", "cert.pem");
    cluster.setEnvironment(node, {
      HQL_TLS_RAFT_KEY: key,
      HQL_TLS_RAFT_CERT: cert,
      HQL_TLS_RAFT_CA: ca,
      HQL_TLS_API_KEY: key,
      HQL_TLS_API_CERT: cert,
    });
    return { swap, own };
  });
  await using tls = await new TlsCluster(cluster, authority.pem).start();
  const [leader, term] = [await tls.leader(), await tls.term()];
  const client = tls.client();
  let stopped = false;
  const writing = (async () => {
    let written = 0;
    for (; !stopped; written++) {
      await client.execute("INSERT INTO t VALUES ('w')");
    }
    return written;
  })();
  versions.forEach(({ swap, own }) => swap("second", own()));
  for (const node of cluster.nodes) {
    const renewed = async (): Promise<boolean> =>
      (await cluster.log(node)).match(/a new certificate is in use/g)
        ?.length ===
        2;
    await poll(`member ${node} to use it`, 60_000, renewed);
  }
  versions[0]!.swap("third", {
    key: made({ authority }).key,
    chain: made({ authority }).chain,
  });
  Deno.kill(cluster.process(1)!.pid, "SIGHUP");
  await poll(
    "the complaint",
    60_000,
    async () =>
      /"the certificate of before stays in use: tls_api_cert: .*none of its certificates is of the key's public half/
        .test(await cluster.log(1)),
  );
  // A new connection is verified by the authority of before.
  await tls.client([1]).execute("INSERT INTO t VALUES ('after')");
  stopped = true;
  assert.ok(await writing > 0);
  assert.deepEqual([await tls.leader(), await tls.term()], [leader, term]);
});
