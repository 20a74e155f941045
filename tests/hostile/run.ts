import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import {
  HonestLoad,
  type HonestReport,
  type Times,
} from "../abuse/honest_load.ts";
import { victimOf } from "../abuse/run.ts";
import { TestCluster } from "../cluster/harness.ts";
import { LoopbackNetwork } from "../cluster/loopback.ts";
import { ownLoopback } from "../ports.ts";
import type { Played } from "./attacker.ts";
import type { Target } from "./connection.ts";
import { MemberWatch } from "./member_watch.ts";

/** Options of {@linkcode runHostile}. */
export interface HostileOptions {
  /** How long honest clients are alone first, s. */
  readonly aloneSeconds: number;
  /** How long hostile ones are there, s. */
  readonly seconds: number;
  readonly seed: number;
  /** Kinds of hostile clients; each time one is drawn. */
  readonly kinds: readonly string[];
  /** Names of what honest clients do. */
  readonly workloads: readonly string[];
  /** Whether members speak TLS on both ports; a part of the strangers speaks it, too. */
  readonly tls: boolean;
  readonly signal: AbortSignal;
}

/** What a run came to. */
export interface HostileReport {
  readonly seed: number;
  readonly played: Readonly<Record<string, Played>>;
  readonly honest: HonestReport;
  readonly alone: Times;
  readonly beside: Times;
  /** By how much the memory of the member grew that grew most, MiB. */
  readonly grewMiB: number;
  /** Leaders that were seen. */
  readonly leaders: readonly string[];
  /** How members ended by themselves. */
  readonly lost: readonly string[];
  readonly violations: readonly string[];
  /** What else went wrong. */
  readonly problems: readonly string[];
  /** The ends of the members' logs. */
  readonly logs: string;
}

/** Scripts that are played at the same time. */
const LANES = 12;
/** By how much the memory of a member may grow, MiB. */
const GROWTH_MIB = 200;
const ATTACKER = fileURLToPath(new URL("./attacker.ts", import.meta.url));

/** What a run shows that must not be; empty if it is as it should be. */
export function faultsOf(report: HostileReport): string[] {
  const { lost, violations, problems, leaders, grewMiB } = report;
  return [
    ...lost.map((how) => `lost: ${how}`),
    ...violations.map((found) => `violation: ${found}`),
    ...problems,
    ...leaders.length === 1 ? [] : [`leaders: ${leaders.join(", ")}`],
    ...grewMiB <= GROWTH_MIB
      ? []
      : [`a member grew by ${grewMiB} MiB, the limit is ${GROWTH_MIB}`],
  ];
}

/** Three members and honest clients, first alone, then beside strangers who mean them ill. */
export async function runHostile(
  options: HostileOptions,
): Promise<HostileReport> {
  const { seed, workloads, tls, signal } = options;
  const network = new LoopbackNetwork({ nodes: 3, host: ownLoopback(), tls });
  await using cluster = await TestCluster.start({ network });
  const honest = await HonestLoad.start({ cluster, workloads, seed });
  const watch = new MemberWatch(cluster);
  let alone: Times | undefined;
  let played: Record<string, Played> = {};
  let before = new Map<number, number>();
  let after = before;
  try {
    await pause(options.aloneSeconds, signal);
    alone = honest.takeTimes();
    before = new Map(watch.takeMemory());
    played = await attack(options, cluster);
    after = new Map(watch.takeMemory());
  } finally {
    await watch.stop();
    await honest.stop();
  }
  const beside = honest.takeTimes();
  const problems = await honest.findProblems();
  return {
    ...{ seed, played, alone, beside, problems },
    honest: honest.report(),
    grewMiB: Math.round(
      Math.max(
        ...cluster.nodes.map((node) =>
          (after.get(node) ?? 0) - (before.get(node) ?? 0)
        ),
      ),
    ),
    leaders: watch.leaders,
    lost: [...cluster.complaints],
    violations: honest.violations(),
    logs: await cluster.logTails(),
  };
}

/** Lets hostile clients come for a time, in a process of their own. */
async function attack(
  { seed, seconds, kinds, signal }: HostileOptions,
  cluster: TestCluster,
): Promise<Record<string, Played>> {
  // Behind the members: strangers have machines of their own.
  const [program, ...before] = Deno.build.os === "windows"
    ? [Deno.execPath()]
    : ["nice", "-n", "10", Deno.execPath()];
  const process = new Deno.Command(program!, {
    args: [
      ...before,
      ...["run", "--no-check", "--no-prompt", "--quiet", "--allow-net"],
      ...["--allow-read", "--allow-env", "--allow-sys", ATTACKER],
      ...[`${seed}`, `${LANES}`, JSON.stringify(kinds)],
      JSON.stringify(cluster.nodes.map((node) => targetOf(cluster, node))),
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = process.output();
  await Promise.race([pause(seconds, signal), output]);
  await process.stdin.close().catch(() => {});
  const { code, stdout } = await output;
  if (code !== 0) throw new Error(`the hostile clients ended with ${code}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Hostile clients come from addresses beside that of the honest ones, where a machine has several. */
function targetOf(cluster: TestCluster, node: number): Target {
  const victim = victimOf(cluster, node);
  const bytes = victim.hostname.split(".");
  const from = victim.hostname === "127.0.0.1"
    ? ""
    : `127.${Number(bytes[1]) - 32}.${bytes[2]}.`;
  const tls = cluster.network.apiUrl(node).startsWith("https:");
  return { ...victim, from, tls };
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal }).catch(() => {});
}
