import { HiqliteError } from "../errors.ts";
import type { RaftGroup } from "../group/group.ts";
import type { GroupId } from "../group/messages.ts";
import type { MemberId, NodeId } from "../raft/types.ts";
import { StateDamagedError } from "../state/port.ts";
import type { QueryResult, SqlParameters } from "../state/sql/types.ts";
import { peersOf, selfOf } from "./cluster/addresses.ts";
import { REMOVED } from "./cluster/identity_check.ts";
import { describeOutage } from "./cluster/outage.ts";
import type { HostedGroup } from "./groups/hosted_group.ts";
import type { PeerIdentity } from "../network/port.ts";
import type { NodeParts } from "./parts.ts";
import type {
  ClusterStatus,
  HealthStatus,
  Member,
  MemberCaches,
  MembershipRequest,
  QueryAnswer,
  QueryRequest,
  WriteAnswer,
  WriteRequest,
} from "./port.ts";
import { renderMetrics } from "./report/metrics.ts";
import { clusterStatus, healthStatus, readyStatus } from "./report/status.ts";
import { buildRooms, type Rooms } from "./rooms.ts";
import { depart } from "./upkeep/departure.ts";
import { latestConfiguration } from "./volume/boot.ts";

/** Between two reports to the witnesses: about a second. */
const REPORT_ATTEMPTS = 4;
/** Between two complaints about a missing leader: about ten seconds. */
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
          this.#rooms.router.onFrame(from, lane, bytes);
        },
        linkUp: (peer) => this.#onLinkUp(peer),
        linkDown: (node) => this.#onLinkDown(node),
      },
      stepped: () => this.#rooms.participation.settle(),
      leaderChanged: () => this.#onLeaderChanged(),
      // Shown by `ready` and the metrics.
      diverged: () => this.#rooms.changes.announce(),
      failed: (error) => this.#fail(error),
      slowTick: () => this.#onSlowTick(),
      stopping: () => this.#stopping !== null,
      throwIfStopped: () => this.#throwIfStopped(),
      status: () => this.cluster(),
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

  /** Answers a peer that opens a link: the WebSocket route of the Raft listener. */
  accept(request: Request): Response {
    return this.#rooms.network.accept(request);
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
      await this.#rooms.changes.next(Math.min(left, this.#parts.config.tickMs));
    }
  }

  async write(request: WriteRequest): Promise<WriteAnswer> {
    this.#throwIfStopped();
    return await this.#rooms.database.write(request);
  }

  async query(request: QueryRequest): Promise<QueryAnswer> {
    this.#throwIfStopped();
    try {
      return await this.#rooms.database.query(request);
    } catch (error) {
      throw this.#rooms.scrubbing.explain(error);
    }
  }

  querySync(sql: string, params?: SqlParameters): QueryResult {
    this.#throwIfStopped();
    try {
      return this.#parts.vault.storage.machine.querySync(sql, params);
    } catch (error) {
      throw this.#rooms.scrubbing.explain(error);
    }
  }

  get caches(): MemberCaches {
    this.#throwIfStopped();
    const { caches } = this.#rooms;
    if (caches !== null) return caches.service;
    throw new HiqliteError(
      "conflict",
      "The caches are turned off on this member (HQL_CACHE=false)",
    );
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
    return renderMetrics({
      cluster: this.cluster(),
      groups: this.#rooms.groups,
      ready: this.ready().ok,
      outstandingWrites: this.#rooms.groups.outstanding,
      loopLagMs: this.#rooms.pulse.worstLagMs,
      droppedFrames: this.#rooms.router.dropped,
      engine: this.#parts.engine,
      enginesDiffer: this.#rooms.engines.differing,
      divergences: this.#rooms.greeting.disagreements.total,
      caches: this.#rooms.caches?.service.stats() ?? [],
    });
  }

  changeMembership(request: MembershipRequest): Promise<ClusterStatus> {
    this.#throwIfStopped();
    return this.#rooms.membership.change(request);
  }

  transferLeadership(target?: NodeId): Promise<ClusterStatus> {
    this.#throwIfStopped();
    return this.#rooms.membership.transfer(target);
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
    const { pulse, requests, groups, following, caches, changes, network } =
      this.#rooms;
    pulse.stop();
    groups.close();
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
    if (this.#failed) {
      throw new HiqliteError("storage", this.#failed.message, {
        cause: this.#failed,
      });
    }
    if (this.#stopping) {
      throw new HiqliteError("shutting_down", "This member is stopping");
    }
    if (this.#rooms.participation.rebuilding) {
      throw new HiqliteError(
        "no_leader",
        "This member is being rebuilt from the others: ask another one",
      );
    }
  }

  /** After a pause a lease must not be taken to run still. */
  #touch(): void {
    const { pulse } = this.#rooms;
    if (this.#parts.config.leaseReads && pulse.beating) pulse.touch();
  }

  #onSlowTick(): void {
    this.#rooms.database.tick();
    this.#rooms.caches?.service.tick();
    this.#rooms.caches?.dueClock.tick();
    this.#progress();
    this.#rooms.membership.tick();
    this.#rooms.scrubbing.tick();
    this.#rooms.idleWalk.tick();
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

  /** Why nobody leads a group, as far as this member knows. */
  #outage(hosted: HostedGroup): string {
    const { participation, formation, greeting, durable, network } =
      this.#rooms;
    const { vault } = this.#parts;
    if (participation.rebuilding) {
      return "this member is being rebuilt from the others";
    }
    if (greeting.removed) return REMOVED;
    if (vault.identity.phase === "new") return formation.obstacle;
    if (hosted.group === null && hosted !== durable) {
      return "it has not begun: that takes a leader of the durable group, and a majority of its voters that host this one";
    }
    const config = hosted.group?.core.config ??
      latestConfiguration(vault.storage);
    return describeOutage(
      config,
      hosted.self,
      network,
      (peer) => hosted.memberOf(peer),
    );
  }

  #onLinkUp(peer: PeerIdentity): void {
    this.#touch();
    this.#rooms.engines.linkUp(peer);
    this.#rooms.changes.announce();
    this.#progress();
  }

  #onLinkDown(node: NodeId): void {
    this.#rooms.engines.linkDown(node);
    this.#rooms.requests.linkDown(node);
    this.#rooms.groups.unreachable(node);
  }

  #onLeaderChanged(): void {
    this.#rooms.changes.announce();
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
