import { formatLeftOut, type LeftOut } from "./requirements.ts";
import type { RoundReport, WorkloadReport } from "./round.ts";

/** A run, and what it was asked for. */
export interface Run {
  readonly seed: number;
  readonly minutes: number;
  readonly nodes: number;
  /** Rounds that were to be. */
  readonly rounds: number;
  readonly leftOut: readonly LeftOut[];
  readonly reports: readonly RoundReport[];
}

/** Operations by how they ended, and how long those took that ended well. */
interface Operations {
  readonly ok: number;
  readonly refused: number;
  readonly unknown: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What one kind of fault, or a pair, did. */
interface FaultSummary extends Operations {
  readonly rounds: number;
  readonly times: number;
  /** Operations of the fault itself that the cluster refused. */
  readonly refusedFaults: number;
  /** The longest, ms. */
  readonly healedMs: number | null;
  readonly violations: number;
  readonly problems: number;
}

/** The figures of a run, as `--json` writes them. */
export interface RunSummary {
  readonly seed: number;
  readonly minutes: number;
  readonly nodes: number;
  /** Whether every round was run. */
  readonly complete: boolean;
  readonly operations: Operations & { readonly total: number };
  readonly faults: number;
  readonly refusedFaults: number;
  readonly violations: readonly string[];
  readonly problems: readonly string[];
  readonly leftOut: readonly LeftOut[];
  readonly workloads: Readonly<
    Record<string, Operations & { readonly violations: number }>
  >;
  readonly single: Readonly<Record<string, FaultSummary>>;
  readonly pairs: Readonly<Record<string, FaultSummary>>;
}

/** Adds a run up. */
export function summaryOf(run: Run): RunSummary {
  const { seed, minutes, nodes, leftOut, reports } = run;
  const workloads = reports.flatMap((report) => report.workloads);
  const operations = operationsOf(workloads);
  return {
    seed,
    minutes,
    nodes,
    complete: reports.length === run.rounds,
    operations: {
      total: operations.ok + operations.refused + operations.unknown,
      ...operations,
    },
    faults: sum(reports, ({ faults }) => faults),
    refusedFaults: sum(reports, ({ refused }) => refused),
    violations: reports.flatMap(({ nemesis, workloads }) =>
      workloads.flatMap(({ workload, violations }) =>
        violations.map((text) => `${nemesis}, ${workload}: ${text}`)
      )
    ),
    problems: reports.flatMap(({ nemesis, problems }) =>
      problems.map((text) => `${nemesis}: ${text}`)
    ),
    leftOut,
    workloads: grouped(workloads, ({ workload }) => workload, (each) => ({
      ...operationsOf(each),
      violations: sum(each, ({ violations }) => violations.length),
    })),
    single: faultsOf(reports.filter(({ nemesis }) => !isPair(nemesis))),
    pairs: faultsOf(reports.filter(({ nemesis }) => isPair(nemesis))),
  };
}

/** The same for people. */
export function formatSummary(summary: RunSummary): string {
  const { operations } = summary;
  const rows = Object.entries({ ...summary.single, ...summary.pairs });
  const workloads = Object.entries(summary.workloads);
  return [
    "| fault | times | refused | healed in | ok | refused | unknown | p99 | violations | problems |",
    "|---|---|---|---|---|---|---|---|---|---|",
    ...rows.map(([name, f]) =>
      row(
        name,
        f.times,
        f.refusedFaults,
        f.healedMs === null ? "–" : `${(f.healedMs / 1000).toFixed(1)} s`,
        f.ok,
        f.refused,
        f.unknown,
        `${f.p99Ms} ms`,
        f.violations,
        f.problems,
      )
    ),
    "",
    "| workload | ok | refused | unknown | p99 | violations |",
    "|---|---|---|---|---|---|",
    ...workloads.map(([name, w]) =>
      row(name, w.ok, w.refused, w.unknown, `${w.p99Ms} ms`, w.violations)
    ),
    "",
    `${operations.total} operations (${operations.ok} ok, ${operations.refused} refused, ${operations.unknown} unknown; p50 ${operations.p50Ms} ms, p99 ${operations.p99Ms} ms), ` +
    `${summary.faults} faults (and ${summary.refusedFaults} operations of faults refused), ` +
    `${summary.violations.length} violations, ${summary.problems.length} other problems`,
    ...summary.leftOut.map(formatLeftOut),
  ].join("\n");
}

function row(...cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}

function isPair(nemesis: string): boolean {
  return nemesis.includes("+");
}

function faultsOf(
  reports: readonly RoundReport[],
): Record<string, FaultSummary> {
  return grouped(reports, ({ nemesis }) => nemesis, (each) => {
    const workloads = each.flatMap((report) => report.workloads);
    const healed = each.flatMap(({ healMs }) => healMs ?? []);
    return {
      rounds: each.length,
      times: sum(each, ({ faults }) => faults),
      refusedFaults: sum(each, ({ refused }) => refused),
      healedMs: healed.length === 0 ? null : rounded(Math.max(...healed)),
      ...operationsOf(workloads),
      violations: sum(workloads, ({ violations }) => violations.length),
      problems: sum(each, ({ problems }) => problems.length),
    };
  });
}

function operationsOf(workloads: readonly WorkloadReport[]): Operations {
  const latencies = Float64Array.from(
    workloads.flatMap(({ latenciesMs }) => latenciesMs),
  ).sort();
  const at = (share: number): number =>
    rounded(
      latencies[
        Math.min(latencies.length - 1, Math.floor(share * latencies.length))
      ] ?? 0,
    );
  return {
    ok: sum(workloads, ({ tally }) => tally.ok),
    refused: sum(workloads, ({ tally }) => tally.fail),
    unknown: sum(workloads, ({ tally }) => tally.info),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}

function grouped<T, R>(
  all: readonly T[],
  name: (each: T) => string,
  of: (each: readonly T[]) => R,
): Record<string, R> {
  return Object.fromEntries(
    [...Map.groupBy(all, name)].map(([key, each]) => [key, of(each)]),
  );
}

function sum<T>(all: readonly T[], of: (each: T) => number): number {
  return all.reduce((total, each) => total + of(each), 0);
}

/** Tenths are enough. */
function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
