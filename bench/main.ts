/** `deno task bench`: see README.md beside this file. */
import { join } from "node:path";
import { measureCaches } from "./caches.ts";
import type { Child } from "./child.ts";
import { Cluster, SECRET, startPipeline, type Trio } from "./cluster.ts";
import { measureEvents } from "./events.ts";
import { drive, type Load, type Timing, UNBOUNDED, WARMING } from "./load.ts";
import { measureMillion, type MillionTimings } from "./million.ts";
import {
  type BenchOptions,
  HELP,
  readOptions,
  type Section,
} from "./options.ts";
import { measureLive } from "./live.ts";
import { measureLocks } from "./locks.ts";
import { busyMs, describeMachine } from "./machine.ts";
import { measureParts } from "./parts.ts";
import { render } from "./report.ts";
import {
  type Comparison,
  type Measured,
  others,
  ratio,
  type Results,
  rounds,
} from "./results.ts";
import { CLEAR, INSERT, row } from "./workload.ts";

const BLOB_BYTES = 100 * 1024;
/** Sections that are bound by the code of the write path. */
const WRITES = ["singles", "transactions", "follower", "http"] as const;

/** Sections with clusters of their own. */
const APART: ReadonlySet<Section> = new Set([
  "levels",
  "cache",
  "cache-million",
]);

async function bench(options: BenchOptions, dir: string): Promise<Results> {
  const results: Results = {
    machine: describeMachine(),
  };
  const { only } = options;
  if (![...only].every((section) => APART.has(section))) {
    await measureTogether(options, dir, results);
  }
  if (only.has("levels")) results.levels = await measureLevels(options, dir);
  if (only.has("cache")) results.cache = await measureBothCaches(options, dir);
  if (only.has("cache-million")) {
    results.million = await measureMillionKeys(options, dir);
  }
  return results;
}

/** What is measured in one cluster, beside the pipelines. */
async function measureTogether(
  options: BenchOptions,
  dir: string,
  results: Results,
): Promise<void> {
  const open: Trio[] = [];
  const started = async <T extends Trio>(trio: Promise<T>): Promise<T> => {
    open.push(await trio);
    return await trio;
  };
  try {
    const pipeline = await started(
      startPipeline(join(dir, "pipeline"), false, options),
    );
    const applying = await started(
      startPipeline(join(dir, "applying"), true, options),
    );
    if (options.only.has("parts")) {
      say("the parts alone");
      results.parts = await measureParts(
        join(dir),
        pipeline.children[0]!,
        options.quick,
      );
    }
    const cluster = await started(
      Cluster.start(join(dir, "cluster"), "immediate", options),
    );
    await measureCluster(options, results, cluster, pipeline, applying);
  } finally {
    await Promise.all(open.map((trio) => trio.close()));
  }
}

