// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SeededRandom } from "../../src/util/random.ts";
import { LoopbackNetwork } from "./loopback.ts";
import { drawPairs, NEMESIS_NAMES, nemesisNamed } from "./nemeses/all.ts";
import type { NemesisKind } from "./nemeses/nemesis.ts";
import { NetnsNetwork } from "./netns.ts";
import { ownLoopback } from "../ports.ts";
import type { TestNetwork } from "./network.ts";
import {
  formatLeftOut,
  type LeftOut,
  NAMESPACES,
  sortOut,
} from "./requirements.ts";
import { type RoundReport, runRound } from "./round.ts";
import { formatSummary, type RunSummary, summaryOf } from "./summary.ts";
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
  --network X      netns, proxy, or auto: netns where it is allowed; faults that need
                   proxies have them in any case (default auto)
  --out FOLDER     where histories and logs go, empty or not there yet (default: a
                   temporary folder, removed if all went well)
  --json FILE      where the figures go, anew after every round
  --strict         end before the run where this machine cannot do all of it; without
                   it faults that were not named are left out, and the summary says so

Several runs can go on side by side: networks, addresses, disks and folders are
each run's own.

Faults: ${NEMESIS_NAMES.join(", ")}
Workloads: ${Object.keys(WORKLOADS).join(", ")}`;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    nemesis: { type: "string" },
    pairs: { type: "string", default: "0" },
    workload: { type: "string", default: Object.keys(WORKLOADS).join(",") },
    nodes: { type: "string", default: "3" },
    clients: { type: "string", default: "2" },
    pause: { type: "string", default: "30" },
    network: { type: "string", default: "auto" },
    out: { type: "string" },
    json: { type: "string" },
    strict: { type: "boolean", default: false },
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
  const wanted = wantedFaults(seed);
  const { possible, leftOut } = await sortOut(wanted);
  const netns = await choosesNamespaces(leftOut);
  for (const line of leftOut.map(formatLeftOut)) console.log(line);
  if (!mayBegin(possible, leftOut)) return false;
  const out = await outFolder();
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.abort());
  }
  console.log(`seed ${seed}, histories and logs in ${out}`);
  const reports: RoundReport[] = [];
  const run = {
    ...{ seed, minutes, leftOut, reports },
    nodes: numberOf("nodes"),
    rounds: possible.length,
  };
  for (const [i, nemesis] of wanted.entries()) {
    if (stop.signal.aborted) break;
    if (!possible.includes(nemesis)) continue;
    const report = await round(nemesis, netns && !nemesis.needsProxies, {
      workloads: names.map(workloadNamed),
      seconds: minutes * 60 / possible.length,
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
    await writeJson(summaryOf(run));
  }
  console.log(`\n${formatSummary(summaryOf(run))}`);
  const bad = reports.filter(isBad);
  for (const report of bad) {
    console.log(`replay: ${replayOf(report, minutes / possible.length)}`);
  }
  if (bad.length === 0 && values.out === undefined) {
    await Deno.remove(out, { recursive: true });
  }
  return bad.length === 0 && reports.length === possible.length;
}

/** The faults that were asked for, and pairs: the same on every machine. */
function wantedFaults(seed: number): NemesisKind[] {
  const pairs = drawPairs(
    numberOf("pairs"),
    new SeededRandom(seed),
    numberOf("nodes"),
  );
  const singles = values.nemesis?.split(",") ?? NEMESIS_NAMES;
  return [...singles, ...pairs].map(nemesisNamed);
}

/** Whether members get network namespaces; if they cannot, that is added to what is left out. */
async function choosesNamespaces(leftOut: LeftOut[]): Promise<boolean> {
  if (values.network === "proxy") return false;
  const reason = await NAMESPACES.obstacle();
  if (reason !== "") {
    leftOut.push({
      what: `${NAMESPACES.name} (proxies between members instead)`,
      reason,
    });
  }
  return reason === "";
}

/** Whether so much is left that the run makes sense; if not, says why. */
function mayBegin(
  possible: readonly NemesisKind[],
  leftOut: readonly LeftOut[],
): boolean {
  if (leftOut.length === 0) return true;
  const named = values.nemesis?.split(",") ?? [];
  const missing = named.filter((name) =>
    !possible.some((kind) => kind.name === name)
  );
  const reason = values.strict
    ? "--strict leaves nothing out"
    : missing.length > 0
    ? `--nemesis asks for ${missing.join(", ")}`
    : values.network === "netns"
    ? "--network netns asks for namespaces"
    : possible.length === 0
    ? "no fault is left"
    : "";
  if (reason !== "") console.log(`ended before the run: ${reason}`);
  return reason === "";
}

/** Where histories go. @throws {Error} if it is in use, as by a run beside this one. */
async function outFolder(): Promise<string> {
  const { out } = values;
  if (out === undefined) return await Deno.makeTempDir({ prefix: "chaos-" });
  await Deno.mkdir(out, { recursive: true });
  const found = await Array.fromAsync(Deno.readDir(out));
  if (found.length === 0) return out;
  throw new Error(`--out ${out} is not empty: name a folder of this run alone`);
}

async function writeJson(summary: RunSummary): Promise<void> {
  if (values.json === undefined) return;
  await Deno.writeTextFile(
    values.json,
    `${JSON.stringify(summary, null, 2)}\n`,
  );
}

async function round(
  nemesis: NemesisKind,
  netns: boolean,
  rest: {
    readonly workloads: readonly Workload[];
    readonly seconds: number;
    readonly seed: number;
    readonly folder: string;
    readonly signal: AbortSignal;
  },
): Promise<RoundReport> {
  const nodes = numberOf("nodes");
  try {
    const network: TestNetwork = netns
      ? await NetnsNetwork.create(nodes)
      : new LoopbackNetwork({ nodes, proxied: true, host: ownLoopback() });
    const seconds = rest.seconds.toFixed(0);
    console.log(
      `${nemesis.name}: ${seconds} s, ${network.kind}, seed ${rest.seed}`,
    );
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
      seed: rest.seed,
      faults: 0,
      refused: 0,
      healMs: undefined,
      workloads: [],
      problems: [problem],
    };
  }
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

function replayOf(
  { nemesis, seed }: RoundReport,
  minutes: number,
): string {
  return `deno task test:chaos --nemesis ${nemesis} --workload ${values.workload} --seed ${seed} --minutes ${
    minutes.toFixed(2)
  } --nodes ${values.nodes} --network ${values.network}`;
}
