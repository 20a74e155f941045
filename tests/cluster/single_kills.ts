import { setTimeout as sleep } from "node:timers/promises";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";
import type { Violation } from "../checker/violation.ts";
import { contextOf, createSchema, runClients } from "./clients.ts";
import { poll, type TestCluster } from "./harness.ts";
import { Recorder, type Tally } from "./recorder.ts";
import { WORKLOADS } from "./workloads/all.ts";
import type { Workload } from "./workloads/workload.ts";

/** Options of {@linkcode killSingles}. */
export interface SingleKillsOptions {
  readonly cluster: TestCluster;
  readonly kills: number;
  readonly seed: number;
  /** Of each workload. */
  readonly clients: number;
  /** Mean pause of a client, ms. */
  readonly pauseMs: number;
  /** Hears of every kill. */
  readonly onKill?: (kill: SingleKill) => void;
}

/** What one kill did. */
export interface SingleKill {
  readonly node: number;
  /** Whether it led the caches. */
  readonly led: boolean;
  /** From the new start of the killed member until all were ready, ms. */
  readonly readyMs: number;
  /** The killed member's id in the group of caches until then, and since. */
  readonly before: string;
  readonly after: string;
}

/** What a series of kills did. */
export interface SingleKillsReport {
  readonly kills: readonly SingleKill[];
  readonly tallies: Readonly<Record<string, Readonly<Tally>>>;
  readonly violations: readonly Violation[];
}

/** What the caches promise, and beside it what the database does. */
const NAMES = ["cache-register", "cache-counter", "cache-slot", "set"];

/** All members must be ready within this time, ms. */
const READY_LIMIT_MS = 60_000;
const READ_LIMIT_MS = 60_000;
const CALL_MS = 5000;
/** Between all being ready and the next kill, ms: in each phase of what goes on then. */
const PAUSE_MAX_MS = 200;

/**
 * Kills one member after the other, drawn at random, with SIGKILL, each once all are ready, while clients
 * change caches and database through all of them; then checks that nothing acknowledged is lost and nothing was done twice.
 */
export async function killSingles(
  options: SingleKillsOptions,
): Promise<SingleKillsReport> {
  const { cluster, seed, clients, pauseMs } = options;
  const random = new SeededRandom(seed);
  const ended = new AbortController();
  const runs = NAMES.map((name) => ({
    workload: WORKLOADS[name]!(),
    recorder: new Recorder(),
  }));
  for (const { workload } of runs) await createSchema(cluster, workload);
  const { signal } = ended;
  const running = runs.map((run, at) =>
    runClients({
      cluster,
      ...run,
      clients,
      seed: seed + at,
      pauseMs,
      signal,
    })
  );
  const kills: SingleKill[] = [];
  try {
    while (kills.length < options.kills) {
      await sleep(randomBetween(random, 0, PAUSE_MAX_MS));
      const node = cluster.nodes[randomBetween(random, 0, 3)]!;
      const kill = await killOne(cluster, node);
      options.onKill?.(kill);
      kills.push(kill);
    }
  } finally {
    ended.abort();
    await Promise.all(running);
  }
  for (const run of runs) await readAll(cluster, run, random);
  return {
    kills,
    tallies: Object.fromEntries(
      runs.map(({ workload, recorder }) => [workload.name, recorder.tally]),
    ),
    violations: runs.flatMap(({ workload, recorder }) =>
      workload.check(recorder.events)
    ),
  };
}

async function killOne(
  cluster: TestCluster,
  node: number,
): Promise<SingleKill> {
  const before = await cacheMember(cluster, node);
  await cluster.killMember(node);
  const started = performance.now();
  await cluster.startMember(node);
  await cluster.waitReady(cluster.nodes, READY_LIMIT_MS);
  const readyMs = performance.now() - started;
  const after = await cacheMember(cluster, node);
  return {
    node,
    led: before.leader === before.self,
    readyMs,
    before: before.self,
    after: after.self,
  };
}

/** What a member says of itself and of the leader in the group of caches. */
export async function cacheMember(
  cluster: TestCluster,
  node: number,
): Promise<{ readonly self: string; readonly leader: string | null }> {
  const answer = await cluster.api(node).cluster(CALL_MS);
  if (answer.type !== "ok") throw new Error(answer.error);
  const group = answer.value.groups.find(({ name }) => name === "cache");
  if (group === undefined) throw new Error(`member ${node} has no caches`);
  return group;
}

async function readAll(
  cluster: TestCluster,
  { workload, recorder }: { workload: Workload; recorder: Recorder },
  random: SeededRandom,
): Promise<void> {
  if (workload.finish === undefined) return;
  await poll(`the last read of ${workload.name}`, READ_LIMIT_MS, async () => {
    const process = recorder.newProcess();
    const context = contextOf(cluster, recorder, random, process);
    return (await workload.finish!(context)).type === "ok";
  });
}
