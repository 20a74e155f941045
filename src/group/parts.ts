import type { LogError } from "../log/port.ts";
import type { Input, Outcome } from "../raft/io.ts";
import type { AppendEntries, Message } from "../raft/messages.ts";
import type { LogIndex, SnapshotMeta } from "../raft/types.ts";
import { CommitNotice } from "./commit_notice.ts";
import { prepares } from "../state/port.ts";
import { AppliedWaiters } from "./applied_waiters.ts";
import { Applier } from "./applier.ts";
import { ApplyWatch } from "./apply_watch.ts";
import { type CheckpointPorts, Checkpoints } from "./checkpoints.ts";
import { ClusterClock } from "./cluster_clock.ts";
import { Deposition } from "./deposition.ts";
import { Room } from "./disk_room.ts";
import { EventFeed } from "./event_feed.ts";
import { ExecuteFirst } from "./execute_first.ts";
import { ProposalInbox } from "./inbox.ts";
import { Intake } from "./intake.ts";
import { LogDurability } from "./log_durability.ts";
import { AppendOutbox } from "./outbox.ts";
import { PendingReads } from "./pending_reads.ts";
import { APPLY_MS, type GroupOptions, type GroupPorts } from "./ports.ts";
import { PendingProposals } from "./proposals.ts";
import { RunWatch } from "./run_watch.ts";
import { SnapshotReceiver } from "./snapshot_receiver.ts";
import { SnapshotSender } from "./snapshot_sender.ts";
import { SnapshotService } from "./snapshot_service.ts";

/** What a stopped group answers to everything. */
export const STOPPED: Outcome = {
  kind: "refused",
  reason: "not_leader",
  detail: "the member is stopping",
  leader: null,
};

/** What the parts of a group tell its loop. */
export interface LoopEvents {
  /** Something happened that the core must know. */
  step(input: Input): Outcome;
  /** A message may leave. */
  dispatch(message: Message): void;
  /** An AppendEntries with its entries may leave. */
  transmit(message: AppendEntries): void;
  /** More of the log is durable. */
  advance(): void;
  /** The state machine has applied up to `index`. */
  applied(index: LogIndex, bytes: number): void;
  machineFailed(error: Error): void;
  /** There may be something to do. */
  wake(): void;
  failed(error: Error): void;
}

/** What a group's loop is made of. */
export interface GroupParts {
  readonly events: EventFeed;
  readonly snapshots: SnapshotService;
  readonly proposals: PendingProposals;
  readonly deposition: Deposition;
  readonly reads: PendingReads;
  readonly waiters: AppliedWaiters;
  readonly room: Room;
  readonly clock: ClusterClock;
  readonly inbox: ProposalInbox;
  readonly intake: Intake;
  readonly durability: LogDurability;
  readonly outbox: AppendOutbox;
  readonly applier: Applier;
  readonly watch: ApplyWatch;
  readonly checkpoints: Checkpoints;
  readonly notice: CommitNotice;
  readonly sender: SnapshotSender;
  readonly receiver: SnapshotReceiver;
  /** Null if commands are replicated before they run. */
  readonly stage: ExecuteFirst | null;
}

/** Ticks between two attempts of a state machine that ran out of disk. */
const RETRY_TICKS = 20;

/** Those that the stage is built around. */
type Foundation = Pick<
  GroupParts,
  "events" | "proposals" | "room" | "clock" | "inbox" | "applier"
>;

/** Builds the parts of a group around what it is given; they report to `loop`. */
export function buildGroupParts(
  ports: GroupPorts,
  options: GroupOptions,
  loop: LoopEvents,
): GroupParts {
  const { core, log, machine, warn } = ports;
  const failed = (error: Error | LogError): void => loop.failed(error);
  const events = new EventFeed(machine.applied.index);
  const proposals = new PendingProposals();
  const waiters = new AppliedWaiters();
  const room = new Room(log, (message, error) => warn(message, error));
  const clock = new ClusterClock(
    machine.clockMs,
    options.electionMs,
    ports.sinceTickMs,
  );
  const snapshots = new SnapshotService({
    machine,
    failed: (error) => warn("snapshot could not be built", error),
  });
  const inbox = new ProposalInbox(
    core,
    room,
    proposals,
    options.maxInbox,
    (payload) => ports.stamp(payload, clock.stamp()),
  );
  const applier = buildApplier(ports, { events, proposals, waiters }, loop);
  const checkpoints: Checkpoints = buildCheckpoints(ports, options, {
    busy: () => stage?.holds ?? false,
    oldestSnapshot: () => snapshots.oldest,
  }, loop);
  const stage = buildStage(
    ports,
    { events, proposals, room, clock, inbox, applier },
    checkpoints,
    loop,
  );
  const intake = new Intake(core, inbox, stage, proposals);
  return {
    events,
    snapshots,
    proposals,
    deposition: new Deposition(proposals),
    reads: new PendingReads(),
    waiters,
    room,
    clock,
    inbox,
    intake,
    durability: buildDurability(ports, options, loop),
    outbox: new AppendOutbox(log, (message) => loop.transmit(message), failed),
    applier,
    watch: new ApplyWatch(machine, options.applyMs ?? APPLY_MS, warn),
    checkpoints,
    notice: new CommitNotice({
      step: (input) => void loop.step(input),
      intake,
      afterTurns: ports.afterTurns,
    }),
    stage,
    ...buildSnapshotStreams(ports, snapshots, loop),
  };
}

