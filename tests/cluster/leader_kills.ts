import { SeededRandom } from "../../src/util/random.ts";
import type { Violation } from "../checker/violation.ts";
import { contextOf, createSchema, runClients } from "./clients.ts";
import { poll, type TestCluster } from "./harness.ts";
import { Recorder, type Tally } from "./recorder.ts";
import { setWorkload } from "./workloads/set.ts";

/** Options of {@linkcode killLeaders}. */
export interface LeaderKillsOptions {
  readonly cluster: TestCluster;
  readonly kills: number;
  readonly seed: number;
  /** Clients that insert all the time. */
  readonly clients: number;
  /** Mean pause of a client, ms. */
  readonly pauseMs: number;
  /** Hears of every kill. */
  readonly onKill?: (kill: LeaderKill) => void;
}

/** What one kill did. */
export interface LeaderKill {
  readonly node: number;
  /** From the signal to the first acknowledgement of a write begun after the death, ms. */
  readonly gapMs: number;
  /** From the new start of the killed member until it was ready, ms. */
  readonly readyMs: number;
}

/** What a series of kills did. */
export interface LeaderKillsReport {
  readonly kills: readonly LeaderKill[];
  readonly tally: Readonly<Tally>;
  readonly violations: readonly Violation[];
}

/** Writes must go on within this time, or the series ends, ms. */
const GAP_LIMIT_MS = 60_000;

/** A killed member must be ready again within this time, ms. */
const READY_LIMIT_MS = 60_000;

/**
 * Kills the leader with SIGKILL again and again while clients insert; then checks
 * that nothing acknowledged is lost and nothing is there twice, and that all members hold the same.
 */
export async function killLeaders(
  options: LeaderKillsOptions,
): Promise<LeaderKillsReport> {
  const { cluster, seed, clients, pauseMs } = options;
  const workload = setWorkload();
  const recorder = new Recorder();
  await createSchema(cluster, workload);
  const ended = new AbortController();
  const running = runClients({
    cluster,
    workload,
    recorder,
    clients,
    seed,
    pauseMs,
    signal: ended.signal,
  });
  const kills: LeaderKill[] = [];
  try {
    while (kills.length < options.kills) {
      const kill = await killLeader(cluster, recorder);
      options.onKill?.(kill);
      kills.push(kill);
    }
  } finally {
    ended.abort();
    await running;
  }
  const random = new SeededRandom(seed);
  await poll("the last read", GAP_LIMIT_MS, async () => {
    const process = recorder.newProcess();
    const context = contextOf(cluster, recorder, random, process);
    return (await workload.finish!(context)).type === "ok";
  });
  await cluster.assertEqualContents();
  const violations = workload.check(recorder.events);
  return { kills, tally: recorder.tally, violations };
}

async function killLeader(
  cluster: TestCluster,
  recorder: Recorder,
): Promise<LeaderKill> {
  const node = await cluster.waitLeader();
  await poll(
    "a write under way",
    GAP_LIMIT_MS,
    () => Promise.resolve(recorder.tally.ok > 0),
  );
  // The gap counts from the signal, the writes from the observed death: what the dying leader still took does not count.
  const killed = performance.now();
  await cluster.killMember(node);
  const begin = recorder.events.length;
  let gapMs: number | undefined;
  await poll("a write after the kill", GAP_LIMIT_MS, () => {
    gapMs = firstAcknowledgement(recorder, begin, killed);
    return Promise.resolve(gapMs !== undefined);
  });
  const started = performance.now();
  await cluster.startMember(node);
  await cluster.waitReady([node], READY_LIMIT_MS);
  return { node, gapMs: gapMs!, readyMs: performance.now() - started };
}

/** When the first write that was begun after event `begin` was acknowledged, ms after `killed`. */
function firstAcknowledgement(
  recorder: Recorder,
  begin: number,
  killed: number,
): number | undefined {
  const invoked = new Set<number>();
  for (const event of recorder.events.slice(begin)) {
    if (event.type === "invoke") invoked.add(event.process);
    else if (event.type === "ok" && invoked.has(event.process)) {
      return event.time - killed;
    }
  }
  return undefined;
}
