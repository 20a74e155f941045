import assert from "node:assert/strict";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";
import { flipBit, scribble, Victim } from "./damage.ts";
import { poll, TestCluster } from "./harness.ts";
import type { Node } from "./network.ts";

/** Small segments and a short log, so that the database alone holds what is old. */
const ENVIRONMENT = {
  HQL_WAL_SIZE: "65536",
  HQL_LOGS_UNTIL_SNAPSHOT: "40",
};
const WRITE_MS = 60_000;
/** How often the receiver of a snapshot is killed. */
const KILLS = 4;
const FILLER = "x".repeat(400);

/** Writes rows to a table and knows which of them were acknowledged. */
class Writer {
  readonly #cluster: TestCluster;
  #next = 0;

  private constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  static async create(cluster: TestCluster, node: Node = 1): Promise<Writer> {
    const answer = await cluster.api(node).execute(
      { sql: "CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT)" },
      { timeoutMs: WRITE_MS },
    );
    assert.equal(answer.type, "ok", JSON.stringify(answer));
    return new Writer(cluster);
  }

  async write(node: Node, rows: number): Promise<void> {
    const answers = await Promise.all(
      Array.from({ length: rows }, () =>
        this.#cluster.api(node).execute(
          {
            sql: "INSERT INTO t VALUES (?, ?)",
            params: [++this.#next, FILLER],
          },
          { timeoutMs: WRITE_MS },
        )),
    );
    for (const answer of answers) {
      assert.equal(answer.type, "ok", JSON.stringify(answer));
    }
  }

