// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { parseArgs } from "node:util";
import { TestCluster } from "./harness.ts";
import { killLeaders } from "./leader_kills.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    kills: { type: "string", default: "50" },
    nodes: { type: "string", default: "3" },
    clients: { type: "string", default: "8" },
    pause: { type: "string", default: "5" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
  },
});

await using cluster = await TestCluster.start({ nodes: Number(values.nodes) });
const { kills, tally, violations } = await killLeaders({
  cluster,
  kills: Number(values.kills),
  seed: Number(values.seed),
  clients: Number(values.clients),
  pauseMs: Number(values.pause),
  onKill: ({ node, gapMs, readyMs }) =>
    console.log(
      `killed ${node}: writes went on after ${
        gapMs.toFixed(0)
      } ms, it was ready ${readyMs.toFixed(0)} ms after its start`,
    ),
});
console.log(`${JSON.stringify(tally)}, ${violations.length} violations`);
for (
  const [what, times] of [
    ["write gap", kills.map(({ gapMs }) => gapMs)],
    ["ready again", kills.map(({ readyMs }) => readyMs)],
  ] as const
) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): string =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
      .toFixed(0);
  console.log(
    `${what}: min ${at(0)}, median ${at(0.5)}, p90 ${at(0.9)}, max ${at(1)} ms`,
  );
}
if (violations.length > 0) Deno.exitCode = 1;
