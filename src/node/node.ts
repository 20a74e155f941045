import { HiqliteError } from "../errors.ts";
import type { RaftGroup } from "../group/group.ts";
import type { GroupId } from "../group/messages.ts";
import type { MemberId, NodeId } from "../raft/types.ts";
import { StateDamagedError } from "../state/port.ts";
import type { QueryResult, SqlParameters } from "../state/sql/types.ts";
import { peersOf, selfOf } from "./cluster/addresses.ts";
import type { HostedGroup } from "./groups/hosted_group.ts";
import type { LinkAcceptor, PeerIdentity } from "../network/port.ts";
import type { MemberAudit } from "./audit_port.ts";
import type { MemberBackups } from "./backup_port.ts";
import type { MemberLocks } from "./lock_port.ts";
import type { MemberTokens } from "./token_port.ts";
import type { MemberTelemetry } from "./telemetry_port.ts";
import type { NodeParts } from "./parts.ts";
import type {
  ClusterStatus,
  HealthStatus,
  Member,
  MemberCaches,
  MemberLive,
  MembershipRequest,
  MemberTopics,
  QueryAnswer,
  QueryRequest,
  RowStream,
  WriteAnswer,
  WriteRequest,
} from "./port.ts";
import { memberMetrics } from "./member_metrics.ts";
import { clusterStatus, healthStatus, readyStatus } from "./report/status.ts";
import { buildRooms, type Rooms } from "./rooms.ts";
import { untilReady } from "./readiness.ts";
import { whyRefusing } from "./refusing.ts";
import { whyNobodyLeads } from "./leaderless.ts";
import { depart } from "./upkeep/departure.ts";
import { latestConfiguration } from "./volume/boot.ts";

/** Between two reports to the witnesses, about a second; between two complaints about a missing leader, about ten. */
const REPORT_ATTEMPTS = 4;
const OUTAGE_ATTEMPTS = 40;

/** One member at run time: its beginning, its end, and what it offers in between. */
export class HiqliteNode implements Member {
  readonly #parts: NodeParts;
  readonly #rooms: Rooms;
  readonly #startedMs: number;
  #slowTicks = 0;
  #stopping: Promise<void> | null = null;
  #failed: Error | null = null;
  readonly #releaseHooks: (() => Promise<void>)[] = [];

