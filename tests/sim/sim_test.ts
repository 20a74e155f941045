import assert from "node:assert/strict";
import { drawPlan, type Plan } from "./plan.ts";
import { type Report, run } from "./run.ts";
import { type SeedResult, Totals } from "./totals.ts";
import { runOnWorkers, runSeed } from "./workers.ts";

const FIRST_SEED = 1;
const SEEDS = 16;

function check(report: Report): void {
  if (report.violation === null) return;
  const { seed } = report.plan;
  assert.fail(
    [
      ...report.tail(40),
      report.violation.message,
      `replay: deno task test:sim --seed ${seed} --seeds 1`,
    ].join("\n"),
  );
}

Deno.test(`clusters of seeds ${FIRST_SEED} … ${FIRST_SEED + SEEDS - 1} keep every invariant`, () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    check(run(drawPlan(seed)));
  }
});

Deno.test("run() gives the same trace for the same plan", () => {
  for (const seed of [3, 11]) {
    const plan = drawPlan(seed);
    assert.equal(run(plan).hash, run(plan).hash, `seed ${seed}`);
  }
});

Deno.test("runOnWorkers() does what one thread does, in whatever order", async () => {
  const seeds = [3, 10, 20];
  const [alone, together] = [new Totals(), new Totals()];
  for (const seed of seeds) alone.add(runSeed(seed, 20));
  await runOnWorkers(seeds, { workers: 3, twice: 20 }, (result) => {
    together.add(result);
    return true;
  });
  assert.deepEqual(together.toJson(3, 20, 0), alone.toJson(3, 20, 0));
});

Deno.test("runOnWorkers() ends after the seed that may be the last", async () => {
  const results: SeedResult[] = [];
  await runOnWorkers([1, 2, 3, 4], { workers: 2, twice: 20 }, (result) => {
    results.push(result);
    return results.length < 2;
  });
  assert.equal(results.length, 2);
});

const regressions = new URL("regressions/", import.meta.url);
for (const { name } of Deno.readDirSync(regressions)) {
  Deno.test(`regression ${name} keeps every invariant`, () => {
    const text = Deno.readTextFileSync(new URL(name, regressions));
    const { plan }: { plan: Plan } = JSON.parse(text);
    check(run(plan));
  });
}
