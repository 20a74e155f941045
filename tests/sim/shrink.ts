import type { Plan } from "./plan.ts";
import { run } from "./run.ts";

/** Runs that a search may take. */
const RUNS_MAX = 300;

/**
 * A smaller plan that breaks the same invariant: fewer faults first, then fewer
 * clients and operations, then a calmer world.
 */
export function shrink(plan: Plan, progress: (text: string) => void): Plan {
  const invariant = run(plan).violation?.invariant;
  if (invariant === undefined) return plan;
  let best = plan;
  let runs = 0;
  const accept = (candidate: Plan): boolean => {
    if (runs++ >= RUNS_MAX) return false;
    if (run(candidate).violation?.invariant !== invariant) return false;
    best = candidate;
    return true;
  };
  for (let size = best.faults.length; size >= 1; size = Math.floor(size / 2)) {
    let at = 0;
    while (at < best.faults.length) {
      const faults = best.faults.filter((_, i) => i < at || i >= at + size);
      if (!accept({ ...best, faults })) at += size;
    }
    progress(`${best.faults.length} faults after ${runs} runs`);
  }
  for (const simpler of SIMPLER) {
    for (let tries = 0; tries < 4; tries++) {
      const candidate = simpler(best);
      if (candidate === best || !accept(candidate)) break;
    }
  }
  progress(`${best.faults.length} faults, ${runs} runs`);
  return best;
}

const SIMPLER: readonly ((plan: Plan) => Plan)[] = [
  (p) => ({ ...p, chaosMs: p.chaosMs / 2 }),
  (p) => ({
    ...p,
    clients: { ...p.clients, count: Math.ceil(p.clients.count / 2) },
  }),
  (p) => ({
    ...p,
    clients: { ...p.clients, operations: Math.ceil(p.clients.operations / 2) },
  }),
  (p) => ({ ...p, network: { ...p.network, duplicate: 0 } }),
  (p) => ({ ...p, network: { ...p.network, loss: 0 } }),
  (p) => ({ ...p, network: { ...p.network, jitterMs: 0 } }),
  (p) => ({ ...p, healQuorumOnly: false }),
];
