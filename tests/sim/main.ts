import { parseArgs } from "node:util";
import { drawPlan, type Plan } from "./plan.ts";
import { run } from "./run.ts";
import { shrink } from "./shrink.ts";
import { type SeedResult, Totals } from "./totals.ts";
import { runOnWorkers, runPlan } from "./workers.ts";

const HELP =
  `Runs simulated clusters under faults, one for each seed, and checks them.
Exit code 1 if one fails.

deno task test:sim [options]

  --seeds N      how many seeds (100)
  --seed N       the first one (1)
  --step N       from one seed to the next (1)
  --workers N    seeds that run at the same time, each on its own thread (1)
  --json FILE    write the totals to this file
  --plan FILE    run the plan in this file instead
  --shrink FILE  make a failing plan smaller and write it to this file
  --twice N      every n-th seed runs twice, and the traces must be equal (20)
  --tail N       lines of trace to print of a failure (60)
  --verbose      print every line of the trace; with one worker only
  --keepGoing    print of failing seeds what broke only, and go on after them
  --help         print this and end`;

const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    step: { type: "string", default: "1" },
    workers: { type: "string", default: "1" },
    json: { type: "string" },
    plan: { type: "string" },
    shrink: { type: "string" },
    twice: { type: "string", default: "20" },
    tail: { type: "string", default: "60" },
    verbose: { type: "boolean", default: false },
    keepGoing: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** Seeds between two lines that say how far it is. */
const PROGRESS_SEEDS = 500;

// deno-lint-ignore no-console -- this is a command
const print = console.log;
if (flags.help) print(HELP);
else Deno.exitCode = await main();

/** @throws {RangeError} for what is no whole number, or too small. */
function numberOf(
  name: "seeds" | "seed" | "step" | "workers" | "twice" | "tail",
): number {
  const number = Number(flags[name]);
  const least = name === "seed" || name === "tail" ? 0 : 1;
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new RangeError(`--${name} is a whole number of at least ${least}`);
}

async function main(): Promise<number> {
  const [first, count, step] = [
    numberOf("seed"),
    numberOf("seeds"),
    numberOf("step"),
  ];
  const totals = new Totals();
  const started = performance.now();
  /** Whether to go on. */
  const took = (result: SeedResult): boolean => {
    totals.add(result);
    if (count > PROGRESS_SEEDS && totals.seeds % PROGRESS_SEEDS === 0) {
      print(`${totals.seeds} seeds, ${totals.failures.length} failures`);
    }
    const good = result.violation === null && !result.nondeterministic;
    if (!good) fail(result);
    return good || flags.keepGoing;
  };
  await runAll(
    Array.from({ length: count }, (_, i) => first + i * step),
    took,
  );
  const last = first + (count - 1) * step;
  const seconds = (performance.now() - started) / 1000;
  print(totals.format(first, last, seconds));
  if (flags.json !== undefined) {
    const json = JSON.stringify(totals.toJson(first, last, seconds), null, 2);
    await Deno.writeTextFile(flags.json, `${json}\n`);
  }
  return totals.failures.length === 0 ? 0 : 1;
}

async function runAll(
  seeds: readonly number[],
  took: (result: SeedResult) => boolean,
): Promise<void> {
  const [workers, twice] = [numberOf("workers"), numberOf("twice")];
  if (flags.plan === undefined && workers > 1 && !flags.verbose) {
    return await runOnWorkers(seeds, { workers, twice }, took);
  }
  const plans = flags.plan === undefined ? seeds.values().map(drawPlan) : [
    planFrom(flags.plan),
  ].values();
  for (const plan of plans) {
    if (!took(runPlan(plan, twice, flags.verbose ? print : undefined))) return;
  }
}

function planFrom(path: string): Plan {
  return JSON.parse(Deno.readTextFileSync(path)).plan;
}

/** Says what broke; the trace is that of another run, which is the same. */
function fail({ seed, violation }: SeedResult): void {
  if (violation === null) {
    print(`seed ${seed}: NOT DETERMINISTIC, traces differ`);
    return;
  }
  const { plan: path } = flags;
  const plan = path === undefined ? drawPlan(seed) : planFrom(path);
  if (!flags.keepGoing) {
    for (const line of run(plan).tail(numberOf("tail"))) print(line);
  }
  print(`seed ${seed}: ${violation}`);
  const where = path === undefined
    ? `--seed ${seed} --seeds 1`
    : `--plan ${path}`;
  print(`replay: deno task test:sim ${where} [--verbose] [--shrink FILE]`);
  if (flags.shrink === undefined) return;
  const smaller = shrink(plan, print);
  Deno.writeTextFileSync(
    flags.shrink,
    `${JSON.stringify({ violation, plan: smaller })}\n`,
  );
  print(`written: ${flags.shrink}`);
}
