import assert from "node:assert/strict";
import { HalfOpen } from "./half_open.ts";
import { poll, TestCluster } from "./harness.ts";
import { LoopbackNetwork } from "./loopback.ts";
import type { Node } from "./network.ts";

/** What a process may have open in these tests: a member alone needs about 60. */
const DESCRIPTORS = 200;

/** Members that may open few files. */
class FewDescriptors extends LoopbackNetwork {
  override command(_node: Node, argv: readonly string[]): readonly string[] {
    return ["sh", "-c", `ulimit -n ${DESCRIPTORS}; exec "$@"`, "sh", ...argv];
  }

  /** Where a member listens for its peers, or for clients. */
  port(node: Node, listener: "raft" | "api"): number {
    const [, raft, api] = this.environment(node).HQL_NODES!
      .split("\n")[node - 1]!.split(" ");
    return Number((listener === "raft" ? raft : api)!.split(":")[1]);
  }
}

/** How a member says that strangers are too many, on each of its ports. */
const SAID = {
  api: /no connections are accepted for a moment/,
  raft: /at most 16 from one address/,
} as const;

for (const listener of ["api", "raft"] as const) {
  Deno.test(`a leader whose ${listener} port gets more connections than it has descriptors lives on, and so does its leadership`, async () => {
    const network = new FewDescriptors({ nodes: 3 });
    await using cluster = await TestCluster.start({
      network,
      // Segments so short that the log opens some meanwhile.
      environment: { HQL_WAL_SIZE: "65536" },
    });
    const leader = await cluster.waitLeader();
    const other = cluster.nodes.find((node) => node !== leader)!;
    await cluster.write(other, "CREATE TABLE t (n INTEGER, x)");
    const { term } = await statusOf(cluster, other);
    const fill = `INSERT INTO t VALUES (1, hex(zeroblob(2000)))`;
    {
      using flood = new HalfOpen();
      await flood.add(
        2 * DESCRIPTORS,
        "127.0.0.1",
        network.port(leader, listener),
      );
      assert(flood.count > DESCRIPTORS / 4, `only ${flood.count} connections`);
      // Forwarded to the leader over the links that it has.
      for (let i = 0; i < 40; i++) await cluster.write(other, fill);
      await poll(
        "what the leader says of it",
        60_000,
        async () => SAID[listener].test(await cluster.log(leader)),
      );
    }
    await poll(
      "the leader to serve again",
      60_000,
      async () => await cluster.api(leader).ready(1000),
    );
    await cluster.write(leader, fill);
    const after = await statusOf(cluster, other);
    assert.deepEqual([after.term, after.leader], [term, leader]);
    assert.deepEqual(cluster.complaints, []);
    await cluster.assertEqualContents();
  });
}

Deno.test("a leader without a free descriptor still builds and sends a snapshot to a member that lost its volume", async () => {
  const network = new FewDescriptors({ nodes: 3 });
  await using cluster = await TestCluster.start({
    network,
    environment: { HQL_WAL_SIZE: "65536", HQL_LOGS_UNTIL_SNAPSHOT: "10" },
  });
  const leader = await cluster.waitLeader();
  const [other, emptied] = cluster.nodes.filter((node) => node !== leader) as [
    Node,
    Node,
  ];
  await cluster.write(other, "CREATE TABLE t (n INTEGER, x)");
  await cluster.killMember(emptied);
  await Deno.remove(cluster.dataDir(emptied), { recursive: true });
  // So much that the log does not go back to the beginning.
  for (let i = 0; i < 100; i++) {
    await cluster.write(
      other,
      "INSERT INTO t VALUES (1, hex(zeroblob(20000)))",
    );
  }
  using flood = new HalfOpen();
  await flood.add(2 * DESCRIPTORS, "127.0.0.1", network.port(leader, "api"));
  await poll(
    "the shortage in the log",
    60_000,
    async () =>
      /no connections are accepted for a moment/.test(
        await cluster.log(leader),
      ),
  );
  await cluster.startMember(emptied);
  await cluster.waitReady([emptied]);
  const kept = [
    ...Deno.readDirSync(`${cluster.dataDir(emptied)}/state_machine`),
  ].map(({ name }) => name);
  assert.ok(!kept.includes("db-00000001"), `no snapshot: ${kept.join(" ")}`);
  assert.ok(kept.includes("db-00000002"), kept.join(" "));
  flood[Symbol.dispose]();
  await cluster.waitReady();
  assert.deepEqual(cluster.complaints, []);
  await cluster.assertEqualContents();
});

async function statusOf(
  cluster: TestCluster,
  node: Node,
): Promise<{ term: unknown; leader: Node | undefined }> {
  const answer = await cluster.api(node).cluster(20_000);
  assert(answer.type === "ok");
  const { term, members } = answer.value;
  return {
    term,
    leader: members.find(({ role }) => role === "leader")?.node_id,
  };
}
