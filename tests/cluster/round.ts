import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";
import { contextOf, createSchema, runClients } from "./clients.ts";
import { suspiciousLines } from "./log_lines.ts";
import { poll, TestCluster } from "./harness.ts";
import type { TestNetwork } from "./network.ts";
import {
  durationOf,
  type Nemesis,
  type NemesisKind,
} from "./nemeses/nemesis.ts";
import { Recorder, type Tally } from "./recorder.ts";
import { assertEqualStored } from "./stored.ts";
import type { Workload } from "./workloads/workload.ts";

/** Options of {@linkcode runRound}. */
export interface RoundOptions {
  readonly nodes: number;
  readonly network: TestNetwork;
  readonly nemesis: NemesisKind;
  readonly workloads: readonly Workload[];
  /** How long clients and faults go on. */
  readonly seconds: number;
  readonly seed: number;
  /** Clients per workload. */
  readonly clients: number;
  /** Mean pause of a client, ms. */
  readonly pauseMs: number;
  /** Where histories and logs go; must not exist yet. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** What one workload saw. */
export interface WorkloadReport {
  readonly workload: string;
  readonly tally: Readonly<Tally>;
  /** How long each operation took that ended well, ms. */
  readonly latenciesMs: readonly number[];
  readonly violations: readonly string[];
}

/** What happened in a round. */
export interface RoundReport {
  readonly nemesis: string;
  readonly seed: number;
  readonly faults: number;
  /** Operations of the fault that the cluster refused; where nothing else went wrong they are no faults. */
  readonly refused: number;
  /** From the last fault's end until every member was ready, ms. */
  readonly healMs: number | undefined;
  readonly workloads: readonly WorkloadReport[];
  /** What went wrong beside the histories. */
  readonly problems: readonly string[];
}

/** Every member must be ready so soon after the last fault, ms. */
const HEAL_MS = 30_000;

/** A round in which the cluster has refused every fault so far goes on for so much longer, ms. */
const REFUSED_MS = 15_000;

/** Every second round has its caches in memory. On the disk no power cut may take anything either, so changes wait for it. */
function cachesOf(seed: number): Readonly<Record<string, string>> {
  return seed % 2 === 0
    ? { HQL_CACHE_STORAGE_DISK: "true", HQL_CACHE_LOG_SYNC: "immediate" }
    : { HQL_CACHE_STORAGE_DISK: "false" };
}

/** One cluster, one kind of fault, some workloads at the same time; then it must heal. */
export async function runRound(options: RoundOptions): Promise<RoundReport> {
  const { nodes, network, nemesis, workloads, folder, say } = options;
  await Deno.mkdir(folder);
  const problems: string[] = [];
  const recorders = workloads.map(() => new Recorder());
  let [faults, refused] = [0, 0];
  let healMs: number | undefined;
  {
    await using cluster = await TestCluster.start({
      nodes,
      network,
      root: folder,
      keep: true,
      environment: cachesOf(options.seed),
      ...nemesis.prepare === undefined
        ? {}
        : { prepare: (cluster) => nemesis.prepare!(cluster) },
    });
    for (const workload of workloads) await createSchema(cluster, workload);
    const ended = new AbortController();
    const clients = workloads.map((workload, i) =>
      runClients({
        cluster,
        workload,
        recorder: recorders[i]!,
        clients: options.clients,
        seed: options.seed + i,
        pauseMs: options.pauseMs,
        signal: ended.signal,
      })
    );
    try {
      ({ faults, refused } = await runFaults(options, cluster, problems));
      healMs = await heal(cluster, problems);
    } finally {
      ended.abort();
      await Promise.all(clients);
    }
    if (healMs !== undefined) {
      await finish(options, cluster, recorders, problems);
    }
    for (const node of cluster.nodes) {
      const log = await Deno.readTextFile(cluster.logPath(node));
      problems.push(
        ...suspiciousLines(log, nemesis.destructive === true)
          .map((line) => `log of ${node}: ${line}`),
      );
    }
    problems.push(...cluster.complaints);
  }
  for (const [i, recorder] of recorders.entries()) {
    await recorder.save(join(folder, `${workloads[i]!.name}.ndjson`));
    problems.push(...recorder.problems.slice(0, 3));
    if (recorder.tally.ok > 0) continue;
    problems.push(`no operation of ${workloads[i]!.name} succeeded`);
  }
  if (faults === 0) {
    problems.push(`${nemesis.name} never happened (${refused} refused)`);
  }
  const reports = workloads.map((workload, i): WorkloadReport => ({
    workload: workload.name,
    tally: recorders[i]!.tally,
    latenciesMs: recorders[i]!.latenciesMs,
    violations: workload.check(recorders[i]!.events)
      .map(({ anomaly, message }) => `${anomaly}: ${message}`),
  }));
  for (const problem of problems) say(`  PROBLEM ${problem}`);
  return {
    nemesis: nemesis.name,
    seed: options.seed,
    faults,
    refused,
    healMs,
    workloads: reports,
    problems,
  };
}

/** Lets it go wrong, and be well again, until time is up. */
async function runFaults(
  options: RoundOptions,
  cluster: TestCluster,
  problems: string[],
): Promise<{ readonly faults: number; readonly refused: number }> {
  const { nemesis, seconds, signal, say } = options;
  const random = new SeededRandom(options.seed);
  const deadline = performance.now() + seconds * 1000;
  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal });
  let [faults, refused] = [0, 0];
  const goesOn = (): boolean =>
    performance.now() < deadline + (faults === 0 ? REFUSED_MS : 0);
  while (goesOn() && problems.length === 0) {
    const fault = nemesis.create(cluster, random);
    try {
      await pause(randomBetween(random, 500, 2500));
      const ms = durationOf(nemesis, random);
      const outcome = await fault.start();
      say(`  ${outcome.said}, ${(ms / 1000).toFixed(1)} s`);
      refused += outcome.refused;
      if (outcome.happened) {
        faults++;
        await pause(ms);
      }
    } catch (error) {
      if (signal.aborted) throw error;
      problems.push(`${nemesis.name}: ${(error as Error).message}`);
    }
    await stopped(fault, nemesis.name, problems);
  }
  return { faults, refused };
}

