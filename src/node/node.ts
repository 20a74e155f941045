import type { NodeAddress } from "../config/types.ts";
import { HiqliteError } from "../errors.ts";
import type { PeerAddress, PeerIdentity } from "../network/port.ts";
import { isMember, isVoter } from "../raft/configuration.ts";
import type { MemberId, NodeId } from "../raft/types.ts";
import { nodeIdOf } from "../raft/types.ts";
import { StateDamagedError } from "../state/port.ts";
import type { QueryResult, SqlParameters } from "../state/types.ts";
import { latestConfiguration } from "./boot.ts";
import { CatchUp } from "./catch_up.ts";
import { Changes } from "./changes.ts";
import { Formation } from "./formation.ts";
import type { RaftGroup } from "./group.ts";
import { type Identity, memberIdOf } from "./identity.ts";
import { LoopLag } from "./loop_lag.ts";
import { Membership } from "./membership.ts";
import { renderMetrics } from "./metrics.ts";
import { describeOutage } from "./outage.ts";
import type { NodeNetwork, NodeParts, NodeVault } from "./parts.ts";
import { PeerRequests } from "./peer_requests.ts";
import type {
  ClusterStatus,
  HealthStatus,
  Member,
  MembershipRequest,
  QueryAnswer,
  QueryRequest,
  WriteAnswer,
  WriteRequest,
} from "./port.ts";
import { Reads } from "./reads.ts";
import { Scrubbing } from "./scrubbing.ts";
import { clusterStatus, healthStatus, readyStatus } from "./status.ts";
import { Traffic } from "./traffic.ts";
import { type Testimony, Witness } from "./witness.ts";
import { Writes } from "./writes.ts";

/** How long a stopping leader looks for a successor. */
const TRANSFER_MS = 1_500;
/** How long a stopping member waits for writes that were begun. */
const DRAIN_MS = 5_000;
/** Ticks made up for after a stall; more would start elections before waiting messages were read. */
const CATCH_UP_TICKS = 3;
const SLOW_TICKS = 5;
/** Between two attempts of a leader without room to find another one; a multiple of the above. */
const FULL_TICKS = 40;
/** Between two reports to the witnesses: about a second. */
const REPORT_ATTEMPTS = 4;
/** Between two complaints about a missing leader: about ten seconds. */
const OUTAGE_ATTEMPTS = 40;

/** One member at run time. */
export class HiqliteNode implements Member {
  readonly #parts: NodeParts;
  readonly #vault: NodeVault;
  readonly #network: NodeNetwork;
  readonly #requests: PeerRequests;
  readonly #formation: Formation;
  readonly #membership: Membership;
  readonly #witness: Witness;
  readonly #writes: Writes;
  readonly #reads: Reads;
  readonly #traffic: Traffic;
  readonly #lag: LoopLag;
  readonly #scrubbing: Scrubbing;
  readonly #startedMs: number;
  readonly #process = crypto.randomUUID();
  #greeting = false;
  #rebuilding = false;
  #group: RaftGroup | null = null;
  #timer: ReturnType<typeof setInterval> | null = null;
  #lastTickMs: number;
  #ticks = 0;
  #reports = 0;
  #leader: MemberId | null = null;
  #stopping: Promise<void> | null = null;
  #failed: Error | null = null;
  readonly #changes = new Changes();
  readonly #catchUp = new CatchUp();
  readonly #releaseHooks: (() => Promise<void>)[] = [];

