import assert from "node:assert/strict";
import { poll, TestCluster } from "./harness.ts";
import { SMALL_DISKS, testNeeding } from "./requirements.ts";
import { SmallDisk } from "./small_disk.ts";

const MEGABYTES = 32;
const BODY = "x".repeat(4000);
const WRITE_MS = 5000;

const diskTest = await testNeeding(SMALL_DISKS);

/** A cluster whose members have a disk each, and the disks. */
async function start(nodes: number): Promise<{
  readonly cluster: TestCluster;
  readonly disks: readonly SmallDisk[];
}> {
  const disks: SmallDisk[] = [];
  const cluster = await TestCluster.start({
    nodes,
    environment: { HQL_WAL_SIZE: "1048576", HQL_LOGS_UNTIL_SNAPSHOT: "100" },
    prepare: async (cluster) => {
      for (const node of cluster.nodes) {
        const disk = await SmallDisk.mount(cluster.dataDir(node), MEGABYTES);
        cluster.defer(() => disk[Symbol.asyncDispose]());
        disks.push(disk);
      }
    },
  });
  return { cluster, disks };
}

class Rows {
  readonly #cluster: TestCluster;
  acknowledged = 0;
  /** May be there or not. */
  unknown = 0;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  async create(): Promise<void> {
    const answer = await this.#cluster.api(1).execute(
      { sql: "CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT)" },
      { timeoutMs: 20_000 },
    );
    assert.equal(answer.type, "ok", JSON.stringify(answer));
  }

  /** The error of a write, or null. */
  async write(node: number): Promise<string | null> {
    const answer = await this.#cluster.api(node).execute(
      { sql: "INSERT INTO t (body) VALUES (?)", params: [BODY] },
      { timeoutMs: WRITE_MS },
    );
    if (answer.type === "ok") this.acknowledged++;
    if (answer.type === "info") this.unknown++;
    return answer.type === "ok" ? null : answer.error;
  }

  async assertComplete(): Promise<void> {
    const contents = await this.#cluster.assertEqualContents();
    const there = contents.t!.length;
    const { acknowledged, unknown } = this;
    assert.ok(
      there >= acknowledged && there <= acknowledged + unknown,
      `${there} rows, ${acknowledged} acknowledged, ${unknown} unknown`,
    );
  }
}

diskTest(
  "a full disk: a single member refuses writes with disk_full, reads on, and recovers by itself",
  async () => {
    const { cluster, disks } = await start(1);
    await using _ = cluster;
    const rows = new Rows(cluster);
    await rows.create();
    for (let i = 0; i < 20; i++) assert.equal(await rows.write(1), null);
    const process = cluster.process(1)!;
    await disks[0]!.fill();
    await poll("writes to be refused", 60_000, async () => {
      const error = await rows.write(1);
      return error !== null && error.startsWith("disk_full: ");
    });
    const answer = await cluster.api(1).query(
      { sql: "SELECT count(*) FROM t" },
      { consistency: "local", timeoutMs: 5000 },
    );
    assert.equal(answer.type, "ok", JSON.stringify(answer));
    assert.ok(process.running);
    await disks[0]!.clear();
    await poll(
      "writes to be accepted",
      20_000,
      async () => await rows.write(1) === null,
    );
    await cluster.waitReady();
    assert.equal(cluster.process(1), process, "it lived through it");
    await rows.assertComplete();
  },
);

diskTest(
  "a full disk: a leader hands over to a member that has room, and takes part again when it has some",
  async () => {
    const { cluster, disks } = await start(3);
    await using _ = cluster;
    const rows = new Rows(cluster);
    await rows.create();
    const full = await cluster.waitLeader();
    const other = full % 3 + 1;
    const process = cluster.process(full)!;
    await disks[full - 1]!.fill();
    await poll("another leader", 60_000, async () => {
      await rows.write(other);
      const leader = await cluster.leader();
      return leader !== undefined && leader !== full;
    });
    for (let i = 0; i < 20; i++) {
      const error = await rows.write(other);
      assert.equal(error, null, "with a majority that has room");
    }
    assert.ok(process.running);
    await disks[full - 1]!.clear();
    await cluster.waitReady();
    assert.equal(cluster.process(full), process, "it lived through it");
    await rows.assertComplete();
    const log = await Deno.readTextFile(cluster.logPath(full));
    assert.match(log, /no room: applying is paused|no room for the log/);
    assert.match(log, /the disk is full: handing leadership over/);
    assert.match(log, /there is room for the (log|database) again/);
  },
);
