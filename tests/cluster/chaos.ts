// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SeededRandom } from "../../src/util/random.ts";
import { LoopbackNetwork } from "./loopback.ts";
import { drawPairs, NEMESIS_NAMES, nemesisNamed } from "./nemeses/all.ts";
import type { NemesisKind } from "./nemeses/nemesis.ts";
import { NetnsNetwork } from "./netns.ts";
import type { TestNetwork } from "./network.ts";
import { type RoundReport, runRound, type WorkloadReport } from "./round.ts";
import { WORKLOADS } from "./workloads/all.ts";
import type { Workload } from "./workloads/workload.ts";

const USAGE =
  `Real members under faults, with clients whose histories are checked.

  --minutes N      how long, over all rounds (default 10)
  --seed N         where the faults and the clients' choices come from
  --nemesis A,B+C  kinds of fault, two at once with + (default: all single ones)
  --pairs N        and so many random pairs of them (default 0)
  --workload A,B   what clients do, all at the same time (default: all)
  --nodes N        members, 3 or 5 for most faults (default 3)
  --clients N      clients per workload (default 2)
  --pause N        mean pause of a client between operations, ms (default 30)
  --network X      netns, proxy, or auto: netns where it is allowed and the fault
                   does not need proxies (default auto)
  --out FOLDER     where histories and logs go (default: a temporary folder)

Faults: ${NEMESIS_NAMES.join(", ")}
Workloads: ${Object.keys(WORKLOADS).join(", ")}`;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    nemesis: { type: "string", default: NEMESIS_NAMES.join(",") },
    pairs: { type: "string", default: "0" },
    workload: { type: "string", default: Object.keys(WORKLOADS).join(",") },
    nodes: { type: "string", default: "3" },
    clients: { type: "string", default: "2" },
    pause: { type: "string", default: "30" },
    network: { type: "string", default: "auto" },
    out: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(USAGE);
} else {
  Deno.exit(await main() ? 0 : 1);
}

/** @throws {RangeError} for what is no number, or too small. */
function numberOf(
  name: "minutes" | "seed" | "pairs" | "nodes" | "clients" | "pause",
): number {
  const number = Number(values[name]);
  const least = name === "nodes" || name === "clients" ? 1 : 0;
  if (number >= least) return number;
  throw new RangeError(`--${name} is a number of at least ${least}`);
}

async function main(): Promise<boolean> {
  const names = values.workload.split(",");
  names.forEach(workloadNamed);
  const [minutes, seed] = [numberOf("minutes"), numberOf("seed")];
  const pairs = drawPairs(
    numberOf("pairs"),
    new SeededRandom(seed),
    numberOf("nodes"),
  );
  const kinds = [...values.nemesis.split(","), ...pairs].map(nemesisNamed);
  const out = values.out ?? await Deno.makeTempDir({ prefix: "chaos-" });
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.abort());
  }
  console.log(`seed ${seed}, histories and logs in ${out}`);
  const reports: RoundReport[] = [];
  for (const [i, nemesis] of kinds.entries()) {
    if (stop.signal.aborted) break;
    const report = await round(nemesis, {
      workloads: names.map(workloadNamed),
      seconds: minutes * 60 / kinds.length,
      seed: seed + i,
      folder: join(out, `${i + 1}-${nemesis.name}`),
      signal: stop.signal,
    });
    for (const { workload, violations } of report.workloads) {
      for (const violation of violations.slice(0, 3)) {
        console.log(`  VIOLATION in ${workload}: ${violation}`);
      }
    }
    reports.push(report);
  }
  console.log(`\n${tableOf(reports)}\n\n${totalOf(reports)}`);
  const bad = reports.filter(isBad);
  for (const report of bad) {
    const i = kinds.findIndex(({ name }) => name === report.nemesis);
    console.log(
      `replay: ${replayOf(report, seed + i, minutes / kinds.length)}`,
    );
  }
  if (bad.length === 0 && values.out === undefined) {
    await Deno.remove(out, { recursive: true });
  }
  return bad.length === 0 && reports.length === kinds.length;
}

