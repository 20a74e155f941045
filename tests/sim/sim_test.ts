import assert from "node:assert/strict";
import { drawPlan, type Plan } from "./plan.ts";
import { type Report, run } from "./run.ts";

const FIRST_SEED = 1;
const SEEDS = 24;

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
  for (const seed of [3, 11, 20]) {
    const plan = drawPlan(seed);
    assert.equal(run(plan).hash, run(plan).hash, `seed ${seed}`);
  }
});

const regressions = new URL("regressions/", import.meta.url);
for (const { name } of Deno.readDirSync(regressions)) {
  Deno.test(`regression ${name} keeps every invariant`, () => {
    const text = Deno.readTextFileSync(new URL(name, regressions));
    const { plan }: { plan: Plan } = JSON.parse(text);
    check(run(plan));
  });
}
