import { LogError, type LogRecovery } from "../../src/log/port.ts";
import { amnesia, createCore, starterOf } from "../../src/node/volume/boot.ts";
import { RaftGroup } from "../../src/group/group.ts";
import { envelopeStamp } from "../../src/node/groups/stamp.ts";
import type { MemoryLog } from "../../src/log/memory_log.ts";
import type { SegmentLog } from "../../src/log/segment_log.ts";
import type { GroupMessage } from "../../src/group/messages.ts";
import { isVoter } from "../../src/raft/configuration.ts";
import type { RaftCore } from "../../src/raft/core.ts";
import { type Entry, EntryKind, type MemberId } from "../../src/raft/types.ts";
import { HiqliteError } from "../../src/errors.ts";
import { HungMachineError } from "../../src/group/run_watch.ts";
import { encodeEntryRefusal } from "../../src/state/entry_refusal.ts";
import { peekClock, peekHash, sealEnvelope } from "../../src/state/envelope.ts";
import type { Divergence } from "../../src/state/port.ts";
import { bytesEqual } from "./bytes.ts";
import { attemptOf, STAND_IN } from "./dialect.ts";
import { MemoryCaches } from "./caches/machine.ts";
import { SimMachine } from "./machine.ts";
import {
  type MachineFaults,
  type MachineHost,
  NO_FAULTS,
  type SimulatedMachine,
} from "./machine_port.ts";
import type { SimNode } from "./node.ts";
import { ObservedLog } from "./observed_log.ts";
import type { Observed } from "./oracle.ts";
import { lostPromise } from "./recovery.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** Pauses longer than this are noticed; see src/node/upkeep/pulse.ts. */
const MISSED_TICKS = 3;

/** One run of one member, from start to crash: the production group on simulated ports. */
export class SimMember implements Observed {
  readonly member: MemberId;
  readonly mirror;
  readonly group: RaftGroup;
  readonly state: SimulatedMachine;
  readonly core: RaftCore;
  readonly seen: Observed["seen"];
  readonly #world: World;
  readonly #node: SimNode;
  readonly #log: Pick<SegmentLog, "scrub">;
  readonly #soon: (() => void)[] = [];
  #scrubbing = false;
  #reported: Divergence | null = null;
  #tickedAt: number;
  /** Up to when the group was told of time, by the node's own clock. */
  #toldAt: number;
  #alive = true;
  #ledAtTick: { readonly clockMs: number; readonly term: number } | null = null;

