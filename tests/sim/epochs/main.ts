import { parseArgs } from "node:util";
import { runEpochs } from "./run.ts";

const HELP =
  `Runs simulated groups of caches through their lives, one for each seed.
Exit code 1 if one fails.

deno run --allow-read tests/sim/epochs/main.ts [options]

  --seeds N  how many seeds (200)
  --seed N   the first one (1)
  --help     print this and end`;

const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});

// deno-lint-ignore no-console -- this is a command
const print = console.log;
if (flags.help) print(HELP);
else main(Number(flags.seed), Number(flags.seeds));

function main(first: number, count: number): void {
  const begun = performance.now();
  let [epochs, acknowledged] = [0, 0];
  for (let seed = first; seed < first + count; seed++) {
    const report = runEpochs(seed);
    epochs += report.epochs;
    acknowledged += report.acknowledged;
    if (report.violation === null) continue;
    for (const line of report.notes) print(line);
    print(`seed ${seed}: ${report.violation.message}`);
    Deno.exit(1);
  }
  const seconds = (performance.now() - begun) / 1000;
  print(
    `${count} seeds in ${seconds.toFixed(0)} s: ${epochs} lives, ` +
      `${acknowledged} puts acknowledged, no violation`,
  );
}
