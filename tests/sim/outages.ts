import { LogError } from "../../src/log/port.ts";
import type { Draw } from "./draw.ts";
import type { SimNode } from "./node.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** How processes end, by a fault or by themselves, and how volumes are lost. */
export class Outages {
  readonly #world: World;

  /** In this world. */
  constructor(world: World) {
    this.#world = world;
  }

  /** Whether a process may end now: one that keeps nothing takes its promises along. */
  mayStop(node: SimNode): boolean {
    return !this.#world.plan.inMemory || this.canForget(node);
  }

  /** Ends a process and starts another one later. */
  stop(node: SimNode, power: boolean, downMs: number): void {
    if (this.#world.plan.inMemory) this.#forget(node);
    this.#world.trace.add(
      this.#world.now,
      power ? "power cut" : "kill",
      node.member,
    );
    node.crash(power);
    node.downUntil = Math.max(node.downUntil, this.#world.now + downMs);
    this.#world.later(downMs, () => this.#world.boot(node.nodeId));
  }

  /** A process ended itself. */
  processFailed(node: SimNode, error: Error): void {
    if (this.#world.plan.inMemory) {
      // No disk can fail it, and nothing may be lost but by a fault.
      throw new Violation("member failed", `${node.member}: ${error.stack}`);
    }
    if (error instanceof LogError && error.failure === "io") {
      this.#world.probes.hit(
        node.disk.faults.failSyncs ? "syncFailed" : "ioFailed",
      );
    }
    const corrupt = error instanceof LogError && error.failure === "corrupt";
    const downMs = this.#world.plan.tickMs *
      this.#world.plan.raft.electionTicks;
    if (corrupt) {
      this.#checkCause(node, error);
      this.#world.probes.hit("corruptionFound");
      this.#forget(node);
    }
    this.stop(node, this.#world.plan.durability === "immediate", downMs);
  }

  /** Something delicate begins on a node: a good moment for a power cut. */
  moment(node: SimNode): void {
    this.#cutSoon(node, this.#world.draws.world, this.#world.plan.cutAtMoments);
  }

  /** A founder has just written its first entry. */
  founding(node: SimNode): void {
    this.#cutSoon(
      node,
      this.#world.draws.founding,
      this.#world.plan.cutAtFounding ?? 0,
    );
  }

  #cutSoon(node: SimNode, draw: Draw, chance: number): void {
    if (this.#world.healed || !draw.chance(chance)) return;
    const { plan } = this.#world;
    const { process } = node;
    const electionMs = plan.tickMs * plan.raft.electionTicks;
    const delay = draw.pick([0, plan.disk.syncMs, plan.disk.applyMs]) *
      draw.between(0, 2);
    const downMs = electionMs * draw.between(0.1, 4);
    this.#world.later(delay, () => {
      if (this.#world.healed || process === null || node.process !== process) {
        return;
      }
      if (!this.mayStop(node)) return;
      this.#world.faults.set(
        "cutAtMoment",
        (this.#world.faults.get("cutAtMoment") ?? 0) + 1,
      );
      this.stop(node, plan.durability === "immediate", downMs);
    });
  }

  /** Whether a node's volume may be lost now without losing the cluster. */
  canForget(node: SimNode): boolean {
    return this.#world.operator.survivesWithout(new Set([node.member]));
  }

  /** A volume is lost; the node comes back as somebody else. */
  loseVolume(node: SimNode, downMs: number): boolean {
    if (!this.canForget(node)) return false;
    if (!this.#world.plan.inMemory) this.#forget(node);
    this.stop(node, true, downMs);
    return true;
  }

  /** A member gives up its memory only if something happened to its disk. */
  #checkCause(node: SimNode, { message }: Error): void {
    if (node.atRisk) return;
    throw new Violation(
      "memory lost without cause",
      `${node.member}: ${message}`,
    );
  }

  #forget(node: SimNode): void {
    this.#world.trace.add(this.#world.now, "volume lost", node.member);
    this.#world.operator.forget(node.member);
    node.crash(true);
    node.wipe();
  }
}
