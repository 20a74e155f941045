import { setTimeout as sleep } from "node:timers/promises";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";
import { contextOf, createSchema, runClients } from "../cluster/clients.ts";
import { poll, TestCluster } from "../cluster/harness.ts";
import { LoopbackNetwork } from "../cluster/loopback.ts";
import type { Node } from "../cluster/network.ts";
import { ownLoopback } from "../ports.ts";
import { Recorder } from "../cluster/recorder.ts";
import { SMALL_DISKS } from "../cluster/requirements.ts";
import { SmallDisk } from "../cluster/small_disk.ts";
import { WORKLOADS } from "../cluster/workloads/all.ts";
import { kindNamed } from "./all.ts";
import { isPrecise, type Outcome, type Victim } from "./poison.ts";
import { POISON_SCHEMA } from "./sql.ts";

/** Options of {@linkcode runAbuse}. */
export interface AbuseOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Names of poisons; each time one is drawn. */
  readonly kinds: readonly string[];
  /** Names of what honest clients do. */
  readonly workloads: readonly string[];
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** What one kind of poison did. */
export interface KindReport {
  readonly sent: number;
  readonly codes: Readonly<Record<string, number>>;
  /** Poisons without a precise answer, at most ten. */
  readonly imprecise: readonly string[];
  readonly slowestMs: number;
}

/** What an abuse run came to. */
export interface AbuseReport {
  readonly seed: number;
  readonly kinds: Readonly<Record<string, KindReport>>;
  readonly honest: {
    readonly ok: number;
    readonly unknown: number;
    /** Operations that took no effect, by their reason. */
    readonly refused: Readonly<Record<string, number>>;
    readonly p50Ms: number;
    readonly p99Ms: number;
  };
  /** How members ended by themselves. */
  readonly lost: readonly string[];
  readonly violations: readonly string[];
  /** What else went wrong. */
  readonly problems: readonly string[];
}

/** Room on the disk of a member, MiB. */
const DISK_MIB = 256;
const CLIENTS = 2;
const PAUSE_MS = 30;
/** When the poison has ended, every member must be ready so soon, ms. */
const HEAL_MS = 30_000;
/** If honest clients get nothing done for so long, the run is over, ms. */
const STANDSTILL_MS = 30_000;

/** Whether nothing is wrong with a run. */
export function isClean(report: AbuseReport): boolean {
  const { lost, violations, problems, kinds } = report;
  return lost.length + violations.length + problems.length === 0 &&
    Object.values(kinds).every(({ imprecise }) => imprecise.length === 0);
}

/** Three members, honest clients, and one who means them ill. */
export async function runAbuse(options: AbuseOptions): Promise<AbuseReport> {
  const network = new LoopbackNetwork({ nodes: 3, host: ownLoopback() });
  const workloads = options.workloads.map((name) => WORKLOADS[name]!());
  const recorders = workloads.map(() => new Recorder());
  const problems: string[] = [];
  const outcomes = new Map<string, Outcome[]>();
  const disks = options.kinds.includes("disk") &&
    await SMALL_DISKS.obstacle() === "";
  await using cluster = await TestCluster.start({
    network,
    environment: { HQL_WRITE_TIMEOUT_MS: "2000" },
    ...disks ? { prepare: giveSmallDisks } : {},
  });
  for (const workload of workloads) await createSchema(cluster, workload);
  await cluster.write(1, POISON_SCHEMA);
  const ended = new AbortController();
  const clients = workloads.map((workload, i) =>
    runClients({
      ...{ cluster, workload, recorder: recorders[i]! },
      ...{ clients: CLIENTS, pauseMs: PAUSE_MS, seed: options.seed + i },
      signal: ended.signal,
    })
  );
  const done = (): number =>
    recorders.reduce((sum, { tally }) => sum + tally.ok, 0);
  try {
    await poison(options, cluster, outcomes, done, problems);
  } finally {
    ended.abort();
    await Promise.all(clients);
  }
  await finish(cluster, async () => {
    for (const [i, workload] of workloads.entries()) {
      const recorder = recorders[i]!;
      const random = new SeededRandom(options.seed);
      await poll(`the last read of ${workload.name}`, HEAL_MS, async () => {
        const process = recorder.newProcess();
        const context = contextOf(cluster, recorder, random, process);
        const ending = await workload.finish?.(context);
        return ending === undefined || ending.type === "ok";
      });
    }
  }, problems);
  for (const { problems: found } of recorders) {
    problems.push(...found.slice(0, 3));
  }
  return {
    seed: options.seed,
    kinds: Object.fromEntries(
      [...outcomes].map(([kind, each]) => [kind, kindReport(each)]),
    ),
    honest: honestReport(recorders),
    lost: [...cluster.complaints],
    violations: workloads.flatMap((workload, i) =>
      workload.check(recorders[i]!.events)
        .map(({ anomaly, message }) =>
          `${workload.name}: ${anomaly}: ${message}`
        )
    ),
    problems,
  };
}

