import assert from "node:assert/strict";
import { type EpochReport, runEpochs } from "./run.ts";

const SEEDS = 80;

function check({ seed, violation, notes }: EpochReport): void {
  if (violation === null) return;
  assert.fail(
    [
      ...notes,
      violation.message,
      `replay: deno run --allow-read tests/sim/epochs/main.ts --seed ${seed} --seeds 1`,
    ].join("\n"),
  );
}

Deno.test(`kv.md §5 caches in memory of seeds 1 … ${SEEDS}: a life ends when most of its voters have ended and not before, and nobody answers in one that is over`, () => {
  let lives = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const report = runEpochs(seed);
    check(report);
    lives += report.epochs;
  }
  assert.ok(lives > 2 * SEEDS, `${lives} lives in ${SEEDS} seeds`);
});

Deno.test("runEpochs() gives the same for the same seed", () => {
  for (const seed of [2, 16]) {
    assert.deepEqual(runEpochs(seed), runEpochs(seed), `seed ${seed}`);
  }
});