function buildCheckpoints(
  { core, log, machine, warn, neededAfter }: GroupPorts,
  options: GroupOptions,
  asked: Pick<CheckpointPorts, "busy" | "oldestSnapshot">,
  loop: LoopEvents,
): Checkpoints {
  return new Checkpoints({
    core,
    log,
    machine,
    ...asked,
    neededAfter: () => neededAfter?.() ?? null,
    purged: (index) => void loop.step({ kind: "purged", index }),
    postponed: (error) => warn("no room for a checkpoint: later", error),
    failed: (error) => loop.failed(error),
  }, options);
}

function buildApplier(
  { core, log, machine, warn, diverged, linger }: GroupPorts,
  { events, proposals, waiters }: Pick<
    GroupParts,
    "events" | "proposals" | "waiters"
  >,
  loop: LoopEvents,
): Applier {
  return new Applier(log, machine, proposals, {
    events: (batch, index) => events.append(batch, index),
    applied: (index, bytes) => loop.applied(index, bytes),
    unheard: (index, bytes) => {
      // Whoever waits asks again, in the same session.
      proposals.abandon("the writer died before it could answer");
      events.jump(index);
      loop.applied(index, bytes);
    },
    stuck: ({ index, reason }) => {
      warn(
        `entry ${index} cannot be applied on this member: it stops there until a snapshot of another one takes its place`,
        new Error(reason),
      );
      waiters.giveUp();
      // Others may be able to apply it.
      if (core.role === "leader") {
        loop.step({ kind: "transferLeadership", target: null });
      }
    },
    machineFailed: (error) => loop.machineFailed(error),
    logFailed: (error) => loop.failed(error),
    diverged: (divergence) => diverged(divergence),
    firstWanted: () => events.hurried ? 0 : waiters.first,
    linger,
  });
}

function buildDurability(
  { log }: GroupPorts,
  { durability }: GroupOptions,
  loop: LoopEvents,
): LogDurability {
  return new LogDurability(log, durability, {
    release: (message) => loop.dispatch(message),
    durable: (id) => {
      loop.step({ kind: "persisted", id });
      loop.advance();
    },
    failed: (error) => loop.failed(error),
  });
}

function buildStage(
  { core, machine, firstRun, stamp }: GroupPorts,
  { events, proposals, room, clock, inbox, applier }: Foundation,
  checkpoints: Checkpoints,
  loop: LoopEvents,
): ExecuteFirst | null {
  if (firstRun === undefined || !prepares(machine)) return null;
  const failed = (error: Error): void => loop.failed(error);
  const stage: ExecuteFirst = new ExecuteFirst(machine, {
    core,
    inbox,
    applier,
    proposals,
    room,
    watch: new RunWatch({
      machine,
      limitMs: (payload) => firstRun.limitMs(payload),
      hangs: (at) => stage.expel(at),
      failed,
    }),
    commands: {
      stamp: (payload) => stamp(payload, clock.stamp()),
      seal: (payload, hash) => firstRun.seal(payload, hash),
      refusal: (payload, reason, detail) =>
        firstRun.refusal(payload, reason, detail),
    },
    step: (input) => loop.step(input),
    events: (batch, index) => events.append(batch, index),
    eventsLost: (index) => events.jump(index),
    applied: (index, bytes) => loop.applied(index, bytes),
    moment: () => checkpoints.due,
    released: () => checkpoints.released(),
    wake: () => loop.wake(),
    machineFailed: (error) => loop.machineFailed(error),
    failed,
  });
  return stage;
}

function buildSnapshotStreams(
  { core, machine, send, warn }: GroupPorts,
  snapshots: SnapshotService,
  loop: LoopEvents,
): Pick<GroupParts, "sender" | "receiver"> {
  const self = core.status().id;
  const sender = new SnapshotSender({
    snapshots,
    self,
    send: (chunk) => void send(chunk),
    sent: (to, last, ok) => {
      if (ok) {
        snapshots.tally.sent++;
        snapshots.tally.sentTo = to;
      }
      loop.step({ kind: "snapshotSent", to, last, ok });
    },
    failed: (error) => warn("snapshot could not be sent", error),
  });
  const receiver = new SnapshotReceiver({
    machine,
    self,
    term: () => core.term,
    installing: () => core.installing,
    send: (ack) => void send(ack),
    received: (from, term, last, config) => {
      snapshots.tally.received++;
      snapshots.tally.receivedFrom = from;
      const snapshot: SnapshotMeta = { last, config };
      const type = "snapshotReceived";
      const message = { type, from, to: self, term, snapshot } as const;
      loop.step({ kind: "message", message });
    },
    failed: (error) => warn("snapshot could not be received", error),
  });
  Object.assign(snapshots.tally, { sending: sender, receiving: receiver });
  return { sender, receiver };
}

/**
 * Tells the parts of a tick, the `now`-th, and of the time since the one before.
 * @throws {LogError} if the log is unusable.
 */
export function tickParts(
  parts: GroupParts,
  now: number,
  elapsedMs: number,
  commit: LogIndex,
): void {
  parts.clock.tick(elapsedMs);
  parts.deposition.tick();
  parts.stage?.tick(elapsedMs);
  parts.sender.tick();
  parts.checkpoints.tick(now);
  if (now % RETRY_TICKS === 0) {
    if (parts.applier.paused) parts.applier.retry();
    if (parts.room.full) parts.room.look();
  }
  parts.durability.tick(now);
  parts.notice.tell();
  parts.watch.tick(elapsedMs, commit);
}

/** Ends all parts of a group: whoever waits hears of it. */
export function stopParts(parts: GroupParts): void {
  parts.sender.stop();
  parts.receiver.forget();
  parts.applier.stop();
  parts.durability.stop();
  parts.checkpoints.stop();
  parts.intake.stop();
  parts.proposals.abandon("the member stopped");
  parts.reads.giveUp();
  parts.waiters.giveUp();
}
