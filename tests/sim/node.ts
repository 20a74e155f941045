import { MemoryLog } from "../../src/log/memory_log.ts";
import { type OpenedLog, openSegmentLog } from "../../src/log/segment_log.ts";
import { type Identity, memberIdOf } from "../../src/node/volume/identity.ts";
import type { Configuration, MemberId, NodeId } from "../../src/raft/types.ts";
import { type DiskFaults, type DiskHost, SimDisk } from "./disk.ts";
import { StateVolume } from "./state_volume.ts";
import type { SimMember } from "./member.ts";
import { Mirror } from "./mirror.ts";
import type { World } from "./world.ts";

/** A machine: volumes that outlive processes, a clock, and at most one process. */
export class SimNode {
  readonly nodeId: NodeId;
  readonly #world: World;
  disk: SimDisk;
  identity: Identity;
  mirror: Mirror;
  stateVolume: StateVolume = new StateVolume();
  process: SimMember | null = null;
  /** Nothing runs here until then. */
  pausedUntil = 0;
  /** Real milliseconds per millisecond of its clock. */
  #clockRate = 1;
  /** When its clock took on that rate, and what it showed then, ms. */
  #clockSet = { at: 0, shown: 0 };
  /** What its wall clock is off by, ms. */
  wallOffset = 0;
  /** Not to be started before then. */
  downUntil = 0;
  /** Damage that the next start will find. */
  rotten = false;
  /** Whether nobody ever started on this volume. */
  fresh = true;
  #incarnations = 0;

  /** A new machine with empty volumes. */
  constructor(world: World, nodeId: NodeId) {
    this.#world = world;
    this.nodeId = nodeId;
    this.disk = this.#newDisk();
    this.identity = this.#newIdentity();
    this.mirror = this.#newMirror();
  }

  /** Who lives here. */
  get member(): MemberId {
    return memberIdOf(this.identity);
  }

  /** Real milliseconds per millisecond of its monotonic clock. */
  get clockRate(): number {
    return this.#clockRate;
  }

  /** Its monotonic clock, ms: at whatever rate it goes, it never goes back. */
  get monotonic(): number {
    const { at, shown } = this.#clockSet;
    return shown + (this.#world.now - at) / this.#clockRate;
  }

  /** Its monotonic clock goes at another rate from now on. */
  drift(rate: number): void {
    this.#clockSet = { at: this.#world.now, shown: this.monotonic };
    this.#clockRate = rate;
  }

  /** Becomes one of the founders of a cluster. */
  found(founding: Configuration): void {
    this.identity = { ...this.identity, founding, phase: "forming" };
  }

  /** Loses everything; whoever starts here next is somebody else. */
  wipe(): void {
    this.identity = this.#newIdentity();
    this.mirror = this.#newMirror();
    this.stateVolume = new StateVolume();
    this.disk = this.#newDisk(this.disk.faults);
    this.fresh = true;
    this.rotten = false;
  }

  /** Whether the next start may find that promises were lost. */
  get atRisk(): boolean {
    // One that joins and has nothing yet starts over when it restarts.
    const empty = this.identity.phase === "joining" && !this.mirror.kept;
    return this.disk.faults.lying || this.disk.lied || this.rotten || empty;
  }

  /** Opens the log on the disk. */
  openLog(): OpenedLog {
    const { plan, draws } = this.#world;
    return openSegmentLog(this.disk, {
      segmentBytes: plan.segmentBytes,
      cacheBytes: plan.cacheBytes,
      random: draws.disk,
    });
  }

  /** A log that nothing is left of after its process. */
  openMemoryLog(): MemoryLog {
    return new MemoryLog({
      defer: (run) => this.process?.later(0, run),
    });
  }

  /** How long an apply or a snapshot step takes now. */
  applyMs(): number {
    const { draws, plan } = this.#world;
    return plan.disk.applyMs * this.disk.faults.slowness *
      draws.disk.between(0.5, 1.5);
  }

  /** The machine loses power (or the process is killed): what was not synced is at risk. */
  crash(power: boolean): void {
    this.process?.kill();
    this.process = null;
    const { draws } = this.#world;
    if (!power) return;
    if (this.disk.powerCut()) this.#world.probes.hit("unsyncedLost");
    const batches = this.stateVolume.batches.length;
    if (batches > 0 && draws.disk.chance(0.7)) {
      this.stateVolume.powerCut(draws.disk.int(0, batches));
    }
  }

  #newDisk(faults?: DiskFaults): SimDisk {
    const { plan, draws } = this.#world;
    const host: DiskHost = {
      after: (ms, event) => this.process?.later(ms, event),
      draw: draws.disk,
      syncMs: plan.disk.syncMs,
      readMs: plan.disk.readMs,
      recycled: () => this.#world.probes.hit("segmentRecycled"),
      keepUnsynced: plan.disk.keepUnsynced,
    };
    return new SimDisk(`node ${this.nodeId}`, host, faults);
  }

  #newIdentity(): Identity {
    this.#incarnations++;
    return {
      nodeId: this.nodeId,
      incarnation: this.#incarnations.toString(16).padStart(16, "0"),
      clusterId: "simulated",
      founding: null,
      phase: "joining",
      addresses: {},
      boot: 1,
      starts: [],
    };
  }

  #newMirror(): Mirror {
    const mirror = new Mirror(
      this.member,
      this.#world.plan.durability !== "immediate",
    );
    this.#world.oracle.register(mirror);
    return mirror;
  }
}
