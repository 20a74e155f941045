import type { LogStore } from "../log/port.ts";
import type { RaftCore } from "../raft/core.ts";
import type { Input, MembershipChange, Outcome, Ready } from "../raft/io.ts";
import type { AppendEntries, Message } from "../raft/messages.ts";
import type { LogIndex, MemberId, SnapshotMeta } from "../raft/types.ts";
import type { StateMachine } from "../state/port.ts";
import type { AppliedDone } from "./applied_waiters.ts";
import { payloadBytes } from "./applier.ts";
import type { ApplyWatch } from "./apply_watch.ts";
import { isFull } from "./disk_room.ts";
import type { EventFeed } from "./event_feed.ts";
import { refuseStopped } from "./inbox.ts";
import type { GroupMessage } from "./messages.ts";
import {
  buildGroupParts,
  type GroupParts,
  stopParts,
  STOPPED,
  tickParts,
} from "./parts.ts";
import type { ReadDone } from "./pending_reads.ts";
import {
  DEFAULT_GROUP_OPTIONS,
  type GroupOptions,
  type GroupPorts,
} from "./ports.ts";
import type { ProposalDone } from "./proposals.ts";
import type { SnapshotService } from "./snapshot_service.ts";

/**
 * One Raft group of one member: the loop around the core. It does what the core's
 * {@linkcode Ready} asks for, in the order it demands: persist, send, apply, complete reads.
 * No timers, clocks or promises, so that the simulator runs it as it is.
 */
export class RaftGroup {
  readonly core: RaftCore;
  readonly log: LogStore;
  readonly machine: StateMachine;
  readonly #ports: GroupPorts;
  readonly #parts: GroupParts;
  #deferred = false;
  #running = false;
  #stopped = false;
  /** The commit index as of the last Ready that was carried out: the core's own may be ahead of the log, of which entries below it may still have to be cut. */
  #commit: LogIndex;
  #ticks = 0;