  /** All members hold the same, and every row that was acknowledged. */
  async assertComplete(): Promise<void> {
    const contents = await this.#cluster.assertEqualContents();
    assert.equal(contents.t?.length, this.#next);
  }
}

async function memberId(cluster: TestCluster, node: Node): Promise<string> {
  const answer = await cluster.api(node).cluster(20_000);
  assert.equal(answer.type, "ok", JSON.stringify(answer));
  return answer.type === "ok" ? String(answer.value.self) : "";
}

interface Fault {
  readonly name: string;
  /** End it properly before, so that everything is in the database's own file. */
  readonly graceful?: boolean;
  readonly harm: (victim: Victim) => void;
  /** Whether the member is the same one afterwards, or has come back as a new one. */
  readonly outcome: "same" | "new";
  /** What its log must say. */
  readonly says: RegExp;
}

const FAULTS: readonly Fault[] = [
  {
    name: "garbage behind the last frame (a torn write) is cut",
    harm: (victim) => {
      const { path, end } = victim.activeSegment();
      scribble(path, end + 8 & ~7, 100);
    },
    outcome: "same",
    says: /leader is/,
  },
  {
    name: "a segment that lost the unused part of its file is filled up",
    harm: (victim) => {
      const { path, end } = victim.activeSegment();
      fs.truncateSync(path, end + 7 & ~7);
    },
    outcome: "same",
    says: /leader is/,
  },
  {
    name: "a bit flipped in the middle of the log",
    harm: (victim) => {
      const { path, frames } = victim.activeSegment();
      flipBit(path, frames + 20);
    },
    outcome: "new",
    says: /cannot rely on its memory \(.*segment-\d+.*durable to position/,
  },
  {
    name: "a truncated segment",
    harm: (victim) => {
      const { path, frames } = victim.activeSegment();
      fs.truncateSync(path, frames + 20);
    },
    outcome: "new",
    says: /cannot rely on its memory \(.*segment-\d+/,
  },
  {
    name: "a missing segment",
    harm: (victim) => fs.rmSync(victim.activeSegment().path),
    outcome: "new",
    says: /cannot rely on its memory \(.*logs/,
  },
  {
    name: "a deleted folder of the log",
    harm: (victim) => fs.rmSync(victim.path("logs"), { recursive: true }),
    outcome: "new",
    says: /cannot rely on its memory \(its log is gone\)/,
  },
  {
    name: "a deleted folder of the database",
    harm: (victim) =>
      fs.rmSync(victim.path("state_machine"), { recursive: true }),
    outcome: "new",
    says: /cannot rely on its memory \(its database ends at index 0/,
  },
  {
    name: "a database file of which nothing is left",
    graceful: true,
    harm: (victim) => fs.truncateSync(victim.database(), 0),
    outcome: "new",
    says: /cannot rely on its memory \(its database ends at index 0/,
  },
  {
    name: "a database with a damaged header",
    graceful: true,
    harm: (victim) => scribble(victim.database(), 0, 100),
    outcome: "new",
    says: /cannot rely on its memory \(The database is damaged: file is not/,
  },
  {
    name: "a database of which half is left",
    graceful: true,
    harm: (victim) => {
      const path = victim.database();
      fs.truncateSync(path, fs.statSync(path).size >> 1);
    },
    outcome: "new",
    says: /cannot rely on its memory \(The database is damaged: .*malformed/,
  },
  {
    name: "a database whose name is lost",
    harm: (victim) => fs.rmSync(victim.path("state_machine", "current")),
    outcome: "new",
    says: /cannot rely on its memory \(.*current is missing/,
  },
  {
    name: "a deleted identity",
    harm: (victim) => fs.rmSync(victim.path("identity.json")),
    outcome: "new",
    says: /cannot rely on its memory \(its identity is gone\)/,
  },
  {
    name: "a damaged identity",
    harm: (victim) => flipBit(victim.path("identity.json"), 100),
    outcome: "new",
    says: /cannot rely on its memory \(.*identity.json does not match/,
  },
];

async function suffer(
  cluster: TestCluster,
  writer: Writer,
  node: Node,
  fault: Fault,
): Promise<void> {
  const other = node % 3 + 1;
  const before = await memberId(cluster, node);
  await writer.write(other, 3);
  if (fault.graceful === true) await cluster.process(node)!.terminate();
  else await cluster.killWithChildren(node);
  const victim = new Victim(cluster.dataDir(node));
  const quarantined = victim.quarantines();
  const said = (await cluster.log(node)).length;
  fault.harm(victim);
  await writer.write(other, 3);

  await cluster.startMember(node);
  await cluster.waitReady([node]);
  await writer.write(node, 1);
  await writer.assertComplete();
  const log = (await cluster.log(node)).slice(said);
  assert.match(log, fault.says);
  const after = await memberId(cluster, node);
  if (fault.outcome === "same") {
    assert.equal(after, before);
    assert.deepEqual(victim.quarantines(), quarantined);
  } else {
    assert.notEqual(after, before);
    const kept = victim.quarantines();
    assert.ok(kept.length <= 2, `${kept.length} quarantines`);
    assert.notEqual(kept.at(-1), quarantined.at(-1));
  }
}

Deno.test("whatever happens to the disk of one member, it is a voter with the same contents again by itself", async (t) => {
  await using cluster = await TestCluster.start({ environment: ENVIRONMENT });
  const writer = await Writer.create(cluster);
  await writer.write(1, 200);
  for (const [i, fault] of FAULTS.entries()) {
    await t.step(fault.name, () => suffer(cluster, writer, i % 3 + 1, fault));
  }

  await t.step(
    "a disk that is out of reach: nothing is touched, the process ends with what is wrong",
    async () => {
      const victim = new Victim(cluster.dataDir(1));
      await cluster.killWithChildren(1);
      const quarantined = victim.quarantines();
      const said = (await cluster.log(1)).length;
      fs.renameSync(victim.path("logs"), victim.path("elsewhere"));
      fs.writeFileSync(victim.path("logs"), "");
      await cluster.startMember(1);
      const { code } = await cluster.process(1)!.exited;
      assert.equal(code, 1);
      const log = (await cluster.log(1)).slice(said);
      assert.match(
        log,
        /data directory .* cannot be used: .*logs.*Nothing was/,
      );
      assert.deepEqual(victim.quarantines(), quarantined);
      fs.rmSync(victim.path("logs"));
      fs.renameSync(victim.path("elsewhere"), victim.path("logs"));
      const before = JSON.parse(
        JSON.parse(fs.readFileSync(victim.path("identity.json"), "utf8")).body,
      ).incarnation;
      await cluster.startMember(1);
      await cluster.waitReady([1]);
      assert.equal(await memberId(cluster, 1), `1.${before}`);
      await writer.assertComplete();
    },
  );

  await t.step(
    "an old volume put back is recognised and replaced",
    async () => {
      const before = await memberId(cluster, 2);
      await cluster.killWithChildren(2);
      // The socket behind the front is no data.
      fs.cpSync(cluster.dataDir(2), `${cluster.dataDir(2)}.old`, {
        recursive: true,
        filter: (path) => !path.endsWith(".sock"),
      });
      await cluster.startMember(2);
      await cluster.waitReady([2]);
      await writer.write(2, 5);
      await cluster.killWithChildren(2);
      fs.rmSync(cluster.dataDir(2), { recursive: true });
      fs.renameSync(`${cluster.dataDir(2)}.old`, cluster.dataDir(2));
      await cluster.startMember(2);
      await poll("a new incarnation that is ready", 60_000, async () => {
        const answer = await cluster.api(2).cluster(1000);
        return answer.type === "ok" && answer.value.self !== before &&
          await cluster.api(2).ready(1000);
      });
      await writer.assertComplete();
      assert.match(await cluster.log(2), /its volume says|its volume ends/);
    },
  );

  await t.step(
    "a database damaged while it is in use: the process ends, and comes back as a new incarnation",
    async () => {
      const before = await memberId(cluster, 3);
      const victim = new Victim(cluster.dataDir(3));
      await cluster.process(3)!.terminate();
      await cluster.startMember(3);
      await cluster.waitReady([3]);
      const path = victim.database();
      // The middle half: pages of the table's own among them, which no start would look at.
      const pages = fs.statSync(path).size / 4096;
      scribble(
        path,
        4096 * Math.floor(pages / 4),
        4096 * Math.floor(pages / 2),
      );
      const process = cluster.process(3)!;
      await poll("the damage to be met", 60_000, async () => {
        await cluster.api(3).query(
          { sql: "SELECT count(*), sum(length(body)) FROM t" },
          { consistency: "local", timeoutMs: 2000 },
        );
        return !process.running;
      });
      assert.equal((await process.exited).code, 1);
      await writer.write(1, 2);
      await cluster.startMember(3);
      await cluster.waitReady([3]);
      await writer.assertComplete();
      assert.notEqual(await memberId(cluster, 3), before);
      const log = await cluster.log(3);
      assert.match(log, /the member cannot go on: The database is damaged/);
      assert.match(log, /memory \(The database is damaged/);
    },
  );
});

Deno.test("SIGKILL at any moment of receiving and installing a snapshot leaves the old or the new state", async () => {
  const seed = Date.now() % 1_000_000;
  const random = new SeededRandom(seed);
  await using cluster = await TestCluster.start({ environment: ENVIRONMENT });
  const writer = await Writer.create(cluster);
  const down = 3;
  await writer.write(1, 20);
  await cluster.killMember(down);
  // 8 MiB, so that it takes several chunks.
  const grown = await cluster.api(1).execute({
    sql:
      "CREATE TABLE big AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 8192) SELECT n, hex(zeroblob(512)) AS body FROM c",
  }, { timeoutMs: WRITE_MS });
  assert.equal(grown.type, "ok", JSON.stringify(grown));
  await writer.write(1, 150);
  const delays: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const from = (await cluster.log(down)).length;
    await cluster.startMember(down);
    await poll(
      "the member to find the others",
      60_000,
      async () => (await cluster.log(down)).indexOf("leader is", from) > 0,
    );
    const delay = randomBetween(random, 0, 400);
    delays.push(delay);
    await sleep(delay);
    await cluster.killMember(down);
    await writer.write(1, 5);
  }
  await cluster.startMember(down);
  await cluster.waitReady([down]);
  await writer.assertComplete();
  const left = fs.readdirSync(
    new Victim(cluster.dataDir(down)).path("state_machine", "incoming"),
  );
  assert.deepEqual(left, [], JSON.stringify({ seed, delays }));
});

Deno.test("a cluster of two starts again after both were killed", async () => {
  await using cluster = await TestCluster.start({ nodes: 2 });
  const writer = await Writer.create(cluster);
  await writer.write(2, 10);
  const before = await memberId(cluster, 1);
  await cluster.killMember(1);
  await cluster.killMember(2);
  await cluster.startMember(1);
  await cluster.startMember(2);
  await cluster.waitReady();
  assert.equal(await memberId(cluster, 1), before);
  await writer.write(1, 1);
  await writer.assertComplete();
});
