import { deepEqual, equal, ok } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { ownLoopback } from "../ports.ts";
import type { CacheParts, CachePlace } from "./api.ts";
import { poll, TestCluster, type TestClusterOptions } from "./harness.ts";
import { LoopbackNetwork } from "./loopback.ts";
import { clockNemesis, setOffset } from "./nemeses/clock.ts";
import type { Node } from "./network.ts";
import { FAKE_CLOCK, testNeeding } from "./requirements.ts";
import { cacheMember } from "./single_kills.ts";

const CACHE = "c";
const CALL_MS = 20_000;
const DAY_S = 86_400;
/** How many puts must have been acknowledged before all members are killed. */
const PUTS = 100;
/** How late a member may show what is due, ms: as late as a busy machine makes it, and by far less than clocks jump. */
const LATE_MS = 5_000;
/** Two processes' clocks, each in whole milliseconds. */
const ROUNDED_MS = 2;

function started(options: TestClusterOptions): Promise<TestCluster> {
  const network = new LoopbackNetwork({ nodes: 3, host: ownLoopback() });
  return TestCluster.start({ network, ...options });
}

async function change(
  cluster: TestCluster,
  node: Node,
  ops: CacheParts,
  timeoutMs = CALL_MS,
): Promise<CachePlace & { readonly found: boolean }> {
  const answer = await cluster.api(node).cacheAtomic({ ops }, 1, { timeoutMs });
  if (answer.type !== "ok") throw new Error(answer.error);
  const { results, epoch, index } = answer.value;
  return { epoch, index, found: results!.every(({ found }) => found) };
}

/** An entry's remaining time, null for ever; undefined if it is not there. */
async function ttlOf(
  cluster: TestCluster,
  node: Node,
  key: string,
  freshness: "linearizable" | CachePlace,
): Promise<number | null | undefined> {
  const api = cluster.api(node);
  const answer = await api.cacheGet(CACHE, key, freshness, CALL_MS);
  if (answer.type !== "ok") throw new Error(answer.error);
  equal(answer.value.epoch, 1);
  const [entry] = answer.value.entries;
  return entry ? entry.ttl_ms : undefined;
}

async function leaderOf(cluster: TestCluster): Promise<Node> {
  let leader: string | null = null;
  await poll("a leader of the caches", 60_000, async () => {
    ({ leader } = await cacheMember(cluster, 1));
    return leader !== null;
  });
  return Number(leader!.split(".")[0]);
}

const clockTest = await testNeeding(FAKE_CLOCK);

clockTest(
  "kv.md §10 (2) the leader's wall clock jumps by a day, forwards and back: no time to live ends early, and none late",
  async () => {
    await using cluster = await started({
      environment: { HQL_CACHE_STORAGE_DISK: "false" },
      prepare: (cluster) => clockNemesis.prepare!(cluster),
    });
    const ttlMs = 1500;
    /** Puts an entry and looks at it on a member until it is gone. */
    const live = async (writer: Node, reader: Node, key: string) => {
      const begun = performance.now();
      const place = await change(cluster, writer, [
        { op: "put", cache: CACHE, key, value: "v", ttl_ms: ttlMs },
      ]);
      const put = performance.now();
      for (;;) {
        const asked = performance.now();
        const there = await ttlOf(cluster, reader, key, place) !== undefined;
        const answered = performance.now();
        if (!there) {
          const lived = answered - begun;
          ok(lived > ttlMs - ROUNDED_MS, `${key} was gone after ${lived} ms`);
          return;
        }
        const late = asked - put - ttlMs;
        ok(late < LATE_MS, `${key} was there ${late} ms after its time`);
        await sleep(30);
      }
    };
    for (const [round, seconds] of [DAY_S, -DAY_S, 0, DAY_S].entries()) {
      const lives = cluster.nodes.flatMap((writer) =>
        cluster.nodes.map((reader) =>
          live(writer, reader, `${round}.${writer}.${reader}`)
        )
      );
      await sleep(ttlMs / 3);
      await setOffset(cluster, await leaderOf(cluster), seconds);
      await Promise.all(lives);
    }
  },
);

