import type { NodeAddress } from "../config/types.ts";
import { HiqliteError } from "../errors.ts";
import type { PeerIdentity } from "../network/port.ts";
import type { MemberId, NodeId } from "../raft/types.ts";
import { nodeIdOf } from "../raft/types.ts";
import { StateDamagedError } from "../state/port.ts";
import type { QueryResult, SqlParameters } from "../state/sql/types.ts";
import { linksOf, peersOf, selfOf } from "./cluster/addresses.ts";
import { latestConfiguration } from "./volume/boot.ts";
import { CatchUp } from "../group/catch_up.ts";
import { Changes } from "./changes.ts";
import { depart } from "./upkeep/departure.ts";
import { Formation } from "./cluster/founding.ts";
import { Greeting } from "./cluster/identity_check.ts";
import type { RaftGroup } from "../group/group.ts";
import { memberIdOf } from "./volume/identity.ts";
import { Membership } from "./cluster/membership.ts";
import { renderMetrics } from "./report/metrics.ts";
import { describeOutage } from "./cluster/outage.ts";
import { Participation } from "./cluster/participation.ts";
import type { NodeNetwork, NodeParts, NodeVault } from "./parts.ts";
import { PeerRequests } from "../network/requests.ts";
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
import { Pulse } from "./upkeep/pulse.ts";
import { Database } from "./services/database.ts";
import { Scrubbing } from "./upkeep/scrubbing.ts";
import { clusterStatus, healthStatus, readyStatus } from "./report/status.ts";
import { Traffic } from "../network/group_router.ts";
import { PROPOSE, proposeHandler } from "./groups/forwarding.ts";
import { DATABASE_GROUP, type GroupId } from "./groups/group_ids.ts";
import { Proposer } from "./groups/proposer.ts";