  /** Starts idle; the first {@linkcode tick} or message moves it. */
  constructor(
    ports: GroupPorts,
    options: GroupOptions = DEFAULT_GROUP_OPTIONS,
  ) {
    this.core = ports.core;
    this.log = ports.log;
    this.machine = ports.machine;
    this.#ports = ports;
    this.#commit = ports.core.commit;
    this.#parts = buildGroupParts(ports, options, {
      step: (input) => this.#step(input),
      dispatch: (message) => this.#dispatch(message),
      transmit: (message) => this.#transmit(message),
      advance: () => this.#advance(),
      applied: (index, bytes) => this.#onApplied(index, bytes),
      machineFailed: (error) => this.#onMachineFailed(error),
      wake: () => this.#wake(),
      failed: (error) => this.#fail(error),
    });
  }

  /** What applied entries did, on every member alike. */
  get events(): EventFeed {
    return this.#parts.events;
  }

  /** Lends snapshots of the machine, to senders and to backups. */
  get snapshots(): SnapshotService {
    return this.#parts.snapshots;
  }

  /** The cluster clock, ms: a leader's own, or what this member would begin with if it led now. */
  get clockMs(): number {
    return this.#parts.clock.ms;
  }

  /** Entries up to here are durable on this member. */
  get durableIndex(): LogIndex {
    return this.#parts.durability.index;
  }

  /** Proposals made here whose outcome is not known yet. */
  get pendingProposals(): number {
    return this.#parts.intake.outstanding;
  }

  /** See {@linkcode ExecuteFirst.answered}: who reads here has to wait until it is applied. 0 while the disk is full: reads go on. */
  get answered(): LogIndex {
    const { stage, room } = this.#parts;
    return stage === null || room.stateFull ? 0 : stage.answered;
  }

  /** Whether writes are refused because there is no room on the disk. */
  get diskFull(): boolean {
    return this.#parts.room.full;
  }

  /** Whether what is committed is applied. */
  get applying(): ApplyWatch {
    return this.#parts.watch;
  }

  /** One tick of the group's timeouts; since the last one `elapsedMs` of this member's monotonic time passed. */
  tick(elapsedMs: number): void {
    if (this.#stopped) return;
    this.#ticks++;
    this.#guarded(() =>
      tickParts(this.#parts, this.#ticks, elapsedMs, this.#commit)
    );
    this.#step({ kind: "tick" });
  }

  /** More time passed than {@linkcode tick} will account for. Call it before anything that waited meanwhile. */
  stalled(): void {
    this.#step({ kind: "stalled" });
  }

  /** A message from another member of the group. */
  receive(message: GroupMessage): void {
    if (this.#stopped) return;
    switch (message.type) {
      case "snapshotChunk":
        return this.#parts.receiver.chunk(message);
      case "snapshotAck":
        return this.#parts.sender.acknowledged(message);
      case "appendEntries":
        return this.#guarded(() => {
          // Without room it is as if the network had lost it; the leader tries again.
          const { entries } = message;
          const bytes = payloadBytes(entries);
          if (!this.#parts.room.reserve(entries.length, bytes)) return;
          this.#step({ kind: "message", message });
          this.#parts.clock.received(message, this.#ports.stampOf);
        });
      case "heartbeat":
        this.#step({ kind: "message", message });
        if (message.term === this.core.term) {
          this.#parts.clock.heard(message.clockMs, message.term);
        }
        return;
      default:
        this.#step({ kind: "message", message });
    }
  }

  /** Replicates `payload`, which is stamped in place; `done` is called once, when its fate is known. */
  propose(payload: Uint8Array, done: ProposalDone): void {
    if (this.#stopped) return refuseStopped(done);
    if (this.#parts.inbox.push(payload, done)) this.#wake();
  }

  /** Finds the index that a linearizable read must wait for and waits until it is applied here; `null` if no leader confirmed it: ask again. */
  readIndex(done: ReadDone): void {
    if (this.#stopped) return done(null);
    const requestId = this.#parts.reads.add(done);
    this.#step({ kind: "readIndex", requestId });
  }

  /** Calls `done(true)` once `index` is applied here, `done(false)` if the group stops or the disk fills up first. What it returns ends the wait without a call. */
  whenApplied(index: LogIndex, done: AppliedDone): () => void {
    const applied = this.machine.applied.index >= index;
    const { room, watch, waiters, applier } = this.#parts;
    if (applied || this.#stopped || room.stateFull || watch.stuck) {
      done(applied);
      return () => {};
    }
    const end = waiters.add(index, done);
    applier.hurry(Math.min(index, this.core.commit));
    return end;
  }

  /** Leaders: tells the others of what is committed now, since somebody waits for it there. */
  tellCommits(): void {
    this.#parts.notice.tell();
  }

  /** Starts a membership change; `done` hears whether it was accepted, not whether it is committed. It waits for a write that runs. */
  changeMembership(
    change: MembershipChange,
    done: (outcome: Outcome) => void = () => {},
  ): void {
    this.#parts.intake.whenBetween(() =>
      done(this.#step({ kind: "changeMembership", change }))
    );
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
    this.#parts.sender.unreachable(member);
    const { promises } = this.#parts.durability;
    this.#step({ kind: promises ? "unreachable" : "linkBroke", member });
    if (this.core.leader === member) {
      this.#step({ kind: "leaderUnreachable" });
    }
  }

  /** Makes the state durable and forgets log entries it makes superfluous. */
  checkpoint(): void {
    this.#parts.checkpoints.begin();
  }

  /** Refuses everything from now on. Waiting proposals end with an unknown outcome. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    stopParts(this.#parts);
  }

  #step(input: Input): Outcome {
    if (this.#stopped) return STOPPED;
    try {
      const outcome = this.core.step(input);
      this.#parts.stage?.observe();
      this.#parts.clock.lead(this.core.role === "leader", this.core.term);
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
        this.#parts.intake.propose();
        while (!this.#stopped && this.core.hasReady()) {
          this.#parts.notice.look();
          this.#handle(this.core.takeReady());
        }
      } while (!this.#stopped && this.#parts.intake.ready);
      // Entries that the core refused or already had will not be appended.
      if (!this.#stopped) this.log.unreserve();
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      this.#running = false;
    }
    if (this.#stopped) return;
    const leads = this.core.role === "leader";
    if (!leads && this.#parts.sender.active) this.#parts.sender.stop();
    this.#parts.deposition.note(leads);
    this.#ports.changed();
  }

  #handle(ready: Ready): void {
    const { persist } = ready;
    if (persist !== null) {
      if (persist.hardState) this.log.saveHardState(persist.hardState);
      const { truncateAfter } = persist;
      if (truncateAfter !== undefined) {
        this.log.truncateAfter(truncateAfter);
        this.#parts.durability.truncated(truncateAfter);
      }
      if (persist.entries.length > 0) {
        this.log.append(persist.entries);
        if (this.core.role === "leader") this.#parts.notice.appended();
      }
      this.#parts.durability.written(persist.id);
    }
    for (const message of ready.send) this.#dispatch(message);
    for (const message of ready.sendAfterPersist) {
      this.#parts.durability.hold(message);
    }
    if (persist !== null) {
      this.#parts.durability.flush(persist.hardState !== undefined);
    }
    for (const { to, term, atLeast } of ready.sendSnapshots) {
      this.#parts.sender.start(to, term, atLeast);
    }
    for (const { requestId, index } of ready.reads) {
      this.#finishRead(requestId, index);
    }
    const snapshot = ready.installSnapshot;
    if (snapshot !== null) {
      // What is in the state must not outlive the term it came in.
      this.#parts.durability.whenDurable(() => this.#install(snapshot));
    }
    this.#commit = ready.commit;
    this.#advance();
  }

  /** Only what is durable here is applied: the state never runs ahead of the log. */
  #advance(): void {
    const index = Math.min(this.#commit, this.#parts.durability.index);
    this.#parts.stage?.advance(index);
    this.#parts.applier.advance(index);
  }

  #dispatch(message: Message): void {
    switch (message.type) {
      case "appendEntries":
        return this.#parts.outbox.push(message);
      case "heartbeat":
        message = { ...message, clockMs: this.#parts.clock.ms };
    }
    this.#ports.send(message);
  }

  #transmit(message: AppendEntries): void {
    if (this.#stopped || this.#ports.send(message)) return;
    this.#step({ kind: "unreachable", member: message.to });
  }

  #finishRead(requestId: number, index: LogIndex | null): void {
    const done = this.#parts.reads.take(requestId);
    if (done === undefined) return;
    if (index === null) return done(null);
    this.whenApplied(index, (applied) => done(applied ? index : null));
  }

  #onApplied(index: LogIndex, bytes: number): void {
    this.#parts.room.stateApplied(index);
    this.#parts.clock.applied(this.machine.clockMs);
    this.#step({ kind: "applied", index });
    this.#parts.waiters.applied(index);
    this.#parts.checkpoints.applied(index, bytes);
    this.#parts.notice.applied();
  }

  #onMachineFailed(error: Error): void {
    if (!isFull(error)) return this.#fail(error);
    this.#parts.room.stateRefused(error);
    this.#parts.waiters.giveUp();
  }

  #install(snapshot: SnapshotMeta): void {
    this.#parts.applier.suspend(() => {
      this.machine.install(snapshot.last, (error) => {
        if (this.#stopped) return;
        if (error !== null) this.#fail(error);
        else this.#guarded(() => this.#installed(snapshot));
      });
    });
  }

  #installed(snapshot: SnapshotMeta): void {
    this.#parts.proposals.abandon("a snapshot took the place of the entries");
    this.log.reset(snapshot.last);
    this.#parts.durability.reset(snapshot.last.index);
    this.log.sync((error) => {
      if (this.#stopped) return;
      if (error !== null) return this.#fail(error);
      this.#parts.receiver.forget();
      this.#parts.events.jump(snapshot.last.index);
      this.#parts.snapshots.tally.installed++;
      this.#step({ kind: "snapshotInstalled", snapshot });
      this.#parts.clock.follow(this.core.term);
      this.#onApplied(snapshot.last.index, 0);
      this.#parts.applier.resume();
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
