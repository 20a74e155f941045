import { type LogRecovery, type LogStore } from "../../src/log/port.ts";
import { MemoryLog } from "../../src/log/memory_log.ts";
import type { MemberId, NodeId } from "../../src/raft/types.ts";
import { SimDisk } from "./disk.ts";
import { StateVolume } from "./machine.ts";
import type { SimMember } from "./member.ts";
import { Mirror } from "./mirror.ts";
import type { World } from "./world.ts";

/** A machine: volumes that outlive processes, a clock, and at most one process. */
export class SimNode {
  readonly nodeId: NodeId;
  readonly #world: World;
  readonly disk: SimDisk;
  member: MemberId = "";
  mirror: Mirror = new Mirror("");
  stateVolume: StateVolume = new StateVolume();
  process: SimMember | null = null;
  /** Nothing runs here until then. */
  pausedUntil = 0;
  /** Real milliseconds per millisecond of its clock. */
  clockRate = 1;
  /** What its wall clock is off by, ms. */
  wallOffset = 0;
  /** Not to be started before then. */
  downUntil = 0;
  #log: MemoryLog;
  #incarnations = 0;
  #due = 0;

  /** A new machine with empty volumes. */
  constructor(world: World, nodeId: NodeId) {
    this.#world = world;
    this.nodeId = nodeId;
    this.disk = this.#newDisk();
    this.#log = this.#newLog();
    this.wipe();
  }

  /** Loses everything; whoever starts here next is somebody else. */
  wipe(): void {
    this.#incarnations++;
    const incarnation = this.#incarnations.toString(16).padStart(16, "0");
    this.member = `${this.nodeId}.${incarnation}`;
    this.mirror = new Mirror(this.member);
    this.#world.oracle.register(this.mirror);
    this.stateVolume = new StateVolume();
    this.#log = this.#newLog();
  }

  /** Opens the log on the disk. */
  openLog(): { readonly log: LogStore; readonly recovery: LogRecovery } {
    return { log: this.#log, recovery: this.#log.recovery };
  }

  /** How long an apply or a snapshot step takes now. */
  applyMs(): number {
    const { draws, plan } = this.#world;
    return plan.disk.applyMs * this.disk.slowness * draws.disk.between(0.5, 1.5);
  }

  /** The machine loses power (or the process is killed): what was not synced is at risk. */
  crash(power: boolean): void {
    this.process?.kill();
    this.process = null;
    const { draws } = this.#world;
    if (!power && false) return;
    this.#log = this.#log.crash();
    if (this.disk.powerCut()) this.#world.probes.hit("unsyncedLost");
    const batches = this.stateVolume.batches.length;
    if (batches > 0 && draws.disk.chance(0.7)) {
      this.stateVolume.powerCut(draws.disk.int(0, batches));
    }
  }

  #newDisk(): SimDisk {
    const { plan, draws } = this.#world;
    return new SimDisk(`node ${this.nodeId}`, {
      after: (ms, event) => this.process?.later(ms, event),
      draw: draws.disk,
      syncMs: plan.disk.syncMs,
      readMs: plan.disk.readMs,
      keepUnsynced: plan.disk.keepUnsynced,
    });
  }

  #newLog(): MemoryLog {
    return new MemoryLog({
      crashable: true,
      defer: (run) => {
        const now = this.#world.now;
        this.#due = Math.max(this.#due, now + this.disk.syncMs());
        this.process?.later(this.#due - now, run);
      },
    });
  }
}
