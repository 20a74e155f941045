import type { NodeId } from "../../../src/raft/types.ts";
import { Draw } from "../draw.ts";
import { poisoned } from "../poison.ts";
import { Violation } from "../violation.ts";
import { EpochWorld } from "./world.ts";

/** Faults go on for so long, ms. */
const CHAOS_MS = 15_000;
/** A world without faults must be well within this time, ms. */
const HEALING_MS = 40_000;
const LOOK_MS = 200;

/** What became of a seed. */
export interface EpochReport {
  readonly seed: number;
  readonly violation: Violation | null;
  /** Lives of the group. */
  readonly epochs: number;
  /** Puts that were acknowledged, in all lives. */
  readonly acknowledged: number;
  /** What happened last. */
  readonly notes: readonly string[];
}

/** Runs a seed; the same one gives the same report. */
export function runEpochs(seed: number): EpochReport {
  const faults = new Draw(seed, "faults");
  const world = new EpochWorld(seed, faults.pick([3, 3, 4, 5, 5]));
  let violation: Violation | null = null;
  try {
    poisoned(() => drive(world, faults));
  } catch (error) {
    violation = error instanceof Violation
      ? error
      : new Violation("crash", (error as Error).stack ?? String(error));
  }
  const { epoch } = world.oracle;
  let acknowledged = 0;
  for (let life = 1; life <= epoch; life++) {
    acknowledged += world.oracle.acknowledgedIn(life).length;
  }
  return { seed, violation, epochs: epoch, acknowledged, notes: world.notes };
}

function drive(world: EpochWorld, faults: Draw): void {
  const { scheduler } = world;
  for (const node of world.nodes) {
    scheduler.after(faults.between(0, 100), () => world.start(node));
  }
  let clients = true;
  const ask = (): void => {
    if (!clients) return;
    scheduler.after(world.draw.between(2, 30), ask);
    if (world.draw.chance(0.7)) world.put();
    else if (world.running.length > 0) world.read();
  };
  ask();
  const meanMs = faults.pick([60, 120, 250, 800]);
  const next = (): void => {
    if (scheduler.now > CHAOS_MS) return;
    inflict(world, faults);
    scheduler.after(faults.exponential(meanMs), next);
  };
  scheduler.after(faults.between(200, 1500), next);
  while (scheduler.step(CHAOS_MS));
  world.links.heal();
  world.note("heal");
  for (const node of world.nodes) {
    scheduler.after(faults.between(0, 300), () => world.start(node));
  }
  for (let end = CHAOS_MS + LOOK_MS;; end += LOOK_MS) {
    while (scheduler.step(end));
    // Whoever went meanwhile comes back by itself.
    if (end > CHAOS_MS + HEALING_MS / 4) clients = false;
    const problem = world.unhealthy();
    if (problem === null && !clients) break;
    if (end > CHAOS_MS + HEALING_MS) throw new Violation("liveness", problem!);
  }
  world.checkContents();
}

function inflict(world: EpochWorld, faults: Draw): void {
  const { nodes, scheduler, links, durable } = world;
  const node = faults.pick(nodes);
  const downMs = (): number =>
    faults.between(20, faults.pick([100, 500, 3000]));
  const restart = (some: readonly NodeId[]): void => {
    for (const each of some) {
      world.kill(each);
      scheduler.after(downMs(), () => world.start(each));
    }
  };
  switch (faults.int(0, 10)) {
    case 0:
    case 1:
      return restart([node]);
    case 2:
      return restart(
        faults.shuffled(nodes).slice(0, faults.int(1, nodes.length)),
      );
    case 3:
      return leave(world, node, downMs());
    case 4:
      return links.cut(node, faults.pick(nodes), faults.between(50, 2500));
    case 5: {
      const ms = faults.between(50, 2500);
      for (const other of nodes) links.cut(node, other, ms);
      return;
    }
    case 6:
      return durable.handOver();
    case 7:
      return links.replay(faults.int(1, 30));
    case 8:
      return durable.slowDown(node, faults.between(200, 4000));
    default:
      return world.campaign(node);
  }
}

/** Stops a member in good order: it leaves the group first, if that can be had within a second. */
function leave(world: EpochWorld, node: NodeId, downMs: number): void {
  const process = world.processOn(node);
  const until = world.scheduler.now + 1000;
  const attempt = (): void => {
    if (process === null || !process.alive) return;
    let gone = false;
    process.run(() => gone = process.following.leave());
    if (gone || world.scheduler.now > until) {
      world.kill(node);
      world.scheduler.after(downMs, () => world.start(node));
    } else world.scheduler.after(100, attempt);
  };
  attempt();
}
