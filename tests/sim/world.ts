import { Agreement } from "./agreement.ts";
import { factsOf } from "./message_facts.ts";
import { LogError } from "../../src/log/port.ts";
import type { GroupMessage } from "../../src/group/messages.ts";
import { isMember, isVoter } from "../../src/raft/configuration.ts";
import type { RaftOptions } from "../../src/raft/options.ts";
import {
  type Configuration,
  type Entry,
  EntryKind,
  type LogIndex,
  type MemberId,
  type NodeId,
} from "../../src/raft/types.ts";
import { SimClient } from "./client.ts";
import { Draw } from "./draw.ts";
import { History } from "./history.ts";
import { attemptOf, type Dialect } from "./dialect.ts";
import { DIALECTS } from "./dialects.ts";
import { LockScene } from "./locks/scene.ts";
import { SimMember } from "./member.ts";
import { inflict } from "./nemesis.ts";
import { SimNetwork } from "./network.ts";
import { SimNode } from "./node.ts";
import { Operator } from "./operator.ts";
import { Oracle } from "./oracle.ts";
import { Outages } from "./outages.ts";
import type { Plan } from "./plan.ts";
import { Probes } from "./probes.ts";
import { Scheduler } from "./scheduler.ts";
import type { Trace } from "./trace.ts";
import { Watch } from "./watch.ts";

/** Somebody who asks something of the cluster. */
interface Asking {
  /** Whether it wants nothing any more. */
  readonly finished: boolean;
  /** The cluster is well again. */
  wrapUp(): void;
}

/** Everything of one run: machines, network, clients, and who watches them. */
export class World {
  readonly plan: Plan;
  readonly trace: Trace;
  readonly scheduler: Scheduler = new Scheduler();
  readonly probes: Probes = new Probes();
  readonly history: History;
  readonly dialect: Dialect;
  readonly oracle: Oracle;
  readonly watch: Watch;
  readonly network: SimNetwork;
  readonly operator: Operator;
  readonly nodes: readonly SimNode[];
  readonly clients: readonly Asking[];
  /** Where locks and topics are what members have. */
  readonly locks: LockScene | null;
  readonly raftOptions: RaftOptions;
  readonly draws: Readonly<
    Record<
      | "network"
      | "disk"
      | "machine"
      | "core"
      | "world"
      | "founding"
      | "stamp",
      Draw
    >
  >;
  /** Faults done, by kind. */
  readonly faults: Map<string, number> = new Map();
  healed = false;
  /** Whether no clock has run faster or slower than time so far. */
  steadyClocks = true;
  /** What members must agree about at the end. */
  readonly agreement: Agreement = new Agreement(this);
  #values = 0;
  #attempts = 0;
  /** How processes end and volumes are lost. */
  readonly outages: Outages = new Outages(this);
  #gone: ReadonlySet<SimNode> = new Set();

  /** Sets everything up; nothing runs yet. */
  constructor(plan: Plan, trace: Trace) {
    this.plan = plan;
    this.trace = trace;
    const draw = (name: string): Draw => new Draw(plan.seed, name);
    this.draws = {
      network: draw("network"),
      disk: draw("disk"),
      machine: draw("machine"),
      core: draw("core"),
      world: draw("world"),
      founding: draw("founding"),
      stamp: draw("stamp"),
    };
    this.raftOptions = { ...plan.raft, checkQuorum: true };
    this.dialect = DIALECTS[plan.stateMachine](plan.seed);
    this.history = new History(this.dialect);
    this.watch = new Watch(this.probes);
    this.oracle = new Oracle(
      (config) => this.watch.committed(config),
      (payload) => attemptOf(this.dialect, payload),
      () => this.now,
      () => this.steadyClocks,
    );
    this.network = new SimNetwork(
      this.scheduler,
      this.draws.network,
      plan,
      (to, message) => this.#deliver(to, message),
    );
    this.nodes = Array.from(
      { length: plan.nodes },
      (_, i) => new SimNode(this, i + 1),
    );
    const electionMs = plan.tickMs * plan.raft.electionTicks;
    this.operator = new Operator(this, electionMs);
    this.#form();
    this.locks = plan.stateMachine === "locks" ? new LockScene(this) : null;
    this.clients = this.locks?.asking ?? Array.from(
      { length: plan.clients.count },
      (_, i) =>
        new SimClient(
          this,
          draw(`client ${i}`),
          Math.ceil(plan.clients.operations / plan.clients.count),
        ),
    );
    for (const fault of plan.faults) {
      this.scheduler.after(fault.at, () => {
        if (this.healed) return;
        this.trace.add(this.now, "fault", fault.kind, JSON.stringify(fault));
        if (!inflict(this, fault)) return;
        this.faults.set(fault.kind, (this.faults.get(fault.kind) ?? 0) + 1);
      });
    }
  }