async function measureCluster(
  options: BenchOptions,
  results: Results,
  cluster: Cluster,
  pipeline: Trio,
  applying: Trio,
): Promise<void> {
  const { only, rows } = options;
  const each = async <T>(
    what: string,
    measure: (writers: number) => Promise<T>,
  ): Promise<T[]> => {
    const all: T[] = [];
    for (const writers of options.writers) {
      say(`${what}, ${writers} at a time`);
      all.push(await measure(writers));
    }
    return all;
  };
  if (WRITES.some((section) => only.has(section))) {
    say("warming up");
    await warmUp(options, cluster, [pipeline, applying]);
  }
  if (only.has("singles")) {
    results.singles = await each(
      "single inserts",
      (writers) => compare(options, writers, cluster, pipeline, applying),
    );
  }
  if (only.has("transactions")) {
    results.transactions = await each("transactions", async (writers) => {
      await cluster.settle();
      const { leader } = await cluster.roles();
      const timing = await leader.ask<Timing>("transactions", {
        writers,
        rows,
      });
      const inserted = Math.ceil(rows / writers) * writers;
      return { timing, rowsPerSecond: inserted / timing.ms * 1000 };
    });
  }
  if (only.has("follower")) {
    results.follower = await each(
      "through a follower",
      (writers) =>
        warmed(options, cluster, async (ms) => {
          const { follower } = await cluster.roles();
          return await singles(follower, { ms }, writers);
        }),
    );
  }
  if (only.has("http")) {
    results.http = await each(
      "over HTTP",
      (writers) =>
        warmed(options, cluster, async (ms) => {
          const { apiUrl } = await cluster.roles();
          return await overHttp(apiUrl, { ms }, writers);
        }),
    );
  }
  if (only.has("blobs")) {
    say("100 KB inserts");
    const calls = options.quick ? 50 : 300;
    const { leader } = await cluster.roles();
    results.blobs = await leader.ask("blobs", { bytes: BLOB_BYTES, calls });
  }
  if (only.has("events")) {
    say("events");
    await cluster.settle();
    results.events = await measureEvents(options, cluster);
  }
  if (only.has("locks")) {
    say("locks");
    await cluster.settle();
    results.locks = await measureLocks(options, cluster);
  }
  if (only.has("reads")) {
    say("reads");
    await cluster.settle();
    // Reading without a pause on its main thread would cost the leader its leadership.
    const { follower } = await cluster.roles();
    results.reads = await follower.ask("reads", { rows });
  }
  if (only.has("live")) {
    say("following the database");
    results.live = await measureLive(options, cluster, withCpu);
  }
}

/** Caches in memory and on the disk, each in a cluster of its own. */
async function measureBothCaches(
  options: BenchOptions,
  dir: string,
): Promise<NonNullable<Results["cache"]>> {
  const results: NonNullable<Results["cache"]> = [];
  for (const place of ["memory", "disk"] as const) {
    say(`caches, ${place}`);
    const own = join(dir, `cache-${place}`);
    const cluster = await Cluster.start(own, "immediate", options, {
      cacheStorageDisk: place === "disk",
    });
    try {
      results.push({
        place,
        ...await measureCaches(options, cluster, withCpu),
      });
    } finally {
      await cluster.close();
    }
  }
  return results;
}

/** Many keys in memory, beside SQL. */
async function measureMillionKeys(
  options: BenchOptions,
  dir: string,
): Promise<MillionTimings> {
  say("a million keys");
  const own = join(dir, "million");
  const trio = { ...options, schedule: true };
  const cluster = await Cluster.start(own, "immediate", trio, {
    cacheStorageDisk: false,
  });
  try {
    return await measureMillion(options, cluster);
  } finally {
    await cluster.close();
  }
}

/** Keeps the cluster and each pipeline busy for a while. */
async function warmUp(
  { warmMs }: BenchOptions,
  cluster: Cluster,
  pipelines: readonly Trio[],
): Promise<void> {
  if (warmMs === 0) return;
  const { leader } = await cluster.roles();
  const leaders = [leader, ...pipelines.map(({ children }) => children[0]!)];
  for (const child of leaders) await singles(child, { ms: warmMs }, WARMING);
}

/** Measures after a run that only brings code and caches up to speed. */
async function warmed(
  { ms }: BenchOptions,
  cluster: Cluster,
  measure: (ms: number) => Promise<Timing>,
): Promise<Timing> {
  await measure(ms / 2);
  await cluster.settle();
  return await measure(ms);
}

