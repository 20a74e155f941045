import type { LogStore } from "../log/port.ts";
import type { RaftCore } from "../raft/core.ts";
import type { Input, MembershipChange, Outcome, Ready } from "../raft/io.ts";
import type { AppendEntries, Message } from "../raft/messages.ts";
import type { LogIndex, MemberId, SnapshotMeta } from "../raft/types.ts";
import type { StateMachine } from "../state/port.ts";
import { Applier, payloadBytes } from "./applier.ts";
import { AppliedWaiters } from "./applied_waiters.ts";
import { Checkpoints } from "./checkpoints.ts";
import { ClusterClock } from "./cluster_clock.ts";
import { EventFeed } from "./event_feed.ts";
import {
  DEFAULT_GROUP_OPTIONS,
  type GroupOptions,
  type GroupPorts,
} from "./ports.ts";
import { LogDurability } from "./log_durability.ts";
import { ProposalInbox, refuseStopped } from "./inbox.ts";
import { IndexReads, type ReadDone } from "./index_reads.ts";
import type { GroupMessage } from "./messages.ts";
import { AppendOutbox } from "./outbox.ts";
import type { ProposalDone } from "./proposals.ts";
import { PendingProposals } from "./proposals.ts";
import { isFull, Room } from "./disk_room.ts";
import type { SnapshotService } from "./snapshot_service.ts";
import { SnapshotTransfers } from "./snapshot_transfers.ts";

const STOPPED: Outcome = {
  kind: "refused",
  reason: "not_leader",
  detail: "the member is stopping",
  leader: null,
};

/** How long a deposed leader waits for its successor to decide about what it had proposed. */
const DEPOSED_TICKS = 20;

/** Ticks between two attempts of a state machine that ran out of disk. */
const RETRY_TICKS = 20;

/**
 * One Raft group of one member: the loop around the core. It does what the core's
 * {@linkcode Ready} asks for, in the order it demands: persist, send, apply, complete reads.
 * No timers, clocks or promises, so that the simulator runs it as it is.
 */
export class RaftGroup {
  readonly core: RaftCore;
  readonly log: LogStore;
  readonly machine: StateMachine;
  /** What applied entries did, on every member alike. */
  readonly events: EventFeed;
  readonly #ports: GroupPorts;
  readonly #options: GroupOptions;
  readonly #proposals = new PendingProposals();
  readonly #applier: Applier;
  readonly #outbox: AppendOutbox;
  readonly #transfers: SnapshotTransfers;
  readonly #checkpoints: Checkpoints;
  readonly #durability: LogDurability;
  readonly #reads = new IndexReads();
  readonly #waiters = new AppliedWaiters();
  #deferred = false;
  #running = false;
  #stopped = false;
  /**
   * The commit index as of the last Ready that was carried out. The core's own
   * may be ahead of the log: entries below it may still have to be truncated.
   */
  #commit: LogIndex;
  #ticks = 0;
  /** The tick at which leadership was lost while proposals were pending. */
  #deposedAt: number | null = null;
  readonly #room: Room;
  readonly #inbox: ProposalInbox;
  readonly #clock: ClusterClock;

