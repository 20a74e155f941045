// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { parseArgs } from "node:util";
import { TestCluster } from "./harness.ts";
import { notifyUnderKills } from "./topic_kills.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    notifications: { type: "string", default: "10000" },
    kills: { type: "string", default: "10" },
    changes: { type: "string", default: "50" },
    nodes: { type: "string", default: "3" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
  },
});

console.log(`seed ${values.seed}`);
await using cluster = await TestCluster.start({ nodes: Number(values.nodes) });
const report = await notifyUnderKills({
  cluster,
  notifications: Number(values.notifications),
  kills: Number(values.kills),
  changes: Number(values.changes),
  seed: Number(values.seed),
});
console.log(JSON.stringify(report));