async function round(
  nemesis: NemesisKind,
  rest: {
    readonly workloads: readonly Workload[];
    readonly seconds: number;
    readonly seed: number;
    readonly folder: string;
    readonly signal: AbortSignal;
  },
): Promise<RoundReport> {
  const nodes = numberOf("nodes");
  const network = await createNetwork(nodes, nemesis);
  console.log(
    `${nemesis.name}: ${
      rest.seconds.toFixed(0)
    } s, ${network.kind}, seed ${rest.seed}`,
  );
  try {
    return await runRound({
      ...rest,
      nemesis,
      nodes,
      network,
      clients: numberOf("clients"),
      pauseMs: numberOf("pause"),
      say: (line) => console.log(line),
    });
  } catch (error) {
    const problem = (error as Error).stack ?? `${error}`;
    console.log(`  PROBLEM ${problem}`);
    return {
      nemesis: nemesis.name,
      faults: 0,
      healMs: undefined,
      workloads: [],
      problems: [problem],
    };
  }
}

async function createNetwork(
  nodes: number,
  { name, needsProxies }: NemesisKind,
): Promise<TestNetwork> {
  if (needsProxies && values.network === "netns") {
    throw new RangeError(
      `${name} needs proxies between members: --network proxy or auto`,
    );
  }
  if (values.network !== "proxy" && !needsProxies) {
    try {
      return await NetnsNetwork.create(nodes);
    } catch (error) {
      if (values.network === "netns") throw error;
      console.log(`no network namespaces here: ${(error as Error).message}`);
    }
  }
  return new LoopbackNetwork({ nodes, proxied: true });
}

function workloadNamed(name: string): Workload {
  const make = WORKLOADS[name];
  if (make !== undefined) return make();
  throw new RangeError(
    `no workload "${name}", there are ${Object.keys(WORKLOADS).join(", ")}`,
  );
}

function isBad({ problems, workloads }: RoundReport): boolean {
  return problems.length > 0 ||
    workloads.some(({ violations }) => violations.length > 0);
}

function tableOf(reports: readonly RoundReport[]): string {
  const lines = [
    "| fault | times | healed in | workload | ok | refused | unknown | violations |",
    "|---|---|---|---|---|---|---|---|",
  ];
  for (const { nemesis, faults, healMs, workloads } of reports) {
    const healed = healMs === undefined
      ? "–"
      : `${(healMs / 1000).toFixed(1)} s`;
    for (const { workload, tally, violations } of workloads) {
      const { ok, fail, info } = tally;
      lines.push(
        `| ${nemesis} | ${faults} | ${healed} | ${workload} | ${ok} | ${fail} | ${info} | ${violations.length} |`,
      );
    }
  }
  return lines.join("\n");
}

function totalOf(reports: readonly RoundReport[]): string {
  const workloads = reports.flatMap((report) => report.workloads);
  const sum = (of: (report: WorkloadReport) => number): number =>
    workloads.reduce((total, each) => total + of(each), 0);
  const [ok, fail, info] = [
    sum(({ tally }) => tally.ok),
    sum(({ tally }) => tally.fail),
    sum(({ tally }) => tally.info),
  ];
  const faults = reports.reduce((total, each) => total + each.faults, 0);
  const problems = reports.reduce((n, each) => n + each.problems.length, 0);
  return `${
    ok + fail + info
  } operations (${ok} ok, ${fail} refused, ${info} unknown), ${faults} faults, ${
    sum(({ violations }) => violations.length)
  } violations, ${problems} other problems`;
}

function replayOf(
  { nemesis }: RoundReport,
  seed: number,
  minutes: number,
): string {
  return `deno task test:chaos --nemesis ${nemesis} --workload ${values.workload} --seed ${seed} --minutes ${
    minutes.toFixed(2)
  } --nodes ${values.nodes} --network ${values.network}`;
}