  /**
   * Recovers what the node's volumes hold and starts.
   * @throws {LogError} when the log is damaged or the disk fails.
   */
  constructor(world: World, node: SimNode) {
    this.#world = world;
    this.#node = node;
    this.#tickedAt = world.now;
    this.#toldAt = node.monotonic;
    // Callbacks of what is opened below belong to this process already.
    node.process = this;
    this.member = node.member;
    this.mirror = node.mirror;
    const host: MachineHost = {
      later: (event) => this.later(node.applyMs(), event),
      draw: world.draws.machine,
      model: (bytes) => world.dialect.model(bytes),
      hash: (answer, events) => world.dialect.hash(answer, events),
      faults: () => this.#machineFaults(),
      reported: () => this.#reported,
      lied: (index, term) => world.oracle.lied(index, term),
      hit: (probe) => world.probes.hit(probe),
      applied: (entry, answer) => {
        if (entry.kind === EntryKind.config) {
          world.trace.add(world.now, "config", this.member, entry.index);
        }
        world.oracle.applied(this, entry, answer);
      },
      reached: (index, clockMs) =>
        world.oracle.clock.clockAt(this.member, index, clockMs),
      installing: () => world.outages.moment(node),
      installed: (last) => {
        world.probes.hit("snapshotInstalled");
        world.oracle.installed(this, last);
        world.oracle.clock.clockAt(this.member, last.index, this.state.clockMs);
        world.outages.moment(node);
      },
      duplicate: () => world.probes.hit("retryDeduplicated"),
      full: () => node.disk.faults.full,
      snapshotPadding: world.plan.disk.snapshotPadding,
    };
    this.state = world.plan.inMemory
      ? new MemoryCaches(host, (next) => this.#soon.push(next))
      : new SimMachine(node.stateVolume, host);
    const { opened, recovery } = this.#openLog();
    this.#log = opened;
    this.#checkRecovery(recovery);
    world.oracle.logs.restore(this.mirror, recovery);
    const log = new ObservedLog(opened, this.mirror, {
      appended: (entries) => this.#appended(entries),
      truncated: (after, dropped) => {
        world.truncated(this, after, dropped);
      },
      purged: () => {
        world.probes.hit("purged");
        world.outages.moment(node);
      },
    });
    const found = {
      log,
      logRecovery: recovery,
      state: this.state.recovery,
    };
    const forgotten = node.fresh ? null : amnesia(node.identity.phase, found);
    if (forgotten !== null) throw new LogError("corrupt", forgotten);
    node.fresh = false;
    node.rotten = false;
    node.disk.promiseBroken = false;
    const { applied, clockMs } = this.state;
    world.oracle.clock.clockAt(this.member, applied.index, clockMs);
    if (applied.index > log.last.index) world.probes.hit("stateAheadOfLog");
    if (applied.index < log.last.index) world.probes.hit("stateBehindLog");
    this.core = createCore(
      starterOf(node.identity),
      found,
      world.raftOptions,
      world.draws.core,
    );
    this.seen = {
      term: this.core.term,
      commit: applied.index,
      applied: applied.index,
      leading: 0,
      config: this.core.config,
      role: this.core.role,
    };
    const stamp = envelopeStamp({
      monotonic: () => world.now,
      wall: () => world.wallOf(node.nodeId),
    }, world.draws.stamp);
    this.group = new RaftGroup({
      core: this.core,
      log,
      machine: this.state,
      stampOf: peekClock,
      stamp: (payload, clockMs) => {
        stamp(payload, clockMs);
        const { state, group } = this;
        world.oracle.clock.stamped(
          this.member,
          this.core.term,
          peekClock(payload),
          group.clockMs,
          state.clockMs,
        );
      },
      ...(world.plan.firstRun === undefined ? {} : {
        firstRun: {
          seal: sealEnvelope,
          refusal: encodeEntryRefusal,
          limitMs: () => world.plan.firstRun!.timeoutMs,
        },
      }),
      diverged: (divergence) => {
        this.#reported = divergence;
        world.oracle.diverged(this.member, divergence.index);
      },
      sinceTickMs: () => node.monotonic - this.#toldAt,
      send: (message) => this.#send(message),
      defer: (callback) => this.later(world.plan.deferMs, callback),
      ...(world.plan.lingerMs > 0
        ? { linger: (callback: () => void) => this.#linger(callback) }
        : {}),
      afterTurns: (callback) => this.later(2 * world.plan.deferMs, callback),
      fatal: (error) => this.#fatal(error),
      changed: () => this.#changed(),
      warn: (message, error) => {
        world.trace.add(world.now, "warn", this.member, message, error.message);
      },
    }, {
      durability: world.plan.durability === "interval"
        ? { mode: "interval", ticks: 5 }
        : { mode: world.plan.durability },
      retainEntries: world.plan.retainEntries,
      checkpointEntries: world.plan.checkpointEntries,
      checkpointBytes: 1_000_000,
      maxInbox: 1000,
      electionMs: world.plan.tickMs * world.plan.raft.electionTicks,
    });
    this.#watchEvents();
    this.#join();
  }

  /** Whether the process runs. */
  get alive(): boolean {
    return this.#alive;
  }

  /** Runs `event` in this process after a while; a dead process drops it, a paused one runs it later. */
  later(ms: number, event: () => void): void {
    this.#world.scheduler.after(ms, () => this.run(event));
  }

  /** Runs `event` in this process now and checks all invariants. */
  run(event: () => void): void {
    if (!this.#alive) return;
    const pause = this.#node.pausedUntil - this.#world.now;
    if (pause > 0) {
      this.#world.scheduler.after(pause, () => this.run(event));
      return;
    }
    this.#noticePause();
    event();
    while (this.#alive && this.#soon.length > 0) this.#soon.shift()!();
    if (this.#alive) this.#check();
  }

  /** One tick of the member's clock. */
  tick(): void {
    const { now, oracle, plan } = this.#world;
    const told = this.#node.monotonic;
    const elapsedMs = told - this.#toldAt;
    this.#tickedAt = now;
    this.#toldAt = told;
    const { core, group } = this;
    const before = this.#ledAtTick;
    group.tick(elapsedMs);
    const { role, term } = core;
    const { clockMs } = group;
    this.#ledAtTick = role === "leader" ? { clockMs, term } : null;
    // The first tick tells also of time before it led.
    if (role !== "leader" || before?.term !== term) return;
    const most = plan.tickMs * plan.raft.electionTicks;
    oracle.clock.ticked(
      this.member,
      clockMs - before.clockMs,
      Math.min(elapsedMs, most),
    );
  }

  /** The runtime looks at its clock before it takes in anything under a lease. */
  #noticePause(): void {
    const { raft, tickMs } = this.#world.plan;
    const passed = this.#world.now - this.#tickedAt;
    const told = MISSED_TICKS * tickMs * this.#node.clockRate;
    if (!raft.leaseReads || passed <= told) return;
    this.#tickedAt = this.#world.now;
    this.group.stalled();
  }

  /** Verifies a slice of the stored log, as the runtime does when there is time. */
  scrub(bytes: number): void {
    if (this.#scrubbing) return;
    this.#scrubbing = true;
    this.#log.scrub(bytes, (error) => {
      this.#scrubbing = false;
      if (error !== null) this.#fatal(error);
    });
  }

  /** Ends the process; nothing of it runs any more. */
  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    const { probes } = this.#world;
    if (this.state.installing) probes.hit("snapshotInterrupted");
    if (this.#node.identity.phase === "forming") {
      probes.hit("foundingInterrupted");
    }
    this.state.die();
    this.mirror.processEnded();
    this.#node.disk.processEnded();
  }

  #linger(callback: () => void): () => void {
    let wanted = true;
    this.later(this.#world.plan.lingerMs, () => {
      if (wanted) callback();
    });
    return () => {
      wanted = false;
    };
  }