/** Measures the three in turns, in an order that changes. */
async function compare(
  options: BenchOptions,
  writers: number,
  cluster: Cluster,
  pipeline: Trio,
  applying: Trio,
): Promise<Comparison> {
  const timings = {
    cluster: [] as Measured[],
    pipeline: [] as Measured[],
    applying: [] as Measured[],
  };
  const clusterTurn = async (ms: number): Promise<Measured> => {
    await cluster.settle();
    const { leader } = await cluster.roles();
    return await withCpu(cluster, () => singles(leader, { ms }, writers));
  };
  const pipelineTurn = (trio: Trio) => (ms: number): Promise<Measured> =>
    withCpu(trio, () => singles(trio.children[0]!, { ms }, writers));
  const turns: [keyof typeof timings, (ms: number) => Promise<Measured>][] = [
    ["pipeline", pipelineTurn(pipeline)],
    ["cluster", clusterTurn],
    ["applying", pipelineTurn(applying)],
  ];
  for (const [, turn] of turns) await turn(options.ms / 2);
  for (let round = 0; round < options.rounds; round++) {
    for (const [name, turn] of turns) {
      timings[name].push(await turn(options.ms));
    }
    turns.reverse();
  }
  return {
    writers,
    cluster: rounds(timings.cluster),
    pipeline: rounds(timings.pipeline),
    pipelineApplying: rounds(timings.applying),
    ratio: ratio(timings.cluster, timings.pipeline),
    ratioApplying: ratio(timings.cluster, timings.applying),
    others: others(Object.values(timings).flat()),
  };
}

async function withCpu(
  { children }: Trio,
  measure: () => Promise<Timing>,
): Promise<Measured> {
  const spent = async (): Promise<number> => {
    const each = children.map((child) => child.ask<number>("cpu"));
    return (await Promise.all(each)).reduce((sum, own) => sum + own, 0);
  };
  const before = await spent();
  const busyBefore = busyMs();
  const timing = await measure();
  const all = (busyMs() - busyBefore) * 1000;
  const cpuUs = await spent() - before;
  return { timing, cpuUs, othersUs: Math.max(0, all - cpuUs) };
}

function singles(
  child: Child,
  { ms }: Pick<BenchOptions, "ms">,
  concurrency: number,
): Promise<Timing> {
  return child.ask<Timing>(
    "singles",
    { concurrency, ms, calls: UNBOUNDED } satisfies Load,
  );
}

async function overHttp(
  url: string,
  { ms }: Pick<BenchOptions, "ms">,
  concurrency: number,
): Promise<Timing> {
  const post = async (sql: string, params: unknown[]): Promise<void> => {
    const response = await fetch(`${url}/api/v1/execute`, {
      method: "POST",
      headers: { "x-api-secret": SECRET, "content-type": "application/json" },
      body: JSON.stringify({ sql, params }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
  };
  await post(CLEAR, []);
  const load = { concurrency, ms, calls: UNBOUNDED };
  return await drive(load, (n) => post(INSERT, row(n)));
}

async function measureLevels(
  options: BenchOptions,
  dir: string,
): Promise<NonNullable<Results["levels"]>> {
  const levels: NonNullable<Results["levels"]> = [];
  for (const logSync of ["immediate_async", "interval_200"] as const) {
    const cluster = await Cluster.start(
      join(dir, logSync),
      logSync,
      options,
    );
    try {
      const timings: Timing[] = [];
      for (const writers of options.writers) {
        say(`single inserts with ${logSync}, ${writers} at a time`);
        timings.push(
          await warmed(options, cluster, async (ms) => {
            const { leader } = await cluster.roles();
            return await singles(leader, { ms }, writers);
          }),
        );
      }
      levels.push({ logSync, singles: timings });
    } finally {
      await cluster.close();
    }
  }
  return levels;
}

/** Progress; results alone go to the output. */
function say(what: string): void {
  write(Deno.stderr, `${what} ...\n`);
}

function write(to: typeof Deno.stderr, text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(to.writeSync(bytes));
}

async function main(): Promise<void> {
  const options = readOptions(Deno.args);
  if (options === null) return write(Deno.stdout, HELP);
  const dir = Deno.makeTempDirSync({ prefix: "hiqlite-bench-" });
  try {
    const results = await bench(options, dir);
    write(
      Deno.stdout,
      options.json ? JSON.stringify(results, null, 2) + "\n" : render(results),
    );
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

await main();
