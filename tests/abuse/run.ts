import { setTimeout as sleep } from "node:timers/promises";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";
import { TestCluster } from "../cluster/harness.ts";
import { LoopbackNetwork } from "../cluster/loopback.ts";
import type { Node } from "../cluster/network.ts";
import { SMALL_DISKS } from "../cluster/requirements.ts";
import { SmallDisk } from "../cluster/small_disk.ts";
import { ownLoopback } from "../ports.ts";
import { kindNamed } from "./all.ts";
import { counts, HonestLoad, type HonestReport } from "./honest_load.ts";
import { isPrecise, type Outcome, type Victim } from "./poison.ts";
import { POISON_SCHEMA, post } from "./sql.ts";

/** Options of {@linkcode runAbuse}. */
export interface AbuseOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Names of poisons; each time one is drawn. */
  readonly kinds: readonly string[];
  /** Names of what honest clients do. */
  readonly workloads: readonly string[];
  /** Members run SQLite through this library. @default as `auto` finds it: the runtime's */
  readonly library?: string;
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
  readonly honest: HonestReport;
  /** How members ended by themselves. */
  readonly lost: readonly string[];
  readonly violations: readonly string[];
  /** What else went wrong. */
  readonly problems: readonly string[];
}

/** Room on the disk of a member, MiB. */
const DISK_MIB = 256;
/** After so many poisons what they stored is taken away. */
const POISONS_KEPT = 20;
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
  const { seed, workloads, kinds, library } = options;
  const network = new LoopbackNetwork({ nodes: 3, host: ownLoopback() });
  const problems: string[] = [];
  const outcomes = new Map<string, Outcome[]>();
  const disks = kinds.includes("disk") && await SMALL_DISKS.obstacle() === "";
  await using cluster = await TestCluster.start({
    network,
    environment: { HQL_WRITE_TIMEOUT_MS: "2000" },
    ...library === undefined ? {} : { library, children: false },
    ...disks ? { prepare: giveSmallDisks } : {},
  });
  await cluster.write(1, POISON_SCHEMA);
  const honest = await HonestLoad.start({ cluster, workloads, seed });
  try {
    await poison(options, cluster, outcomes, honest, problems);
  } finally {
    await honest.stop();
  }
  problems.push(...await honest.findProblems());
  return {
    seed,
    kinds: Object.fromEntries(
      [...outcomes].map(([kind, each]) => [kind, kindReport(each)]),
    ),
    honest: honest.report(),
    lost: [...cluster.complaints],
    violations: honest.violations(),
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
  honest: HonestLoad,
  problems: string[],
): Promise<void> {
  const random = new SeededRandom(seed);
  const deadline = performance.now() + seconds * 1000;
  let [last, movedMs] = [honest.done, performance.now()];
  let sent = 0;
  while (performance.now() < deadline && !signal.aborted) {
    const kind = kinds[randomBetween(random, 0, kinds.length)]!;
    const node = cluster.nodes[randomBetween(random, 0, cluster.nodes.length)]!;
    const outcome = await kindNamed(kind)(victimOf(cluster, node), random);
    outcomes.set(kind, [...outcomes.get(kind) ?? [], outcome]);
    if (!isPrecise(outcome)) {
      say(`${kind} on ${node}: ${outcome.code}: ${outcome.what}`);
    }
    for (const each of cluster.nodes) await cluster.startMember(each);
    if (++sent % POISONS_KEPT === 0) await takeAway(victimOf(cluster, node));
    if (honest.done > last) [last, movedMs] = [honest.done, performance.now()];
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

/** What poison stored is taken away now and then: else the small disks are full after half an hour, and nothing is tried any more. */
async function takeAway(victim: Victim): Promise<void> {
  const body = JSON.stringify({ sql: "DELETE FROM poison" });
  await post(victim, "execute", body, "taking away");
}

/** Where a member listens. */
export function victimOf({ network }: TestCluster, node: Node): Victim {
  const [, raft, api] = network.environment(node).HQL_NODES!
    .split("\n")[node - 1]!.split(" ");
  const portOf = (address: string): number => Number(address.split(":")[1]);
  return {
    hostname: api!.split(":")[0]!,
    apiPort: portOf(api!),
    raftPort: portOf(raft!),
  };
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
