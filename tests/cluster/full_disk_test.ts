import assert from "node:assert/strict";
import { join } from "node:path";
import { poll, TestCluster } from "./harness.ts";
import { SMALL_DISKS, testNeeding } from "./requirements.ts";
import { SmallDisk } from "./small_disk.ts";

const MEGABYTES = 32;
const BODY = "x".repeat(4000);
const WRITE_MS = 20_000;

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

  /** Writes until a write is taken. */
  untilAccepted(node: number, timeoutMs: number): Promise<void> {
    return poll(
      "writes to be accepted",
      timeoutMs,
      async () => await this.write(node) === null,
    );
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

/** What the first member says of itself. */
async function probe(
  cluster: TestCluster,
  path: string,
  status: number,
): Promise<string> {
  const answer = await fetch(`${cluster.network.apiUrl(1)}/${path}`);
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  return text;
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
      { consistency: "local", timeoutMs: 20_000 },
    );
    assert.equal(answer.type, "ok", JSON.stringify(answer));
    assert.ok(process.running);
    // U9: who looks whether it lives must not restart it for that.
    const about = /the disk is full/;
    assert.match(await probe(cluster, "health", 200), about);
    assert.match(await probe(cluster, "ready", 503), about);
    await disks[0]!.clear();
    await rows.untilAccepted(1, 60_000);
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

function walOf(dataDir: string): string {
  return join(dataDir, "state_machine/db-00000001/hiqlite.db-wal");
}

/** Leaves a WAL as a transaction does that has filled the disk and was not committed. */
async function fillWal(dataDir: string): Promise<void> {
  using file = await Deno.open(walOf(dataDir), { append: true });
  const frames = crypto.getRandomValues(new Uint8Array(4096));
  const full = async (): Promise<void> => {
    for (let i = 0; i < MEGABYTES * 256; i++) await file.write(frames);
  };
  await assert.rejects(full, { code: "ENOSPC" });
}

const TOO_LARGE =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000) INSERT INTO t (body) SELECT zeroblob(1000000) FROM c";

diskTest(
  "H1 a statement larger than the disks is refused, and leaves no disk full",
  async () => {
    const { cluster } = await start(3);
    await using _ = cluster;
    const rows = new Rows(cluster);
    await rows.create();
    const pids = cluster.nodes.map((node) => cluster.process(node)!.pid);
    for (const node of cluster.nodes) {
      const answer = await cluster.api(node).execute({ sql: TOO_LARGE }, {
        timeoutMs: 30_000,
      });
      assert.equal(answer.type, "fail", JSON.stringify(answer));
      assert.match(JSON.stringify(answer), /"(too_large|disk_full): /);
      await rows.untilAccepted(node, 5000);
      for (const other of cluster.nodes) {
        const { size } = await Deno.stat(walOf(cluster.dataDir(other)));
        assert.ok(size < 4 * 1024 * 1024, `the WAL keeps ${size} bytes`);
      }
    }
    assert.deepEqual(
      cluster.nodes.map((node) => cluster.process(node)?.pid),
      pids,
    );
    await rows.assertComplete();
  },
);

diskTest(
  "H1 members whose disks are full of what a transaction wrote before they were killed start again",
  async () => {
    const { cluster } = await start(3);
    await using _ = cluster;
    const rows = new Rows(cluster);
    await rows.create();
    for (let i = 0; i < 20; i++) assert.equal(await rows.write(1), null);
    await Promise.all(
      cluster.nodes.map((node) => cluster.killWithChildren(node)),
    );
    for (const node of cluster.nodes) await fillWal(cluster.dataDir(node));
    for (const node of cluster.nodes) await cluster.startMember(node);
    await cluster.waitReady();
    for (const node of cluster.nodes) {
      await rows.untilAccepted(node, 20_000);
    }
    await rows.assertComplete();
  },
);
