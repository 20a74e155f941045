import { deepEqual, equal, match } from "node:assert/strict";
import type { RoundReport } from "./round.ts";
import { formatSummary, summaryOf } from "./summary.ts";

function report(
  nemesis: string,
  figures: Partial<RoundReport>,
  latenciesMs: readonly number[],
): RoundReport {
  const tally = { ok: latenciesMs.length, fail: 2, info: 1 };
  return {
    ...{ nemesis, seed: 1, faults: 3, refused: 0, healMs: 40, problems: [] },
    workloads: [{ workload: "set", tally, latenciesMs, violations: [] }],
    ...figures,
  };
}

const summary = summaryOf({
  seed: 1,
  minutes: 1,
  nodes: 3,
  rounds: 4,
  leftOut: [{ what: "clock", reason: "no library" }],
  reports: [
    report("transfer", { refused: 2 }, [1, 2, 3]),
    report("transfer", { healMs: 90 }, [4]),
    report("transfer+loss", { problems: ["bad"] }, [5, 600]),
  ],
});

Deno.test("summaryOf() adds up faults, refusals, operations and problems by kind", () => {
  const { single, pairs, operations, problems } = summary;
  deepEqual(Object.keys(single), ["transfer"]);
  deepEqual(Object.keys(pairs), ["transfer+loss"]);
  const { rounds, times, refusedFaults, healedMs, ok } = single.transfer!;
  deepEqual([rounds, times, refusedFaults, healedMs, ok], [2, 6, 2, 90, 4]);
  deepEqual([operations.total, operations.ok], [15, 6]);
  deepEqual([operations.p50Ms, operations.p99Ms], [4, 600]);
  deepEqual(problems, ["transfer+loss: bad"]);
  equal(summary.complete, false);
});

Deno.test("formatSummary() says what was left out", () => {
  match(formatSummary(summary), /^LEFT OUT clock: no library$/m);
});
