import { parseArgs } from "node:util";
import { drawPlan } from "./plan.ts";
import { run } from "./run.ts";
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    verbose: { type: "boolean", default: false },
  },
});
const print = console.log;
for (let s = Number(values.seed); s < Number(values.seed) + Number(values.seeds); s++) {
  const t = performance.now();
  const r = run(drawPlan(s), values.verbose ? print : undefined);
  print(s, r.violation?.message ?? "ok", `${r.plan.voters}+${r.plan.learners}/${r.plan.nodes}`, "sim", (r.simulatedMs/1000).toFixed(1), "cpu", (performance.now() - t).toFixed(0), "events", r.events, "msgs", r.messages, "committed", r.committed, "answered", r.answered, "unknown", r.unknown);
}