async function giveSmallDisks(cluster: TestCluster): Promise<void> {
  for (const node of cluster.nodes) {
    const disk = await SmallDisk.mount(cluster.dataDir(node), DISK_MIB);
    cluster.defer(async () => await disk[Symbol.asyncDispose]());
  }
}

/** One poison after another; a member that it ends is started again, and counted. */
async function poison(
  { seed, seconds, kinds, signal, say }: AbuseOptions,
  cluster: TestCluster,
  outcomes: Map<string, Outcome[]>,
  done: () => number,
  problems: string[],
): Promise<void> {
  const random = new SeededRandom(seed);
  const deadline = performance.now() + seconds * 1000;
  let [last, movedMs] = [done(), performance.now()];
  while (performance.now() < deadline && !signal.aborted) {
    const kind = kinds[randomBetween(random, 0, kinds.length)]!;
    const node = cluster.nodes[randomBetween(random, 0, cluster.nodes.length)]!;
    const outcome = await kindNamed(kind)(victimOf(cluster, node), random);
    outcomes.set(kind, [...outcomes.get(kind) ?? [], outcome]);
    if (!isPrecise(outcome)) {
      say(`${kind} on ${node}: ${outcome.code}: ${outcome.what}`);
    }
    for (const each of cluster.nodes) await cluster.startMember(each);
    if (done() > last) [last, movedMs] = [done(), performance.now()];
    if (performance.now() - movedMs > STANDSTILL_MS) {
      problems.push(
        `honest clients got nothing done for ${
          STANDSTILL_MS / 1000
        } s after ${kind}: ${outcome.what}`,
      );
      return;
    }
    await sleep(randomBetween(random, 0, 500));
  }
}

function victimOf({ network }: TestCluster, node: Node): Victim {
  const [, raft, api] = network.environment(node).HQL_NODES!
    .split("\n")[node - 1]!.split(" ");
  const portOf = (address: string): number => Number(address.split(":")[1]);
  return {
    hostname: api!.split(":")[0]!,
    apiPort: portOf(api!),
    raftPort: portOf(raft!),
  };
}

/** All members come back, serve, and hold the same. */
async function finish(
  cluster: TestCluster,
  lastReads: () => Promise<void>,
  problems: string[],
): Promise<void> {
  try {
    await cluster.waitReady(cluster.nodes, HEAL_MS);
    for (const node of cluster.nodes) {
      await cluster.write(node, "CREATE TABLE IF NOT EXISTS healed (node)");
    }
    await lastReads();
    await cluster.assertEqualContents();
  } catch (error) {
    problems.push((error as Error).message);
  }
}

function kindReport(outcomes: readonly Outcome[]): KindReport {
  return {
    sent: outcomes.length,
    codes: counts(outcomes.map(({ code }) => code)),
    imprecise: outcomes.filter((each) => !isPrecise(each)).slice(0, 10)
      .map(({ code, what }) => `${code}: ${what}`),
    slowestMs: Math.round(Math.max(0, ...outcomes.map(({ ms }) => ms))),
  };
}

function honestReport(recorders: readonly Recorder[]): AbuseReport["honest"] {
  const times = recorders.flatMap(({ latenciesMs }) => latenciesMs)
    .sort((a, b) => a - b);
  const quantile = (part: number): number =>
    Math.round(times[Math.floor(part * (times.length - 1))] ?? 0);
  const failures = recorders.flatMap(({ events }) => events)
    .filter(({ type }) => type === "fail");
  return {
    ok: times.length,
    unknown: recorders.reduce((sum, { tally }) => sum + tally.info, 0),
    refused: counts(
      failures.map(({ error = "" }) => error.split(":")[0]!.slice(0, 40)),
    ),
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
  };
}

function counts(names: readonly string[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const name of names) result[name] = (result[name] ?? 0) + 1;
  return result;
}
