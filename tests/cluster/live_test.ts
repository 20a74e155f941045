import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, connect } from "../../src/client/remote.ts";
import { poll, SECRET_API, TestCluster } from "./harness.ts";

const KILLS = 3;
const REACH_MS = 60_000;

/** A client that asks this member first. */
function clientOf(cluster: TestCluster, first: number): Client {
  const { nodes, network } = cluster;
  const urls = nodes.map((_, i) =>
    network.apiUrl(nodes[(first - 1 + i) % nodes.length]!)
  );
  return connect({ urls, secret: SECRET_API, timeoutMs: 60_000 });
}

/** What followers of a counter heard, checked as it comes. */
class Follower {
  readonly client: Client;
  readonly #controller = new AbortController();
  #value = -1;
  #valueIndex = 0;
  #changed = 0;
  resets = 0;
  readonly #done: Promise<unknown>;

  constructor(client: Client) {
    this.client = client;
    this.#done = Promise.all([this.#live(), this.#changes()]);
  }

  /** Whether it has heard of the last write. */
  knows(value: number, index: number): boolean {
    return this.#value === value && this.#changed >= index;
  }

  async end(): Promise<void> {
    this.#controller.abort();
    await this.#done;
    await this.client.shutdown();
  }

  async #live(): Promise<void> {
    const { signal } = this.#controller;
    const live = this.client.live<{ v: number }>(
      "SELECT v FROM counter",
      [],
      { signal, minIntervalMs: 0 },
    );
    for await (const { rows, index } of live) {
      const { v } = rows[0]!;
      assert.ok(v > this.#value, `${v} after ${this.#value}`);
      assert.ok(index > this.#valueIndex, `${index} after ${this.#valueIndex}`);
      this.#value = v;
      this.#valueIndex = index;
    }
  }

  async #changes(): Promise<void> {
    const { signal } = this.#controller;
    const tables = ["Counter"];
    for await (const change of this.client.changes({ tables, signal })) {
      if (change.reset) this.resets++;
      else assert.deepEqual(change.tables, ["counter"]);
      assert.ok(change.index >= this.#changed);
      this.#changed = change.index;
    }
  }
}

Deno.test("who follows the database through any member hears of every change, in order, though leaders are killed", async () => {
  await using cluster = await TestCluster.start();
  const writer = clientOf(cluster, 1);
  await writer.execute("CREATE TABLE counter (v)");
  await writer.execute("INSERT INTO counter VALUES (0)");
  const followers = cluster.nodes.map((node) =>
    new Follower(clientOf(cluster, node))
  );
  let value = 0;
  let index = 0;
  const write = async (): Promise<void> => {
    const sql = "UPDATE counter SET v = v + 1";
    index = (await writer.execute(sql)).index;
    value++;
  };
  const all = (): Promise<void> =>
    poll(
      "all followers to hear of the last write",
      REACH_MS,
      () => Promise.resolve(followers.every((one) => one.knows(value, index))),
    );
  await write();
  await all();
  for (let kill = 0; kill < KILLS; kill++) {
    const leader = await cluster.waitLeader();
    for (let i = 0; i < 20; i++) await write();
    await cluster.killMember(leader);
    for (let i = 0; i < 20; i++) await write();
    await all();
    await cluster.startMember(leader);
    await cluster.waitReady([leader]);
  }
  await write();
  await all();
  for (const follower of followers) await follower.end();
  await writer.shutdown();
});

Deno.test("who listens to a member hears of a reset when a snapshot takes the place of what it lacks, and a live query of its rows", async () => {
  await using cluster = await TestCluster.start({
    // A short log, so that the database alone holds what is old.
    environment: { HQL_WAL_SIZE: "65536", HQL_LOGS_UNTIL_SNAPSHOT: "40" },
  });
  await cluster.write(1, "CREATE TABLE counter (v)");
  await cluster.write(1, "INSERT INTO counter VALUES (0)");
  const leader = await cluster.waitLeader();
  const paused = cluster.nodes.find((node) => node !== leader)!;
  const client = connect({
    urls: [cluster.network.apiUrl(paused)],
    secret: SECRET_API,
  });
  const controller = new AbortController();
  const { signal } = controller;
  const heard: string[] = [];
  const rows: number[] = [];
  const listening = Promise.all([
    (async () => {
      for await (const { reset, tables } of client.changes({ signal })) {
        heard.push(reset ? "reset" : `${tables}`);
      }
    })(),
    (async () => {
      const live = client.live<{ v: number }>("SELECT v FROM counter", [], {
        signal,
      });
      for await (const found of live) rows.push(found.rows[0]!.v);
    })(),
  ]);
  await poll(
    "the first rows",
    REACH_MS,
    () => Promise.resolve(rows.length > 0),
  );
  await cluster.write(leader, "UPDATE counter SET v = 1");
  await poll(
    "the first change",
    REACH_MS,
    () => Promise.resolve(heard.includes("counter") && rows.includes(1)),
  );
  cluster.process(paused)!.pause();
  const filler = `INSERT INTO other VALUES ('${"x".repeat(2000)}')`;
  await cluster.write(leader, "CREATE TABLE other (x)");
  await cluster.write(leader, "UPDATE counter SET v = 2");
  const before = await lastIndex(cluster, leader);
  await poll("the others to purge", 60_000, async () => {
    for (let i = 0; i < 50; i++) await cluster.write(leader, filler);
    return await firstIndex(cluster, leader) > before + 1;
  });
  cluster.process(paused)!.resume();
  await poll(
    "a reset, and the new rows",
    REACH_MS,
    () => Promise.resolve(heard.includes("reset") && rows.at(-1) === 2),
  );
  heard.length = 0;
  await cluster.write(leader, "UPDATE counter SET v = 3");
  await poll(
    "changes after it",
    REACH_MS,
    () => Promise.resolve(heard.includes("counter") && rows.at(-1) === 3),
  );
  controller.abort();
  await listening;
  await client.shutdown();
  await sleep(0);
});

async function statusOf(
  cluster: TestCluster,
  node: number,
  key: "first_index" | "last_index",
): Promise<number> {
  const answer = await cluster.api(node).cluster(20_000);
  assert.ok(answer.type === "ok", JSON.stringify(answer));
  return Number(answer.value[key]);
}

function firstIndex(cluster: TestCluster, node: number): Promise<number> {
  return statusOf(cluster, node, "first_index");
}

function lastIndex(cluster: TestCluster, node: number): Promise<number> {
  return statusOf(cluster, node, "last_index");
}