async function stopped(
  fault: Nemesis,
  name: string,
  problems: string[],
): Promise<void> {
  try {
    await fault.stop();
  } catch (error) {
    problems.push(`after ${name}: ${(error as Error).message}`);
  }
}

/** Ends all faults. Answers how long it took until every member was ready. */
async function heal(
  cluster: TestCluster,
  problems: string[],
): Promise<number | undefined> {
  await cluster.network.heal();
  const started = performance.now();
  for (const node of cluster.nodes) {
    cluster.process(node)?.resume();
    await cluster.startMember(node);
  }
  try {
    await cluster.waitReady(cluster.nodes, HEAL_MS);
    return performance.now() - started;
  } catch (error) {
    problems.push(`not healed: ${(error as Error).message}`);
    return undefined;
  }
}

/** A write through every member. */
async function writeEverywhere(cluster: TestCluster): Promise<void> {
  const sql = "CREATE TABLE IF NOT EXISTS healed (node)";
  for (const node of cluster.nodes) {
    await poll(`a write on member ${node}`, HEAL_MS, async () => {
      const answer = await cluster.api(node)
        .execute({ sql }, { timeoutMs: 5000 });
      return answer.type === "ok";
    });
  }
}

/** The last writes and reads, and the comparison of all members. */
async function finish(
  options: RoundOptions,
  cluster: TestCluster,
  recorders: readonly Recorder[],
  problems: string[],
): Promise<void> {
  const random = new SeededRandom(options.seed);
  try {
    await writeEverywhere(cluster);
    for (const [i, workload] of options.workloads.entries()) {
      const recorder = recorders[i]!;
      await poll(`the last read of ${workload.name}`, HEAL_MS, async () => {
        const process = recorder.newProcess();
        const context = contextOf(cluster, recorder, random, process);
        const ending = await workload.finish?.(context);
        return ending === undefined || ending.type === "ok";
      });
    }
    await cluster.assertEqualContents();
    await assertEqualStored(cluster);
  } catch (error) {
    problems.push((error as Error).message);
  }
}
