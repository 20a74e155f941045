import { drawPlan } from "../plan.ts";
import { run } from "../run.ts";

/** Every n-th seed runs twice; the traces must be equal. */
const TWICE = 20;

// deno-lint-ignore no-console -- this is a command
const print = console.log;
const [first, step, count] = Deno.args.map(Number) as [number, number, number];

// Each seed says that it begins, so that whoever listens knows which one does not end.
for (let seed = first; seed < first + count * step; seed += step) {
  print(`begins ${seed}`);
  const broken = violated(seed);
  if (broken === null) continue;
  print(`broken ${seed} ${broken.split("\n")[0]}`);
  Deno.exit(1);
}

/** What the seed shows to be wrong. */
function violated(seed: number): string | null {
  const { violation, hash } = run(drawPlan(seed));
  if (violation !== null) return violation.message;
  if (seed % TWICE !== 0 || run(drawPlan(seed)).hash === hash) return null;
  return "determinism: two runs, two traces";
}