  /** Starts nothing yet; see {@linkcode start}. */
  constructor(parts: NodeParts) {
    this.#parts = parts;
    this.#vault = parts.vault;
    this.#startedMs = parts.clock.monotonic();
    this.#lastTickMs = this.#startedMs;
    this.#lag = new LoopLag(parts.logger, parts.config.tickMs);
    this.#network = parts.createNetwork(this.#self(), this.#links(), {
      frame: (from, lane, bytes) => {
        if (!this.#failed && this.#timer !== null) {
          this.#traffic.onFrame(from, lane, bytes);
        }
      },
      linkUp: () => this.#onLinkUp(),
      linkDown: (node) => this.#onLinkDown(node),
    });
    this.#requests = new PeerRequests(this.#network);
    const group = (): RaftGroup | null => this.#group;
    this.#writes = new Writes({
      self: () => this.id,
      clock: parts.clock,
      random: parts.random,
      requests: this.#requests,
      group,
    });
    this.#reads = new Reads({
      clock: parts.clock,
      changes: this.#changes,
      group,
      machine: () => this.#vault.storage.machine,
      throwIfStopped: () => this.#throwIfStopped(),
    });
    this.#scrubbing = new Scrubbing({
      ...parts,
      storage: () => this.#group === null ? null : this.#vault.storage,
      failed: (error) => this.#fail(error),
    });
    this.#traffic = new Traffic({
      network: this.#network,
      requests: this.#requests,
      logger: parts.logger,
      identity: () => this.#vault.identity,
      receive: (message) => this.#group?.receive(message),
    });
    this.#formation = new Formation({
      config: parts.config,
      network: this.#network,
      requests: this.#requests,
      logger: parts.logger,
      identity: () => this.#vault.identity,
      adopt: (identity) => this.#adopt(identity),
      group,
      newClusterId: () => crypto.randomUUID(),
    });
    this.#membership = new Membership({
      network: this.#network,
      requests: this.#requests,
      clock: parts.clock,
      group,
      identity: () => this.#vault.identity,
      remember: (node) => this.#remember(node),
      status: () => this.cluster(),
    });
    this.#witness = new Witness({
      network: this.#network,
      requests: this.#requests,
      self: () => this.id,
      testimony: () => this.#testimony(),
    });
    this.#requests.serve({
      ...this.#witness.handlers(),
      ...this.#formation.handlers(),
      ...this.#membership.handlers(),
      ...this.#writes.handlers(),
    });
  }

  /** The member's own id. */
  get id(): MemberId {
    return memberIdOf(this.#vault.identity);
  }

  /** What stopped the member, if something did. */
  get failure(): Error | null {
    return this.#failed;
  }

  /** Answers a peer that opens a link: the WebSocket route of the Raft listener. */
  accept(request: Request): Response {
    return this.#network.accept(request);
  }

  /** Takes part from now on. */
  start(): void {
    const { clusterId, phase } = this.#vault.identity;
    if (clusterId !== "" && phase !== "member") this.#startGroup();
    this.#network.start();
    this.#lastTickMs = this.#parts.clock.monotonic();
    this.#timer = setInterval(() => this.#onTimer(), this.#parts.config.tickMs);
    this.#progress();
  }

  /** Resolves when the member is ready for traffic; rejects if it fails or `timeoutMs` is over. */
  async whenReady(timeoutMs: number): Promise<void> {
    const deadline = this.#parts.clock.monotonic() + timeoutMs;
    for (;;) {
      if (this.#failed) throw this.#failed;
      const { ok, detail } = this.ready();
      if (ok) return;
      const left = deadline - this.#parts.clock.monotonic();
      if (left <= 0) {
        throw new HiqliteError(
          "timeout",
          `The member is not ready after ${timeoutMs} ms: ${detail}`,
        );
      }
      await this.#changes.next(Math.min(left, this.#parts.config.tickMs));
    }
  }

  async write(request: WriteRequest): Promise<WriteAnswer> {
    this.#throwIfStopped();
    const answer = await this.#writes.write(request);
    const group = this.#group!;
    if (group.machine.applied.index < answer.index) {
      await new Promise<boolean>((resolve) =>
        group.whenApplied(answer.index, resolve)
      );
    }
    return answer;
  }

  async query(request: QueryRequest): Promise<QueryAnswer> {
    this.#throwIfStopped();
    try {
      return await this.#reads.query(request);
    } catch (error) {
      throw this.#scrubbing.explain(error);
    }
  }

  querySync(sql: string, params?: SqlParameters): QueryResult {
    this.#throwIfStopped();
    try {
      return this.#vault.storage.machine.querySync(sql, params);
    } catch (error) {
      throw this.#scrubbing.explain(error);
    }
  }

  cluster(): ClusterStatus {
    return clusterStatus({
      identity: this.#vault.identity,
      group: this.#group,
      network: this.#network,
      self: this.#self(),
      peers: this.#peers(),
    });
  }

  health(): HealthStatus {
    if (this.#failed) return { ok: false, detail: this.#failed.message };
    const { clock, config } = this.#parts;
    const ageMs = clock.monotonic() - this.#startedMs;
    return healthStatus(
      this.#group,
      ageMs < config.healthCheckDelaySecs * 1000,
    );
  }

  ready(): HealthStatus {
    if (this.#failed) return { ok: false, detail: this.#failed.message };
    if (this.#stopping) return { ok: false, detail: "stopping" };
    const status = readyStatus(this.#group, this.#parts.config.learnerOnly);
    return status.ok && !this.#catchUp.done
      ? { ok: false, detail: "catching up with the leader" }
      : status;
  }

  metrics(): string {
    return renderMetrics({
      cluster: this.cluster(),
      group: this.#group,
      ready: this.ready().ok,
      outstandingWrites: this.#writes.outstanding,
      loopLagMs: this.#lag.worstMs,
    });
  }

  changeMembership(request: MembershipRequest): Promise<ClusterStatus> {
    this.#throwIfStopped();
    return this.#membership.change(request);
  }

  transferLeadership(target?: NodeId): Promise<ClusterStatus> {
    this.#throwIfStopped();
    return this.#membership.transfer(target);
  }

  /** Runs `hook` in {@linkcode shutdown} when nothing new is accepted and what was begun is answered, before files and links are closed. */
  beforeRelease(hook: () => Promise<void>): void {
    this.#releaseHooks.push(hook);
  }

  shutdown(): Promise<void> {
    this.#stopping ??= this.#shutdown();
    return this.#stopping;
  }

  async #shutdown(): Promise<void> {
    const { logger } = this.#parts;
    logger.info("stopping");
    await this.#handOver();
    await this.#drain();
    await this.#release();
    logger.info("stopped");
  }

  /** Lets writes that were begun here find their fate, with the next leader if leadership has moved. */
  async #drain(): Promise<void> {
    const end = this.#parts.clock.monotonic() + DRAIN_MS;
    while (
      (this.#group?.pendingProposals ?? 0) + this.#writes.outstanding > 0 &&
      this.#parts.clock.monotonic() < end
    ) await this.#changes.next(10);
  }

  async #release(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#writes.close();
    for (const hook of this.#releaseHooks) await hook();
    this.#requests.close();
    this.#group?.stop();
    this.#changes.announce();
    await this.#network.close();
    await this.#vault.close();
  }

  /** A leader with company moves its leadership before it goes. */
  async #handOver(): Promise<void> {
    const group = this.#group;
    if (group?.core.role !== "leader") return;
    if (group.core.config.voters.length < 2) return;
    const outcome = group.transferLeadership(null);
    const end = this.#parts.clock.monotonic() + TRANSFER_MS;
    while (
      outcome.kind === "done" && group.core.role === "leader" &&
      this.#parts.clock.monotonic() < end
    ) await this.#changes.next(10);
  }

  #throwIfStopped(): void {
    if (this.#failed) {
      throw new HiqliteError("storage", this.#failed.message, {
        cause: this.#failed,
      });
    }
    if (this.#stopping) {
      throw new HiqliteError("shutting_down", "This member is stopping");
    }
    if (this.#rebuilding) {
      throw new HiqliteError(
        "no_leader",
        "This member is being rebuilt from the others: ask another one",
      );
    }
  }

  #onTimer(): void {
    const now = this.#parts.clock.monotonic();
    const { tickMs } = this.#parts.config;
    const elapsed = Math.floor((now - this.#lastTickMs) / tickMs);
    if (elapsed < 1) return;
    this.#lag.observe(now - this.#lastTickMs - tickMs);
    this.#lastTickMs = elapsed > CATCH_UP_TICKS
      ? now
      : this.#lastTickMs + elapsed * tickMs;
    for (let i = 0; i < Math.min(elapsed, CATCH_UP_TICKS); i++) {
      this.#group?.tick();
    }
    if (++this.#ticks % SLOW_TICKS !== 0) return;
    this.#writes.tick();
    this.#progress();
    this.#membership.tick();
    this.#scrubbing.tick();
    if (this.#group?.core.role === "leader") this.#mayHandOver(this.#group);
  }

  #mayHandOver(group: RaftGroup): void {
    const { logger } = this.#parts;
    if (this.#lag.overloaded) {
      logger.warn(
        "event loop is blocked again and again: handing leadership over",
      );
      this.#lag.reset();
      group.transferLeadership(null);
    } else if (group.diskFull && this.#ticks % FULL_TICKS === 0) {
      if (group.core.config.voters.length < 2) return;
      logger.warn("the disk is full: handing leadership over");
      group.transferLeadership(null);
    }
  }

  #progress(): void {
    if (this.#vault.identity.phase === "member") void this.#greet();
    void this.#formation.attempt();
    this.#catchUp.attempt(this.#group);
    this.#reports++;
    if (this.#reports % REPORT_ATTEMPTS === 0 && this.#group !== null) {
      void this.#report();
    }
    if (this.#reports % OUTAGE_ATTEMPTS === 0) this.#reportOutage();
  }

  /** A cluster without a leader says what is missing, about every ten seconds. */
  #reportOutage(): void {
    if (this.#group?.core.leader || this.#vault.identity.phase === "new") {
      return;
    }
    this.#parts.logger.warn(this.#outage());
  }

  #outage(): string {
    const config = this.#group?.core.config ??
      latestConfiguration(this.#vault.storage);
    return describeOutage(config, this.id, this.#network);
  }

  #self(): PeerIdentity {
    const { nodeId, clusterId } = this.#vault.identity;
    const own = this.#parts.config.nodes.find(({ id }) => id === nodeId)!;
    return {
      id: memberIdOf(this.#vault.identity),
      clusterId,
      raftAddress: own.raft,
      apiAddress: own.api,
    };
  }

  #peers(): NodeAddress[] {
    const { nodeId, addresses } = this.#vault.identity;
    const all = new Map<NodeId, NodeAddress>();
    for (const [id, { raft, api }] of Object.entries(addresses)) {
      all.set(Number(id), { id: Number(id), raft, api });
    }
    for (const node of this.#parts.config.nodes) all.set(node.id, node);
    all.delete(nodeId);
    return [...all.values()];
  }

  #testimony(): Testimony {
    const { log, logRecovery } = this.#vault.storage;
    const { term } = logRecovery.hardState;
    const index = this.#group?.durableIndex ?? log.last.index;
    const last = { term: log.termAt(index) ?? log.base.term, index };
    const { boot } = this.#vault.identity;
    return {
      boot,
      process: this.#process,
      term: Math.max(term, last.term),
      last,
      hashes: this.#vault.storage.machine.stateHashes(),
    };
  }

  #links(): PeerAddress[] {
    return this.#peers().map(({ id, raft }) => ({ id, address: raft }));
  }

  #remember({ id, raft, api }: NodeAddress): void {
    const { identity } = this.#vault;
    const addresses = { ...identity.addresses, [id]: { raft, api } };
    this.#vault.save({ ...identity, addresses });
    this.#network.setPeers(this.#links());
  }

  #adopt(identity: Identity): void {
    const entered = identity.clusterId !== this.#vault.identity.clusterId;
    this.#vault.save(identity);
    if (entered) {
      this.#network.setIdentity(this.#self());
      this.#startGroup();
    }
  }

  /** A member with memories takes part only when the others do not contradict them. */
  async #greet(): Promise<void> {
    if (this.#group !== null || this.#greeting || this.#stopping) return;
    this.#greeting = true;
    try {
      const { voters } = latestConfiguration(this.#vault.storage);
      const verdict = await this.#witness.ask(voters);
      if (this.#stopping) return;
      if (verdict.kind === "confirmed") this.#startGroup();
      if (verdict.kind === "rolledBack") await this.#rebuild(verdict.detail);
    } finally {
      this.#greeting = false;
    }
  }

  /** Tells the others what this member has, and hears whether its state is theirs. */
  async #report(): Promise<void> {
    const group = this.#group;
    if (group === null || this.#greeting || this.#stopping) return;
    this.#greeting = true;
    try {
      const { voters } = group.core.config;
      // Who knows better may not have been there when this member started.
      const verdict = await this.#witness.ask(voters);
      const problem = verdict.kind === "rolledBack"
        ? verdict.detail
        : this.#witness.divergence(voters);
      if (problem !== null && this.#group === group && !this.#stopping) {
        await this.#rebuild(problem);
      }
    } finally {
      this.#greeting = false;
    }
  }

  /** Gives up log and state, and comes back as a new incarnation. */
  async #rebuild(reason: string): Promise<void> {
    this.#rebuilding = true;
    this.#group?.stop();
    this.#group = null;
    await this.#vault.startOver(reason);
    this.#network.setIdentity(this.#self());
    this.#startGroup();
    this.#rebuilding = false;
  }

  #startGroup(): void {
    this.#group = this.#parts.createGroup({
      send: (message) => this.#traffic.send(message),
      changed: () => this.#onChanged(),
      fatal: (error) => this.#fail(error),
    });
    // A member alone has nobody to wait for.
    const { voters } = this.#group.core.config;
    if (voters.length === 1 && voters[0] === this.id) this.#group.campaign();
    if (this.#vault.identity.phase !== "forming") return;
    // Only once the log holds the first entry may its absence mean that it was lost.
    this.#group.log.sync((error) => {
      if (error !== null) this.#fail(error);
      else this.#adopt({ ...this.#vault.identity, phase: "member" });
    });
  }

  #onLinkUp(): void {
    this.#changes.announce();
    this.#writes.changed();
    this.#progress();
  }

  #onLinkDown(node: NodeId): void {
    this.#requests.linkDown(node);
    const group = this.#group;
    if (group === null) return;
    const { config } = group.core;
    for (const member of [...config.voters, ...config.learners]) {
      if (nodeIdOf(member) === node) group.unreachable(member);
    }
  }

  #onChanged(): void {
    const core = this.#group?.core;
    if (core === undefined) return;
    if (
      this.#vault.identity.phase === "joining" && isMember(core.config, this.id)
    ) {
      const { learnerOnly } = this.#parts.config;
      if (learnerOnly || isVoter(core.config, this.id)) {
        this.#parts.logger.info("this member is part of the cluster now");
        this.#adopt({ ...this.#vault.identity, phase: "member" });
      }
    }
    if (core.leader === this.#leader) return;
    this.#leader = core.leader;
    this.#parts.logger.info(
      core.leader === null
        ? "no leader is known"
        : `leader is ${core.leader} in term ${core.term}`,
    );
    this.#catchUp.attempt(this.#group);
    this.#writes.changed();
    this.#changes.announce();
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = error;
    this.#parts.logger.error(`the member cannot go on: ${error.message}`);
    this.#group?.stop();
    if (error instanceof StateDamagedError) this.#noteDamage(error);
    this.#parts.fatal(error);
  }

  /** The next start looks into it: opening a database does not show all damage. */
  #noteDamage({ message }: StateDamagedError): void {
    try {
      this.#vault.save({ ...this.#vault.identity, damaged: message });
    } catch (error) {
      this.#parts.logger.error(
        `the damage could not be noted: ${(error as Error).message}`,
      );
    }
  }
}