/** How long a start waits for witnesses beyond a majority, ticks: about as long as a silent link counts as alive. */
const WITNESS_TICKS = 60;
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
  readonly #participation: Participation;
  readonly #formation: Formation;
  readonly #membership: Membership;
  readonly #greeting: Greeting;
  readonly #proposer: Proposer;
  readonly #database: Database;
  readonly #traffic: Traffic;
  readonly #pulse: Pulse;
  readonly #scrubbing: Scrubbing;
  readonly #startedMs: number;
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
    this.#network = parts.createNetwork(
      this.#self(),
      linksOf(parts.vault.identity, parts.config),
      {
        frame: (from, lane, bytes) => {
          if (!this.#failed && this.#pulse.beating) {
            this.#touch();
            this.#traffic.onFrame(from, lane, bytes);
          }
        },
        linkUp: () => this.#onLinkUp(),
        linkDown: (node) => this.#onLinkDown(node),
      },
    );
    this.#requests = new PeerRequests(this.#network, parts.logger);
    this.#participation = new Participation({
      parts,
      network: this.#network,
      send: (message) => this.#traffic.send(message),
      stopping: () => this.#stopping !== null,
      changed: () => this.#onChanged(),
      failed: (error) => this.#fail(error),
    });
    const group = (): RaftGroup | null => this.#group;
    const shared = { clock: parts.clock, changes: this.#changes, group };
    this.#proposer = new Proposer(DATABASE_GROUP, {
      ...shared,
      self: () => this.id,
      requests: this.#requests,
    });
    this.#database = new Database({
      ...shared,
      proposer: this.#proposer,
      touch: () => this.#touch(),
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
      adopt: (identity) => this.#participation.adopt(identity),
      renew: () => this.#participation.renew(),
      remembers: (member) => this.#greeting.remembers(member),
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
    this.#greeting = new Greeting({
      network: this.#network,
      requests: this.#requests,
      vault: this.#vault,
      clock: parts.clock,
      logger: parts.logger,
      patienceMs: WITNESS_TICKS * parts.config.tickMs,
      promises: parts.config.logSync.mode === "immediate",
      nodes: () =>
        peersOf(this.#vault.identity, parts.config).map(({ id }) => id),
      group,
      stopping: () => this.#stopping !== null,
      takePart: () => this.#participation.start(),
      rebuild: (reason) => this.#participation.rebuild(reason),
    });
    this.#pulse = new Pulse({
      clock: parts.clock,
      logger: parts.logger,
      tickMs: parts.config.tickMs,
      group,
      slowTick: () => this.#onSlowTick(),
    });
    this.#requests.serve({
      ...this.#greeting.handlers(),
      ...this.#formation.handlers(),
      ...this.#membership.handlers(),
      [PROPOSE]: proposeHandler((id) => this.#hosted(id)),
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
    const { phase } = this.#vault.identity;
    if (phase === "forming" || phase === "joining" && !this.#remembers()) {
      this.#participation.start();
    }
    this.#network.start();
    this.#pulse.start();
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
    return await this.#database.write(request);
  }

  async query(request: QueryRequest): Promise<QueryAnswer> {
    this.#throwIfStopped();
    try {
      return await this.#database.query(request);
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
      peers: peersOf(this.#vault.identity, this.#parts.config),
    });
  }

  health(): HealthStatus {
    if (this.#failed) return { ok: false, detail: this.#failed.message };
    const { clock, config } = this.#parts;
    const ageMs = clock.monotonic() - this.#startedMs;
    return healthStatus(
      this.#group,
      ageMs < config.healthCheckDelaySecs * 1000,
      () => this.#outage(),
    );
  }

  ready(): HealthStatus {
    if (this.#failed) return { ok: false, detail: this.#failed.message };
    if (this.#stopping) return { ok: false, detail: "stopping" };
    const status = readyStatus(
      this.#group,
      this.#parts.config.learnerOnly,
      () => this.#outage(),
    );
    return status.ok && !this.#catchUp.done
      ? { ok: false, detail: "catching up with the leader" }
      : status;
  }

  metrics(): string {
    return renderMetrics({
      cluster: this.cluster(),
      group: this.#group,
      ready: this.ready().ok,
      outstandingWrites: this.#proposer.outstanding,
      loopLagMs: this.#pulse.worstLagMs,
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
    await depart({
      clock: this.#parts.clock,
      changes: this.#changes,
      group: () => this.#group,
      outstanding: () => this.#proposer.outstanding,
    });
    await this.#release();
    logger.info("stopped");
  }

  async #release(): Promise<void> {
    this.#pulse.stop();
    this.#proposer.close();
    for (const hook of this.#releaseHooks) await hook();
    this.#requests.close();
    this.#group?.stop();
    this.#changes.announce();
    await this.#network.close();
    await this.#vault.close();
  }

  #hosted(id: GroupId): RaftGroup | null | undefined {
    return id === DATABASE_GROUP ? this.#group : undefined;
  }

  get #group(): RaftGroup | null {
    return this.#participation.group;
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
    if (this.#participation.rebuilding) {
      throw new HiqliteError(
        "no_leader",
        "This member is being rebuilt from the others: ask another one",
      );
    }
  }

  /** After a pause a lease must not be taken to run still. */
  #touch(): void {
    const { leaseReads } = this.#parts.config;
    if (leaseReads && this.#pulse.beating) this.#pulse.touch();
  }

  #onSlowTick(): void {
    this.#proposer.tick();
    this.#database.tick();
    this.#progress();
    this.#membership.tick();
    this.#scrubbing.tick();
  }

  #progress(): void {
    const { phase } = this.#vault.identity;
    if (phase === "member" || phase === "joining") {
      this.#endIfRejected(this.#greeting.greet());
    }
    this.#participation.settle();
    this.#endIfRejected(this.#formation.attempt());
    this.#catchUp.attempt(this.#group);
    this.#reports++;
    if (this.#reports % REPORT_ATTEMPTS === 0) {
      this.#endIfRejected(this.#greeting.report());
    }
    if (this.#reports % OUTAGE_ATTEMPTS === 0) this.#reportOutage();
  }

  /** Whether a cluster stands in the log: even one that was still joining may have been a voter since. */
  #remembers(): boolean {
    return latestConfiguration(this.#vault.storage).voters.length > 0;
  }

  /** What it does rejects only when the data directory cannot be written. */
  #endIfRejected(done: Promise<void>): void {
    done.catch((error) => {
      if (this.#stopping === null) this.#fail(error);
    });
  }

  /** A cluster without a leader says what is missing, about every ten seconds. */
  #reportOutage(): void {
    if (this.#group?.core.leader || this.#vault.identity.phase === "new") {
      return;
    }
    this.#parts.logger.warn(this.#outage());
  }

  /** Why nobody leads, as far as this member knows. */
  #outage(): string {
    if (this.#participation.rebuilding) {
      return "this member is being rebuilt from the others";
    }
    if (this.#vault.identity.phase === "new") return this.#formation.obstacle;
    const config = this.#group?.core.config ??
      latestConfiguration(this.#vault.storage);
    return describeOutage(config, this.id, this.#network);
  }

  #self(): PeerIdentity {
    return selfOf(this.#vault.identity, this.#parts.config);
  }

  #remember({ id, raft, api }: NodeAddress): void {
    const { identity } = this.#vault;
    const addresses = { ...identity.addresses, [id]: { raft, api } };
    this.#vault.save({ ...identity, addresses });
    this.#network.setPeers(linksOf(this.#vault.identity, this.#parts.config));
  }

  #onLinkUp(): void {
    this.#touch();
    this.#changes.announce();
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
    this.#participation.settle();
    if (core.leader === this.#leader) return;
    this.#leader = core.leader;
    this.#parts.logger.info(
      core.leader === null
        ? "no leader is known"
        : `leader is ${core.leader} in term ${core.term}`,
    );
    this.#catchUp.attempt(this.#group);
    this.#changes.announce();
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = error;
    this.#parts.logger.error(`the member cannot go on: ${error.message}`);
    this.#group?.stop();
    if (error instanceof StateDamagedError) {
      this.#participation.noteDamage(error);
    }
    this.#parts.fatal(error);
  }
}