Deno.test("kv.md §10 (4) the leader is stopped for longer than entries live, and goes on: what was renewed meanwhile stays, and what was not goes once", async () => {
  await using cluster = await started({
    environment: { HQL_CACHE_STORAGE_DISK: "false" },
  });
  // Long enough for an election and a renewal on a machine that has other things to do.
  const ttlMs = 6000;
  const keys = Array.from({ length: 20 }, (_, n) => `k${n}`);
  await change(
    cluster,
    1,
    keys.map((key) => ({ op: "put", cache: CACHE, key, value: "v" })),
  );
  const stopped = await leaderOf(cluster);
  const others = cluster.nodes.filter((node) => node !== stopped);
  const renewed: boolean[] = [];
  /** Every key of one of the others, in one unit each. */
  const renew = async (): Promise<void> => {
    await Promise.all(others.map(async (node, at) => {
      const touches = keys.filter((_, n) => n % others.length === at)
        .map((key) => ({ op: "touch", cache: CACHE, key, ttl_ms: ttlMs }));
      renewed.push((await change(cluster, node, touches)).found);
    }));
  };
  const renewFor = async (ms: number): Promise<void> => {
    const end = performance.now() + ms;
    while (performance.now() < end) {
      await renew();
      await sleep(200);
    }
  };
  await renew();
  const process = cluster.process(stopped)!;
  process.pause();
  // Its silence is over at some time, and the others have another leader.
  await renewFor(1.5 * ttlMs);
  process.resume();
  await renewFor(ttlMs / 2);
  deepEqual(renewed.filter((found) => !found), []);
  for (const node of cluster.nodes) {
    await renew();
    await Promise.all(keys.map(async (key) => {
      const left = await ttlOf(cluster, node, key, "linearizable");
      ok(left, `${key} at ${node}`);
    }));
  }
  for (const node of cluster.nodes) {
    const url = `${cluster.network.apiUrl(node)}/metrics`;
    await poll(`all to expire on ${node}, once`, 60_000, async () => {
      const text = await (await fetch(url)).text();
      const [, expired] = /^hiqlite_cache_expired_total\{cache="c"\} (\d+)$/m
        .exec(text)!;
      ok(Number(expired) <= keys.length, `${expired} of ${keys.length}`);
      return Number(expired) === keys.length;
    });
  }
});

Deno.test("kv.md §10 (14) caches on the disk with `immediate`, all members killed at once: what was acknowledged is back, and times to live go on", async () => {
  await using cluster = await started({
    environment: {
      HQL_CACHE_STORAGE_DISK: "true",
      HQL_CACHE_LOG_SYNC: "immediate",
    },
  });
  const put = (key: string, ttl_ms: number | null): CacheParts => [
    { op: "put", cache: CACHE, key, value: "v", ttl_ms },
  ];
  await change(cluster, 1, put("long", 60_000));
  await change(cluster, 1, put("short", 8_000));
  const acknowledged: string[] = [];
  const stop = new AbortController();
  const clients = Array.from({ length: 6 }, async (_, client) => {
    const node = cluster.nodes[client % 3]!;
    for (let n = 0; !stop.signal.aborted; n++) {
      const key = `${client}.${n}`;
      const done = await change(cluster, node, put(key, null))
        .catch(() => null);
      if (done === null) return;
      acknowledged.push(key);
    }
  });
  // Whatever the machine does meanwhile: so many puts, and some time to live has gone.
  await sleep(1500);
  await poll(
    "puts",
    60_000,
    () => Promise.resolve(acknowledged.length >= PUTS),
  );
  await Promise.all(
    cluster.nodes.map((node) => cluster.killWithChildren(node)),
  );
  stop.abort();
  await Promise.all(clients);
  for (const node of cluster.nodes) await cluster.startMember(node);
  await cluster.waitReady();
  for (const [at, key] of acknowledged.entries()) {
    const there = await ttlOf(cluster, at % 3 + 1, key, "linearizable");
    equal(there, null, `${key} of ${acknowledged.length} was lost`);
  }
  const left = await ttlOf(cluster, 2, "long", "linearizable");
  ok(left! < 58_500, `${left} ms are left of a minute`);
  await poll(
    "what was short is gone",
    15_000,
    async () => await ttlOf(cluster, 3, "short", "linearizable") === undefined,
  );
});
