// deno-lint-ignore-file no-console -- how long it took is worth seeing
import { deepEqual, equal, ok } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";
import { ownLoopback } from "../ports.ts";
import { poll, TestCluster } from "./harness.ts";
import { LoopbackNetwork } from "./loopback.ts";
import type { Node } from "./network.ts";

/** An empty epoch must have begun within this time after most members that ended run again, ms. */
const EPOCH_MS = 10_000;
const CALL_MS = 1000;
/** How long anything else may take on a machine that is busy with other tests, ms. */
const PATIENCE_MS = 60_000;
/** Between two local reads, ms. */
const READ_MS = 20;

/** Three members with caches in memory, a row, an entry, and who of them is left when the others are killed. */
class Loss implements AsyncDisposable {
  readonly cluster: TestCluster;
  readonly survivor: Node;
  readonly victims: readonly Node[];
  readonly #stop = new AbortController();
  readonly #reading: Promise<string[]>;

  private constructor(cluster: TestCluster, survivor: Node) {
    this.cluster = cluster;
    this.survivor = survivor;
    this.victims = cluster.nodes.filter((node) => node !== survivor);
    this.#reading = this.#read();
  }

  static async prepared(seed: number): Promise<Loss> {
    const random = new SeededRandom(seed);
    const cluster = await TestCluster.start({
      network: new LoopbackNetwork({ nodes: 3, host: ownLoopback() }),
      environment: { HQL_CACHE_STORAGE_DISK: "false" },
    });
    await cluster.write(1, "CREATE TABLE t (n INTEGER)");
    const index = await cluster.write(1, "INSERT INTO t VALUES (0)");
    const survivor = randomBetween(random, 1, 4);
    const row = await cluster.api(survivor).query({ sql: "SELECT n FROM t" }, {
      consistency: "local",
      minIndex: index,
      timeoutMs: PATIENCE_MS,
    });
    equal(row.type, "ok", JSON.stringify(row));
    const put = await putInto(cluster, 2, 1);
    equal(put.type, "ok", JSON.stringify(put));
    return new Loss(cluster, survivor);
  }

  kill(): Promise<unknown> {
    return Promise.all(
      this.victims.map((node) => this.cluster.killMember(node)),
    );
  }

  /** Starts members that were killed, and waits until their processes answer at all. */
  async started(nodes: readonly Node[]): Promise<void> {
    const { cluster } = this;
    for (const node of nodes) await cluster.startMember(node);
    await Promise.all(
      nodes.map((node) =>
        poll(`member ${node} to run`, PATIENCE_MS, async () => {
          const asked = fetch(`${cluster.network.apiUrl(node)}/ping`);
          const answer = await asked.catch(() => null);
          await answer?.body?.cancel();
          return answer !== null;
        })
      ),
    );
  }

  /** Writes into the database until that is answered, ms since `begun`. */
  async written(begun: number): Promise<number> {
    const { cluster, survivor } = this;
    await poll("a write", PATIENCE_MS, async () => {
      const answer = await cluster.api(survivor).execute(
        { sql: "INSERT INTO t VALUES (1)" },
        { timeoutMs: PATIENCE_MS },
      );
      return answer.type === "ok";
    });
    return performance.now() - begun;
  }

  /** Waits until all members have the same empty epoch, ms since `begun`. */
  async begunAnew(begun: number): Promise<number> {
    const { cluster } = this;
    await poll("an empty epoch on all members", EPOCH_MS, async () => {
      const answers = await Promise.all(
        cluster.nodes.map((node) => readFrom(cluster, node)),
      );
      for (const answer of answers) {
        if (answer.type !== "ok" || answer.value.epoch === 1) return false;
        equal(answer.value.epoch, 2);
        deepEqual(answer.value.entries, [null]);
      }
      return true;
    });
    return performance.now() - begun;
  }

  /** Ends the local reads; those that failed. */
  failedReads(): Promise<string[]> {
    this.#stop.abort();
    return this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.failedReads();
    await this.cluster[Symbol.asyncDispose]();
  }

  /** Local reads on the survivor, one after the other. */
  async #read(): Promise<string[]> {
    const { signal } = this.#stop;
    const failed: string[] = [];
    while (!signal.aborted) {
      const answer = await this.cluster.api(this.survivor).query(
        { sql: "SELECT count(*) FROM t" },
        { consistency: "local", timeoutMs: PATIENCE_MS },
      );
      if (answer.type !== "ok") failed.push(answer.error);
      await sleep(READ_MS, undefined, { signal }).catch(() => {});
    }
    return failed;
  }
}

function putInto(cluster: TestCluster, node: Node, epoch: number) {
  return cluster.api(node).cacheAtomic(
    { ops: [{ op: "put", cache: "c", key: "k", value: "v" }] },
    epoch,
    { timeoutMs: 10 * CALL_MS },
  );
}

function readFrom(cluster: TestCluster, node: Node) {
  return cluster.api(node).cacheGet("c", "k", "linearizable", CALL_MS);
}

Deno.test("kv.md §5 caches in memory, most members killed at once and started again: an empty epoch begins within 10 s, and the database only waits for its own majority", async () => {
  const seed = Date.now() % 1_000_000;
  await using loss = await Loss.prepared(seed);
  const { cluster, victims } = loss;
  await loss.kill();
  await loss.started(victims);
  const begun = performance.now();
  const [writtenMs, anewMs] = await Promise.all([
    loss.written(begun),
    loss.begunAnew(begun),
  ]);
  const figures = `seed ${seed}: ${victims} killed, the database took a ` +
    `write after ${writtenMs.toFixed(0)} ms, an empty epoch was everywhere ` +
    `after ${anewMs.toFixed(0)} ms`;
  console.log(figures);
  ok(anewMs <= EPOCH_MS, figures);
  deepEqual(await loss.failedReads(), [], figures);
  const late = await putInto(cluster, loss.survivor, 1);
  ok(
    late.type === "fail" && late.error.startsWith("cache_reset:"),
    JSON.stringify(late),
  );
  equal((await putInto(cluster, loss.survivor, 2)).type, "ok");
  await cluster.waitReady();
});

Deno.test("kv.md §5 caches in memory, most members killed and one of them stays away: the database goes on, the caches wait for it, since silence is never death", async () => {
  const seed = Date.now() % 1_000_000;
  await using loss = await Loss.prepared(seed);
  const { cluster, survivor, victims: [first, last] } = loss;
  await loss.kill();
  await loss.started([first!]);
  await loss.written(performance.now());
  for (let asked = 0; asked < 5; asked++) {
    equal((await readFrom(cluster, survivor)).type, "fail", `seed ${seed}`);
    await loss.written(performance.now());
  }
  await loss.started([last!]);
  const begun = performance.now();
  const anewMs = await loss.begunAnew(begun);
  console.log(`seed ${seed}: anew ${anewMs.toFixed(0)} ms after the start`);
  deepEqual(await loss.failedReads(), [], `seed ${seed}`);
  await cluster.waitReady();
});