  #openLog(): { opened: SegmentLog | MemoryLog; recovery: LogRecovery } {
    if (this.#world.plan.inMemory) {
      const opened = this.#node.openMemoryLog();
      return { opened, recovery: opened.recovery };
    }
    const { log, recovery, cut } = this.#node.openLog();
    if (cut !== null) this.#world.probes.hit("tornTailCut");
    return { opened: log, recovery };
  }

  /** What the runtime does around a group's start. */
  #join(): void {
    const { voters } = this.core.config;
    if (voters.length === 1 && voters[0] === this.member) this.group.campaign();
    if (this.#node.identity.phase !== "forming") return;
    this.#world.outages.founding(this.#node);
    this.group.log.sync((error) => {
      if (error !== null) this.#fatal(error);
      else this.#node.identity = { ...this.#node.identity, phase: "member" };
    });
  }

  #changed(): void {
    const { identity } = this.#node;
    if (
      identity.phase === "joining" && isVoter(this.core.config, this.member)
    ) {
      this.#node.identity = { ...identity, phase: "member" };
    }
    this.#check();
  }

  #send(message: GroupMessage): boolean {
    this.#world.oracle.promises.sent(this.mirror, message);
    this.#world.watch.sent(message);
    return this.#world.network.send(message);
  }

  #check(): void {
    const { core, seen } = this;
    // The core runs ahead of the log until the group has done what it asks for.
    if (core.hasReady()) return;
    if (
      core.term === seen.term && core.commit === seen.commit &&
      core.config === seen.config && core.role === seen.role
    ) return;
    const { oracle, watch } = this.#world;
    const { leading, role, term } = seen;
    oracle.stepped(this);
    if (role !== core.role) watch.turned(this, role, term);
    if (core.role !== "leader") return;
    const status = core.status();
    // Where acknowledged entries can be lost, a broken link makes a leader ask anew.
    if (this.#world.plan.durability === "immediate") {
      oracle.promises.progress(status);
    }
    watch.progress(status);
    if (seen.leading === leading) return;
    this.#world.elected(this);
    this.#world.outages.moment(this.#node);
  }

  #appended(entries: readonly Entry[]): void {
    const { oracle, watch } = this.#world;
    oracle.logs.appended(this.mirror, entries);
    if (this.core?.role !== "leader") return;
    if (this.#world.plan.firstRun !== undefined) {
      for (const entry of entries) this.#proposed(entry);
    }
    watch.appended(entries, this.seen.config);
    if (entries.some((entry) => entry.kind === EntryKind.config)) {
      this.#world.outages.moment(this.#node);
    }
  }

  /** What a leader appends was prepared, once, at this very place and with this very stamp; or must run alone. */
  #proposed({ index, term, kind, payload }: Entry): void {
    if (kind !== EntryKind.command) return;
    if (!(this.state instanceof SimMachine)) return;
    const { prepared, alone } = this.state;
    if (peekHash(payload) === null) {
      const standIn = attemptOf(this.#world.dialect, payload) === STAND_IN;
      if (standIn || alone.delete(payload)) return;
      throw new Violation("proposed without a preparation", `${index}`);
    }
    const known = prepared.get(index);
    prepared.delete(index);
    if (known === undefined || known.term !== term) {
      throw new Violation(
        "proposed without a preparation",
        `${this.member} appended ${index} in term ${term}, prepared for term ${known?.term}`,
      );
    }
    const sealed = payload.slice();
    sealEnvelope(sealed, 0);
    sealEnvelope(known.payload, 0);
    if (bytesEqual(sealed, known.payload)) return;
    throw new Violation(
      "prepared as it is proposed",
      `${this.member} changed ${index} after it was prepared`,
    );
  }

  #machineFaults(): MachineFaults {
    const { plan, healed } = this.#world;
    return plan.firstRun === undefined || healed
      ? NO_FAULTS
      : plan.firstRun.faults;
  }

  /** Events tell of what is committed and in the state, once and in order. */
  #watchEvents(): void {
    const cursor = this.group.events.cursor();
    this.group.events.listen(() => {
      for (let next; (next = cursor.next()) !== null;) {
        if ("gap" in next) continue;
        this.#world.oracle.events.told(this, next);
        this.#world.locks?.told(next);
      }
    });
  }

  #fatal(error: Error): void {
    if (error instanceof Violation) throw error;
    if (error instanceof HungMachineError) {
      this.#world.probes.hit("hungForGood");
      return this.#world.outages.processFailed(this.#node, error);
    }
    if (!(error instanceof LogError) && !(error instanceof HiqliteError)) {
      throw new Violation("member failed", `${this.member}: ${error.stack}`);
    }
    this.#world.trace.add(this.#world.now, "fatal", this.member, error.message);
    this.#world.outages.processFailed(this.#node, error);
  }

  /** What was promised before a crash must still be there. */
  #checkRecovery(recovery: LogRecovery): void {
    const { mirror } = this;
    const problem = lostPromise(mirror, recovery);
    if (problem === null) return;
    if (this.#node.disk.lied) {
      throw new LogError("corrupt", `rolled back disk: ${problem}`);
    }
    throw new Violation("durable promise lost", `${this.member}: ${problem}`);
  }
}
