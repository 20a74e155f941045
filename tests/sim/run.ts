import { poisoned } from "./poison.ts";
import type { Plan } from "./plan.ts";
import type { Probes } from "./probes.ts";
import { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";
import { unhealthy } from "./health.ts";
import { World } from "./world.ts";

/** Lines of trace kept for a failure. */
const TAIL_LINES = 2000;
/** Events of a run before it is taken for endless. */
const EVENTS_MAX = 5_000_000;
/** Election timeouts that a healed cluster has to become healthy. */
const HEALING_TIMEOUTS = 400;

/** What became of a run. */
export interface Report {
  readonly plan: Plan;
  readonly violation: Violation | null;
  readonly simulatedMs: number;
  readonly events: number;
  readonly messages: number;
  readonly committed: number;
  readonly answered: number;
  readonly unknown: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly probes: Probes;
  readonly hash: number;
  readonly checked: boolean;
  tail(lines: number): string[];
}

/** Runs a plan. The same plan gives the same report. */
export function run(
  plan: Plan,
  sink?: (line: string) => void,
  inspect?: (world: World) => void,
): Report {
  const trace = new Trace(TAIL_LINES, sink);
  const world = new World(plan, trace);
  let violation: Violation | null = null;
  let checked = false;
  try {
    poisoned(() => {
      drive(world);
    }, (task) => world.later(0, task));
    checked = conclude(world);
  } catch (error) {
    violation = error instanceof Violation
      ? error
      : new Violation("crash", (error as Error).stack ?? String(error));
  }
  inspect?.(world);
  world.close();
  return {
    plan,
    violation,
    simulatedMs: world.now,
    events: world.scheduler.ran,
    messages: world.network.delivered,
    committed: world.oracle.committed,
    answered: world.history.answered,
    unknown: world.history.unknown,
    faults: world.faults,
    probes: world.probes,
    hash: trace.hash,
    checked,
    tail: (lines) => trace.tail(lines),
  };
}

/** First faults, then none and everybody (or a quorum) back. */
function drive(world: World): void {
  const { plan, scheduler } = world;
  while (scheduler.step(plan.chaosMs)) bounded(world);
  world.heal();
  const electionMs = plan.tickMs * plan.raft.electionTicks;
  const end = plan.chaosMs + HEALING_TIMEOUTS * electionMs;
  let next = world.now + electionMs;
  let { committed } = world.oracle;
  while (scheduler.step(end)) {
    bounded(world);
    if (world.now < next) continue;
    next = world.now + electionMs;
    if (unhealthy(world, committed) === null) return;
    committed = world.oracle.committed;
  }
  const problem = unhealthy(world, committed);
  if (problem !== null) throw new Violation("liveness", problem);
}

function bounded(world: World): void {
  if (world.scheduler.ran < EVENTS_MAX) return;
  throw new Violation("liveness", `${EVENTS_MAX} events`);
}

/** Everything has come to rest: members agree and the clients' story holds. */
function conclude(world: World): boolean {
  world.oracle.attempts.checkRefused();
  world.agreement.compareStates();
  world.agreement.replay();
  return world.history.check();
}