  /** Starts nothing yet; see {@linkcode start}. */
  constructor(parts: NodeParts) {
    this.#parts = parts;
    this.#startedMs = parts.clock.monotonic();
    this.#rooms = buildRooms(parts, {
      network: {
        frame: (from, lane, bytes) => {
          if (this.#failed || !this.#rooms.pulse.beating) return;
          this.#touch();
          this.#rooms.telemetry.contacts.heard(from);
          this.#rooms.router.onFrame(from, lane, bytes);
        },
        linkUp: (peer) => this.#onLinkUp(peer),
        linkDown: (node) => this.#onLinkDown(node),
      },
      stepped: () => this.#rooms.participation.settle(),
      leaderChanged: () => {
        this.#rooms.telemetry.look();
        this.#rooms.changes.announce();
      },
      // Shown by `ready` and the metrics.
      diverged: () => this.#rooms.changes.announce(),
      failed: (error) => this.#fail(error),
      slowTick: () => this.#onSlowTick(),
      stopping: () => this.#stopping !== null,
      throwIfStopped: () => this.#throwIfStopped(),
      status: () => this.cluster(),
      ready: () => this.ready(),
    });
  }

  /** The member's own id. */
  get id(): MemberId {
    return this.#rooms.durable.self;
  }

  /** What stopped the member, if something did. */
  get failure(): Error | null {
    return this.#failed;
  }

  /** A group that this member hosts, for the service built on it. */
  hosted(id: GroupId): HostedGroup | undefined {
    return this.#rooms.groups.get(id);
  }

  /** Takes the connections that come to the Raft listener. */
  get links(): LinkAcceptor {
    return this.#rooms.network;
  }

  /** Takes part from now on. */
  start(): void {
    const { network, participation, pulse } = this.#rooms;
    const { phase } = this.#parts.vault.identity;
    if (phase === "forming" || phase === "joining" && !this.#remembers()) {
      participation.start();
    }
    network.start();
    pulse.start();
    this.#progress();
  }

  /** Resolves when the member is ready for traffic; rejects if it fails or `timeoutMs` is over. */
  async whenReady(timeoutMs: number): Promise<void> {
    await untilReady(() => this.#failed ?? this.ready(), timeoutMs, {
      ...this.#parts,
      changes: this.#rooms.changes,
    });
  }

  write(request: WriteRequest): Promise<WriteAnswer> {
    const stopped = this.#whyStopped();
    if (stopped !== null) return Promise.reject(stopped);
    return this.#rooms.database.write(request);
  }

  async query(request: QueryRequest): Promise<QueryAnswer> {
    return await this.#served.database.query(request);
  }

  async rows(request: QueryRequest): Promise<RowStream> {
    this.#throwIfStopped();
    return await this.#rooms.database.rows(request);
  }

  querySync(sql: string, params?: SqlParameters): QueryResult {
    return this.#served.database.querySync(sql, params);
  }

  get live(): MemberLive {
    return this.#served.database.live;
  }

  get caches(): MemberCaches {
    const { caches } = this.#served;
    if (caches !== null) return caches.service;
    throw new HiqliteError(
      "conflict",
      "The caches are turned off on this member (HQL_CACHE=false)",
    );
  }

  get topics(): MemberTopics {
    return this.#served.topics;
  }

  get backups(): MemberBackups {
    return this.#served.backups;
  }

  get locks(): MemberLocks {
    return this.#served.locks.service;
  }

  get tokens(): MemberTokens {
    return this.#served.tokens;
  }

  get telemetry(): MemberTelemetry {
    return this.#rooms.telemetry;
  }

  get audit(): MemberAudit {
    return this.#served.audit;
  }

  cluster(): ClusterStatus {
    const { identity } = this.#parts.vault;
    return clusterStatus({
      ...this.#rooms,
      clusterId: identity.clusterId,
      self: selfOf(identity, this.#parts),
      peers: peersOf(identity, this.#parts.config),
    });
  }

  health(): HealthStatus {
    if (this.#failed) return { ok: false, detail: this.#failed.message };
    const { clock, config } = this.#parts;
    const ageMs = clock.monotonic() - this.#startedMs;
    return healthStatus(
      this.#rooms.durable,
      ageMs < config.healthCheckDelaySecs * 1000,
      () => this.#outage(this.#rooms.durable),
    );
  }

  ready(): HealthStatus {
    if (this.#failed) return { ok: false, detail: this.#failed.message };
    if (this.#stopping) return { ok: false, detail: "stopping" };
    for (const hosted of this.#rooms.groups) {
      const { ok, detail } = readyStatus(
        hosted,
        this.#parts.config.learnerOnly,
        () => this.#outage(hosted),
      );
      if (ok) continue;
      const alone = hosted === this.#rooms.durable;
      return { ok, detail: alone ? detail : `group ${hosted.name}: ${detail}` };
    }
    const differs = this.#rooms.greeting.disagreements.detail;
    return { ok: true, detail: differs === null ? "ok" : `ok, but ${differs}` };
  }

  metrics(): string {
    const cluster = this.cluster();
    const ready = this.ready().ok;
    return memberMetrics(this.#rooms, this.#parts, { cluster, ready });
  }

  changeMembership(request: MembershipRequest): Promise<ClusterStatus> {
    return this.#served.membership.change(request);
  }

  transferLeadership(target?: NodeId): Promise<ClusterStatus> {
    const { membership, telemetry } = this.#served;
    const text = `leadership shall go to ${target ?? "the best voter"}`;
    telemetry.note({ kind: "transfer", text, group: "db" });
    return membership.transfer(target);
  }

  /** Runs `hook` in {@linkcode shutdown} when nothing new is accepted and what was begun is answered, before files and links are closed. */
  beforeRelease(hook: () => Promise<void>): void {
    this.#releaseHooks.push(hook);
  }

  shutdown(): Promise<void> {
    this.#stopping ??= this.#shutdown();
    return this.#stopping;
  }

  /** For who asks something of it. @throws {HiqliteError} what stopped the member. */
  get #served(): Rooms {
    this.#throwIfStopped();
    return this.#rooms;
  }

  async #shutdown(): Promise<void> {
    const { logger } = this.#parts;
    logger.info("stopping");
    this.#rooms.telemetry.note({ kind: "stopping", text: "stopping" });
    await this.#rooms.locks.service.close();
    await this.#rooms.backups.close();
    await depart({
      clock: this.#parts.clock,
      changes: this.#rooms.changes,
      running: () => this.#rooms.groups.running(),
      leave: () =>
        this.#rooms.following.map((group) => group.leave()).every(Boolean),
      outstanding: () =>
        this.#rooms.groups.outstanding +
        (this.#rooms.caches?.service.outstanding ?? 0),
    });
    await this.#release();
    logger.info("stopped");
  }

  async #release(): Promise<void> {
    const { pulse, requests, groups, following, caches, changes } = this.#rooms;
    const { database, network, topics } = this.#rooms;
    topics.close();
    pulse.stop();
    this.#rooms.locks.dueClock.stop();
    groups.close();
    database.live.close();
    caches?.dueClock.stop();
    caches?.service.close();
    for (const hook of this.#releaseHooks) await hook();
    requests.close();
    groups.stop();
    for (const group of following) await group.close();
    changes.announce();
    await network.close();
    await this.#parts.vault.close();
  }

  get #group(): RaftGroup | null {
    return this.#rooms.durable.group;
  }

  #throwIfStopped(): void {
    const stopped = this.#whyStopped();
    if (stopped !== null) throw stopped;
  }

  #whyStopped(): HiqliteError | null {
    return whyRefusing({
      failed: this.#failed,
      stopping: this.#stopping !== null,
      rebuilding: this.#rooms.participation.rebuilding,
    });
  }

  /** After a pause a lease must not be taken to run still. */
  #touch(): void {
    const { pulse } = this.#rooms;
    if (this.#parts.config.leaseReads && pulse.beating) pulse.touch();
  }

  #onSlowTick(): void {
    this.#rooms.database.tick();
    this.#rooms.topics.tick();
    this.#rooms.locks.service.tick();
    this.#rooms.locks.dueClock.tick();
    this.#rooms.caches?.service.tick();
    this.#rooms.caches?.dueClock.tick();
    this.#progress();
    this.#rooms.membership.tick();
    this.#rooms.scrubbing.tick();
    this.#rooms.idleWalk.tick();
    this.#rooms.backups.tick();
    this.#rooms.telemetry.tick();
  }

  #progress(): void {
    const { greeting, participation, formation } = this.#rooms;
    const { phase } = this.#parts.vault.identity;
    if (phase === "member" || phase === "joining") {
      this.#endIfRejected(greeting.greet());
    }
    participation.settle();
    this.#endIfRejected(formation.attempt());
    this.#slowTicks++;
    if (this.#slowTicks % REPORT_ATTEMPTS === 0) {
      this.#endIfRejected(greeting.report());
    }
    if (this.#slowTicks % OUTAGE_ATTEMPTS === 0) this.#reportOutage();
  }

  /** Whether a cluster stands in the log: even one that was still joining may have been a voter since. */
  #remembers(): boolean {
    return latestConfiguration(this.#parts.vault.storage).voters.length > 0;
  }

  /** What it does rejects only when the data directory cannot be written. */
  #endIfRejected(done: Promise<void>): void {
    done.catch((error) => {
      if (this.#stopping === null) this.#fail(error);
    });
  }

  /** A group without a leader says what is missing, about every ten seconds. */
  #reportOutage(): void {
    if (this.#parts.vault.identity.phase === "new") return;
    for (const hosted of this.#rooms.groups) {
      if (hosted.group?.core.leader) continue;
      this.#parts.logger.warn(this.#outage(hosted), { group: hosted.name });
    }
  }

  #outage(hosted: HostedGroup): string {
    return whyNobodyLeads(hosted, this.#rooms, this.#parts.vault);
  }

  #onLinkUp(peer: PeerIdentity): void {
    this.#touch();
    this.#rooms.engines.linkUp(peer);
    const { clusterId } = this.#parts.vault.identity;
    this.#rooms.telemetry.links.up(peer, clusterId);
    this.#rooms.changes.announce();
    this.#progress();
  }

  #onLinkDown(node: NodeId): void {
    this.#rooms.engines.linkDown(node);
    this.#rooms.telemetry.links.down(node);
    this.#rooms.requests.linkDown(node);
    this.#rooms.groups.unreachable(node);
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = error;
    this.#parts.logger.error(`the member cannot go on: ${error.message}`);
    this.#rooms.groups.stop();
    if (error instanceof StateDamagedError) {
      this.#rooms.participation.noteDamage(error);
    }
    this.#parts.fatal(error);
  }
}
