import { parseArgs } from "node:util";
import { drawPlan, type Plan } from "./plan.ts";
import { type Probe, PROBES, Probes } from "./probes.ts";
import { type Report, run } from "./run.ts";
import { shrink } from "./shrink.ts";

const { values: flags } = parseArgs({
  options: {
    /** How many seeds. */
    seeds: { type: "string", default: "100" },
    /** The first one. */
    seed: { type: "string", default: "1" },
    /** From one seed to the next. */
    step: { type: "string", default: "1" },
    /** Run the plan in this file instead. */
    plan: { type: "string" },
    /** Make a failing plan smaller and write it to this file. */
    shrink: { type: "string" },
    /** Every n-th seed runs twice, and the traces must be equal. */
    twice: { type: "string", default: "20" },
    /** Lines of trace to print of a failure. */
    tail: { type: "string", default: "60" },
    /** Print every line of the trace. */
    verbose: { type: "boolean", default: false },
    /** Print failing seeds only, and go on after them. */
    keepGoing: { type: "boolean", default: false },
  },
});

// deno-lint-ignore no-console -- this is a command
const print = console.log;
const first = Number(flags.seed);
const count = Number(flags.seeds);
const step = Number(flags.step);
const totals = {
  seeds: 0,
  simulatedMs: 0,
  events: 0,
  messages: 0,
  committed: 0,
  answered: 0,
  unknown: 0,
  unfinished: 0,
};
const faults = new Map<string, number>();
const probes = new Probes();
const started = performance.now();
let failures = 0;

for (const plan of plans()) {
  const report = run(plan, flags.verbose ? print : undefined);
  add(report);
  if (report.violation === null && plan.seed % Number(flags.twice) === 0) {
    const again = run(plan).hash;
    if (again !== report.hash) {
      failures++;
      print(`seed ${plan.seed}: NOT DETERMINISTIC, traces differ`);
    }
  }
  if (report.violation === null) continue;
  failures++;
  fail(report);
  if (!flags.keepGoing) break;
}
summary();
if (failures > 0) Deno.exit(1);

function* plans(): Generator<Plan> {
  if (flags.plan !== undefined) {
    yield JSON.parse(Deno.readTextFileSync(flags.plan)).plan;
    return;
  }
  for (let i = 0; i < count; i++) yield drawPlan(first + i * step);
}

function add(report: Report): void {
  totals.seeds++;
  totals.simulatedMs += report.simulatedMs;
  totals.events += report.events;
  totals.messages += report.messages;
  totals.committed += report.committed;
  totals.answered += report.answered;
  totals.unknown += report.unknown;
  if (!report.checked) totals.unfinished++;
  probes.merge(report.probes);
  for (const [kind, times] of report.faults) {
    faults.set(kind, (faults.get(kind) ?? 0) + times);
  }
}

function fail(report: Report): void {
  const { plan, violation } = report;
  if (!flags.keepGoing) {
    for (const line of report.tail(Number(flags.tail))) print(line);
  }
  print(`seed ${plan.seed}: ${violation!.message}`);
  const where = flags.plan === undefined
    ? `--seed ${plan.seed} --seeds 1`
    : `--plan ${flags.plan}`;
  print(`replay: deno task test:sim ${where} [--verbose] [--shrink FILE]`);
  if (flags.shrink === undefined) return;
  const smaller = shrink(plan, print);
  Deno.writeTextFileSync(
    flags.shrink,
    `${JSON.stringify({ violation: violation!.message, plan: smaller })}\n`,
  );
  print(`written: ${flags.shrink}`);
}

function summary(): void {
  const seconds = (performance.now() - started) / 1000;
  const simulated = totals.simulatedMs / 1000;
  print(
    `${totals.seeds} seeds (${first} … ${
      first + count - 1
    }), ${failures} failures, ` +
      `${simulated.toFixed(0)} s simulated in ${seconds.toFixed(1)} s ` +
      `(${(simulated / seconds).toFixed(0)} × real time, ` +
      `${(totals.seeds / seconds).toFixed(1)} seeds/s)`,
  );
  print(
    `${totals.events} events, ${totals.messages} messages, ` +
      `${totals.committed} entries committed, ${totals.answered} operations answered, ` +
      `${totals.unknown} of unknown outcome, ` +
      `${totals.unfinished} histories not decided`,
  );
  const sum = [...faults.values()].reduce((a, b) => a + b, 0);
  print(`${sum} faults: ${listed(faults)}`);
  print(`probes: ${listed(probes.counts)}`);
  const missed = probes.missed();
  const all = Object.keys(PROBES) as Probe[];
  print(`${all.length - missed.length} of ${all.length} probes hit`);
  for (const probe of missed) print(`  not hit: ${probe} (${PROBES[probe]})`);
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, times]) => `${name} ${times}`).join(", ");
}