  /** Starts idle; the first {@linkcode tick} or message moves it. */
  constructor(
    ports: GroupPorts,
    options: GroupOptions = DEFAULT_GROUP_OPTIONS,
  ) {
    this.core = ports.core;
    this.log = ports.log;
    this.machine = ports.machine;
    this.#ports = ports;
    this.events = new EventFeed(ports.machine.applied.index);
    this.#options = options;
    this.#commit = ports.core.commit;
    this.#room = new Room(
      ports.log,
      (message, error) => ports.warn(message, error),
    );
    this.#clock = new ClusterClock(ports.machine.clockMs, options.electionMs);
    this.#inbox = this.#newInbox();
    const fatal = (error: Error): void => this.#fail(error);
    this.#durability = new LogDurability(ports.log, options.durability, {
      release: (message) => this.#dispatch(message),
      durable: (id) => {
        this.#step({ kind: "persisted", id });
        this.#advance();
      },
      failed: fatal,
    });
    this.#checkpoints = new Checkpoints({
      core: ports.core,
      log: ports.log,
      machine: ports.machine,
      oldestSnapshot: () => this.snapshots.oldest,
      purged: (index) => {
        this.#step({ kind: "purged", index });
      },
      postponed: (error) =>
        ports.warn("no room for a checkpoint: later", error),
      failed: fatal,
    }, options);
    this.#outbox = new AppendOutbox(
      ports.log,
      (message) => this.#transmit(message),
      fatal,
    );
    this.#applier = new Applier(ports.log, ports.machine, this.#proposals, {
      events: (events, index) => this.events.append(events, index),
      applied: (index, bytes) => this.#onApplied(index, bytes),
      machineFailed: (error) => this.#onMachineFailed(error),
      logFailed: fatal,
      linger: ports.linger,
    });
    this.#transfers = new SnapshotTransfers(
      ports,
      (input) => void this.#step(input),
    );
  }

  #newInbox(): ProposalInbox {
    return new ProposalInbox(
      this.core,
      this.#room,
      this.#proposals,
      this.#options.maxInbox,
      (payload) => this.#ports.stamp(payload, this.#clock.ms),
    );
  }

  /** Lends snapshots of the machine, to senders and to backups. */
  get snapshots(): SnapshotService {
    return this.#transfers.service;
  }

  /** The cluster clock, ms: a leader's own, or what this member would begin with if it led now. */
  get clockMs(): number {
    return this.#clock.ms;
  }

  /** Entries up to here are durable on this member. */
  get durableIndex(): LogIndex {
    return this.#durability.index;
  }

  /** Proposals made here whose outcome is not known yet. */
  get pendingProposals(): number {
    return this.#proposals.size + this.#inbox.size;
  }

  /** Whether writes are refused because there is no room on the disk. */
  get diskFull(): boolean {
    return this.#room.full;
  }

  /** One tick of the group's timeouts; since the last one `elapsedMs` of this member's monotonic time passed. */
  tick(elapsedMs: number): void {
    this.#ticks++;
    this.#clock.tick(elapsedMs);
    this.#abandonDeposed();
    this.#transfers.sender.tick();
    this.#checkpoints.tick(this.#ticks);
    if (this.#ticks % RETRY_TICKS === 0) this.#lookForRoom();
    this.#durability.tick(this.#ticks);
    this.#step({ kind: "tick" });
  }

  /** More time passed than {@linkcode tick} will account for. Call it before anything that waited meanwhile. */
  stalled(): void {
    this.#step({ kind: "stalled" });
  }

  #lookForRoom(): void {
    if (this.#applier.paused) this.#applier.retry();
    if (this.#room.full) this.#guarded(() => this.#room.look());
  }

  #abandonDeposed(): void {
    if (this.#deposedAt === null) return;
    if (this.#ticks - this.#deposedAt < DEPOSED_TICKS) return;
    this.#deposedAt = null;
    this.#proposals.abandon("this member lost leadership");
  }

  /** A message from another member of the group. */
  receive(message: GroupMessage): void {
    if (this.#stopped) return;
    switch (message.type) {
      case "snapshotChunk":
        return this.#transfers.receiver.chunk(message);
      case "snapshotAck":
        return this.#transfers.sender.acknowledged(message);
      case "appendEntries":
        return this.#guarded(() => {
          // Without room it is as if the network had lost it; the leader tries again.
          if (this.#roomFor(message)) this.#receive(message);
        });
      case "heartbeat":
        this.#receive(message);
        if (message.term === this.core.term) this.#clock.heard(message.clockMs);
        return;
      default:
        return this.#receive(message);
    }
  }

  /** Replicates `payload`, which is stamped in place; `done` is called once, when its fate is known. */
  propose(payload: Uint8Array, done: ProposalDone): void {
    if (this.#stopped) return refuseStopped(done);
    if (this.#inbox.push(payload, done)) this.#wake();
  }

  /**
   * Finds the index that a linearizable read must wait for and waits until it is
   * applied here; `null` if no leader confirmed it: ask again.
   */
  readIndex(done: ReadDone): void {
    if (this.#stopped) return done(null);
    const requestId = this.#reads.add(done);
    this.#step({ kind: "readIndex", requestId });
  }

  /** Calls `done(true)` once `index` is applied here, `done(false)` if the group stops or the disk fills up first. */
  whenApplied(index: LogIndex, done: (applied: boolean) => void): void {
    if (this.machine.applied.index >= index) return done(true);
    if (this.#stopped || this.#room.stateFull) return done(false);
    this.#waiters.add(index, done);
    this.#applier.hurry(index);
  }

  /** Starts a membership change; returns whether it was accepted, not whether it is committed. */
  changeMembership(change: MembershipChange): Outcome {
    return this.#step({ kind: "changeMembership", change });
  }

  /** Starts a leader transfer. */
  transferLeadership(target: MemberId | null): Outcome {
    return this.#step({ kind: "transferLeadership", target });
  }

  /** Campaigns at once. */
  campaign(): void {
    this.#step({ kind: "campaign" });
  }

  /** The link to a member broke. */
  unreachable(member: MemberId): void {
    if (this.#stopped) return;
    this.#transfers.sender.unreachable(member);
    this.#step({ kind: "unreachable", member });
    if (this.core.leader === member) {
      this.#step({ kind: "leaderUnreachable" });
    }
  }

  /** Makes the state durable and forgets log entries it makes superfluous. */
  checkpoint(): void {
    this.#checkpoints.begin();
  }

  /** Refuses everything from now on. Waiting proposals end with an unknown outcome. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#transfers.sender.stop();
    this.#transfers.receiver.forget();
    this.#applier.stop();
    this.#durability.stop();
    this.#checkpoints.stop();
    this.#inbox.stop();
    this.#proposals.abandon("the member stopped");
    this.#reads.giveUp();
    this.#waiters.giveUp();
  }

  #receive(message: Message): void {
    this.#step({ kind: "message", message });
  }

  #step(input: Input): Outcome {
    if (this.#stopped) return STOPPED;
    try {
      const outcome = this.core.step(input);
      this.#clock.lead(this.core.role === "leader");
      this.#wake();
      return outcome;
    } catch (error) {
      this.#fail(error as Error);
      return STOPPED;
    }
  }

  #wake(): void {
    if (this.#deferred || this.#running) return;
    this.#deferred = true;
    this.#ports.defer(() => {
      this.#deferred = false;
      this.#run();
    });
  }

  /** Handles everything the core has to say. Callbacks that come back synchronously find `#running` set. */
  #run(): void {
    if (this.#stopped) return;
    this.#running = true;
    try {
      do {
        this.#inbox.propose();
        while (!this.#stopped && this.core.hasReady()) {
          this.#handle(this.core.takeReady());
        }
      } while (!this.#stopped && this.#inbox.size > 0);
      // Entries that the core refused or already had will not be appended.
      if (!this.#stopped) this.log.unreserve();
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      this.#running = false;
    }
    if (this.#stopped) return;
    if (this.core.role === "leader") this.#deposedAt = null;
    else this.#deposed();
    this.#ports.changed();
  }

  #handle(ready: Ready): void {
    const { persist } = ready;
    if (persist !== null) {
      if (persist.hardState) this.log.saveHardState(persist.hardState);
      const { truncateAfter } = persist;
      if (truncateAfter !== undefined) {
        this.log.truncateAfter(truncateAfter);
        this.#durability.truncated(truncateAfter);
      }
      if (persist.entries.length > 0) this.log.append(persist.entries);
      this.#durability.written(persist.id);
    }
    for (const message of ready.send) this.#dispatch(message);
    for (const message of ready.sendAfterPersist) {
      this.#durability.hold(message);
    }
    if (persist !== null) {
      this.#durability.flush(persist.hardState !== undefined);
    }
    for (const { to, term, atLeast } of ready.sendSnapshots) {
      this.#transfers.sender.start(to, term, atLeast);
    }
    for (const { requestId, index } of ready.reads) {
      this.#finishRead(requestId, index);
    }
    const snapshot = ready.installSnapshot;
    if (snapshot !== null) {
      // What is in the state must not outlive the term it came in.
      this.#durability.whenDurable(() => this.#install(snapshot));
    }
    this.#commit = ready.commit;
    this.#advance();
  }

  /** Only what is durable here is applied: the state never runs ahead of the log. */
  #advance(): void {
    this.#applier.advance(Math.min(this.#commit, this.#durability.index));
  }

  /** The next leader may still commit what was proposed here; then the proposal completes as if nothing had happened. */
  #deposed(): void {
    if (this.#transfers.sender.active) this.#transfers.sender.stop();
    if (this.#proposals.size > 0) this.#deposedAt ??= this.#ticks;
  }

  #dispatch(message: Message): void {
    switch (message.type) {
      case "appendEntries":
        return this.#outbox.push(message);
      case "heartbeat":
        this.#ports.send({ ...message, clockMs: this.#clock.ms });
        return;
      default:
        this.#ports.send(message);
    }
  }

  #transmit(message: AppendEntries): void {
    if (this.#stopped || this.#ports.send(message)) return;
    this.#step({ kind: "unreachable", member: message.to });
  }

  #roomFor(message: AppendEntries): boolean {
    const { entries } = message;
    return this.#room.reserve(entries.length, payloadBytes(entries));
  }

  #finishRead(requestId: number, index: LogIndex | null): void {
    const done = this.#reads.take(requestId);
    if (done === undefined) return;
    if (index === null) return done(null);
    this.whenApplied(index, (applied) => done(applied ? index : null));
  }

  #onApplied(index: LogIndex, bytes: number): void {
    this.#room.stateApplied(index);
    this.#clock.applied(this.machine.clockMs);
    this.#step({ kind: "applied", index });
    this.#waiters.applied(index);
    this.#checkpoints.applied(index, bytes);
  }

  #onMachineFailed(error: Error): void {
    if (!isFull(error)) return this.#fail(error);
    this.#room.stateRefused(error);
    this.#waiters.giveUp();
  }

  #install(snapshot: SnapshotMeta): void {
    this.#applier.suspend(() => {
      this.machine.install(snapshot.last, (error) => {
        if (this.#stopped) return;
        if (error !== null) this.#fail(error);
        else this.#guarded(() => this.#installed(snapshot));
      });
    });
  }

  #installed(snapshot: SnapshotMeta): void {
    this.#proposals.abandon("a snapshot took the place of the entries");
    this.log.reset(snapshot.last);
    this.#durability.reset(snapshot.last.index);
    this.log.sync((error) => {
      if (this.#stopped) return;
      if (error !== null) return this.#fail(error);
      this.#transfers.receiver.forget();
      this.events.jump(snapshot.last.index);
      this.#step({ kind: "snapshotInstalled", snapshot });
      this.#onApplied(snapshot.last.index, 0);
      this.#applier.resume();
    });
  }

  /** Outside of {@linkcode RaftGroup.#run}: what the log throws ends the member, not the caller. */
  #guarded(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    if (this.#stopped) return;
    this.stop();
    this.#ports.fatal(error);
  }
}