  /** Nodes that stay away for ever. */
  get gone(): ReadonlySet<SimNode> {
    return this.#gone;
  }

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.scheduler.now;
  }

  /** Runs `event` later, on no machine. */
  later(ms: number, event: () => void): void {
    this.scheduler.after(ms, event);
  }

  /** A value never written before. */
  nextValue(): number {
    return ++this.#values;
  }

  /** A number for a proposal. */
  nextAttempt(): number {
    return ++this.#attempts;
  }

  /** What a node's wall clock shows, ms since the epoch. */
  wallOf(id: NodeId): number {
    const { wallOffset } = this.nodeOf(id);
    return Math.floor(1_700_000_000_000 + this.now + wallOffset);
  }

  /** The node with this id. */
  nodeOf(id: NodeId): SimNode {
    return this.nodes[id - 1]!;
  }

  /** The process on a node, if one runs. */
  processOf(id: NodeId): SimMember | null {
    return this.nodeOf(id).process;
  }

  /** The node that a fault names; 0 is whoever leads. */
  named(id: number): SimNode | null {
    if (id > 0) return this.nodeOf(id);
    const leader = this.leader();
    return leader === null
      ? null
      : this.nodes.find((node) => node.process === leader)!;
  }

  /** The leader of the highest term. */
  leader(): SimMember | null {
    let best: SimMember | null = null;
    for (const { process } of this.nodes) {
      if (process === null || process.core.role !== "leader") continue;
      if (best === null || process.core.term > best.core.term) best = process;
    }
    return best;
  }

  /** Somebody who is no member now. */
  spare(config: Configuration): MemberId | null {
    const spares = this.nodes.filter((n) => !isMember(config, n.member));
    return spares.length === 0 ? null : this.draws.world.pick(spares).member;
  }

  /** Starts a process on a node unless one runs. */
  boot(id: NodeId): void {
    const node = this.nodeOf(id);
    if (node.process !== null || this.#gone.has(node)) return;
    if (this.now < node.downUntil) return;
    let process: SimMember;
    try {
      process = new SimMember(this, node);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      this.trace.add(this.now, "start failed", node.member, error.message);
      return this.outages.processFailed(node, error);
    }
    this.trace.add(this.now, "start", node.member);
    this.#tick(node, process);
    if (this.plan.scrubBytes > 0) this.#scrub(process);
  }

  /** A link is cut; both ends may hear of it. */
  linkBroke(a: NodeId, b: NodeId): void {
    if (!this.plan.linksTell) return;
    for (const [at, other] of [[a, b], [b, a]] as const) {
      const member = this.nodeOf(other).member;
      this.later(this.plan.network.latencyMs, () => {
        const process = this.processOf(at);
        process?.run(() => process.group.unreachable(member));
      });
    }
  }

  /** Ends all faults and brings back all nodes, or a quorum of them. */
  heal(): void {
    this.healed = true;
    this.network.heal();
    const gone = this.plan.healQuorumOnly ? this.#chooseGone() : [];
    this.#gone = new Set(gone);
    for (const node of gone) node.crash(true);
    for (const client of this.clients) client.wrapUp();
    this.trace.add(this.now, "heal", ...gone.map((n) => n.member));
    for (const node of this.nodes) {
      node.pausedUntil = 0;
      node.downUntil = 0;
      node.disk.heal();
      if (isMember(this.oracle.config, node.member)) this.boot(node.nodeId);
    }
  }

  /** Gives up what processes hold. */
  close(): void {
    for (const node of this.nodes) node.process?.kill();
    this.dialect.close();
  }

  /** A member cut its log. */
  truncated(
    member: SimMember,
    after: LogIndex,
    dropped: readonly Entry[],
  ): void {
    if (dropped.length === 0) return;
    this.probes.hit("conflictTruncated");
    if (dropped.some((entry) => entry.kind === EntryKind.config)) {
      this.probes.hit("configTruncated");
    }
    this.trace.add(this.now, "truncate", member.member, after);
    this.oracle.logs.truncated(member.mirror, after, member.seen.commit);
  }

  /** A member became leader. */
  elected(member: SimMember): void {
    this.trace.add(this.now, "leads", member.member, member.core.term);
    this.watch.elected(member);
  }

  #form(): void {
    const { voters, learners } = this.plan;
    const ids = this.nodes.map((node) => node.member);
    const config: Configuration = {
      voters: ids.slice(0, voters).sort(),
      votersOutgoing: [],
      learners: ids.slice(voters, voters + learners).sort(),
      learnersNext: [],
    };
    this.oracle.form(config);
    for (const node of this.nodes.slice(0, voters + learners)) {
      node.found(config);
      this.later(
        this.draws.world.between(0, this.plan.tickMs * 10),
        () => this.boot(node.nodeId),
      );
    }
  }

  #tick(node: SimNode, process: SimMember): void {
    process.later(this.plan.tickMs * node.clockRate, () => {
      process.tick();
      this.locks?.ticked(process);
      this.#tick(node, process);
    });
  }

  #scrub(process: SimMember): void {
    const { tickMs, raft, scrubBytes } = this.plan;
    process.later(tickMs * raft.electionTicks, () => {
      process.scrub(scrubBytes);
      this.#scrub(process);
    });
  }

  #deliver(to: NodeId, message: GroupMessage): void {
    const process = this.processOf(to);
    if (process === null) return;
    const pause = this.nodeOf(to).pausedUntil - this.now;
    if (pause > 0) {
      // Sockets are read in any order: what clients asked meanwhile may come first.
      const { latencyMs } = this.plan.network;
      const late = this.draws.network.between(0, latencyMs);
      this.later(pause + late, () => this.#deliver(to, message));
      return;
    }
    this.trace.add(
      this.now,
      message.type,
      `${message.from} > ${message.to} term ${message.term}`,
      ...factsOf(message),
    );
    process.run(() => {
      this.watch.received(process, message);
      process.group.receive(message);
    });
  }

  #chooseGone(): SimNode[] {
    const gone: SimNode[] = [];
    for (const node of this.draws.world.shuffled(this.nodes)) {
      const tried = new Set([...gone, node].map((n) => n.member));
      if (!isVoter(this.oracle.config, node.member)) continue;
      if (this.operator.survivesWithout(tried)) gone.push(node);
    }
    return gone;
  }
}
