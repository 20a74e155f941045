import type { RaftGroup } from "../group/group.ts";
import type { GroupId } from "../group/messages.ts";
import { GroupRouter } from "../network/group_router.ts";
import type { NetworkEvents } from "../network/port.ts";
import { PeerRequests } from "../network/requests.ts";
import { linksOf, peersOf, presentSelf, selfOf } from "./cluster/addresses.ts";
import { Formation } from "./cluster/founding.ts";
import { Greeting } from "./cluster/identity_check.ts";
import { Membership } from "./cluster/membership.ts";
import { Participation } from "./cluster/participation.ts";
import { Changes } from "./changes.ts";
import { durablePorts } from "./durable_ports.ts";
import { HostedGroup } from "./groups/hosted_group.ts";
import { PROPOSE, proposeHandler } from "./groups/forwarding.ts";
import { GroupRegistry } from "./groups/registry.ts";
import { LEAVE, leaveHandler } from "./groups/leaving.ts";
import type { Clock } from "../util/clock.ts";
import type { FollowingSpec, LoopPorts } from "./groups/spec.ts";
import { ROLL_CALL, rollCallHandler } from "./groups/roll_call.ts";
import { FollowingGroup } from "./groups/following_group.ts";
import type { Divergence } from "../state/port.ts";
import type { FactChange } from "../state/cluster_facts.ts";
import { raiseLevel } from "./cluster/levels.ts";
import type { NodeNetwork, NodeParts } from "./parts.ts";
import type { ClusterStatus, HealthStatus } from "./port.ts";
import { Engines } from "./report/engines.ts";
import { Database } from "./services/database.ts";
import { AuditTrail } from "./services/audit_trail.ts";
import { SlowStatements } from "./services/slow_statements.ts";
import { KnownTokens } from "./services/known_tokens.ts";
import type { Topics } from "./services/topics/topics.ts";
import type { Backups } from "./backups/backups.ts";
import {
  buildBackups,
  buildCaches,
  buildLocks,
  buildTopics,
  type CacheRooms,
  type LockRooms,
} from "./service_rooms.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import { buildTelemetry, leaderTracesOf } from "./telemetry_rooms.ts";
import { Pulse } from "./upkeep/pulse.ts";
import { StartWatch } from "./start_watch.ts";
import { IdleWalk } from "./upkeep/idle_walk.ts";
import { Scrubbing } from "./upkeep/scrubbing.ts";
import { DiskHome, forgetKept } from "./volume/disk_home.ts";
import { type GroupHome, MemoryHome } from "./volume/home.ts";
import type { Identity } from "./volume/identity.ts";

/** How long a start waits for witnesses beyond a majority, ticks: about as long as a silent link counts as alive. */
const WITNESS_TICKS = 60;
/** How long a change of the cluster's facts may take. */
const CHANGE_MS = 1_000;

/** What the rooms tell the member that they belong to. */
export interface RoomEvents {
  readonly network: NetworkEvents;
  /** The loop of the durable group made a step. */
  stepped(): void;
  /** Another member leads a group, or none. */
  leaderChanged(): void;
  /** A group's state here and the leader of an entry answer it differently: whoever knows which of them is wrong acts. */
  diverged(group: string, divergence: Divergence): void;
  /** The member cannot go on. */
  failed(error: Error): void;
  /** Every fifth tick, and each of the first ones. */
  slowTick(): void;
  /** Whether the member is being shut down. */
  stopping(): boolean;
  /** Throws if the member serves nobody now. */
  throwIfStopped(): void;
  status(): ClusterStatus;
  /** See {@linkcode Member.ready}. */
  ready(): HealthStatus;
}

/** Everything a member consists of, wired together. */
export interface Rooms {
  readonly network: NodeNetwork;
  readonly requests: PeerRequests;
  readonly router: GroupRouter;
  readonly groups: GroupRegistry;
  readonly durable: HostedGroup;
  /** The groups beside the durable one. */
  readonly following: readonly FollowingGroup[];
  readonly changes: Changes;
  readonly participation: Participation;
  readonly formation: Formation;
  readonly membership: Membership;
  readonly greeting: Greeting;
  readonly database: Database;
  readonly topics: Topics;
  /** Null if they are turned off. */
  readonly caches: CacheRooms | null;
  readonly locks: LockRooms;
  readonly tokens: KnownTokens;
  readonly audit: AuditTrail;
  readonly backups: Backups;
  readonly pulse: Pulse;
  readonly scrubbing: Scrubbing;
  readonly idleWalk: IdleWalk;
  readonly engines: Engines;
  readonly telemetry: Telemetry;
}

/** Builds a member's rooms around its parts. */
export function buildRooms(parts: NodeParts, events: RoomEvents): Rooms {
  const changes = new Changes();
  const links = buildLinks(parts, events, changes, {
    sinceTickMs: () => pulse.untoldMs,
    neededAfter: () => backups.archivedThrough(),
  });
  const { durable } = links;
  const cluster = buildCluster(parts, events, links);
  const backups: Backups = buildBackups(parts, links);
  const pulse: Pulse = buildPulse(parts, events, links, cluster);
  const { vault, config, clock } = parts;
  const reading = {
    clock,
    changes,
    touch: () => {
      if (config.leaseReads && pulse.beating) pulse.touch();
    },
    throwIfStopped: () => events.throwIfStopped(),
  };
  const served = {
    ...reading,
    proposer: durable.proposer,
    group: () => durable.group,
    machine: () => vault.storage.machine,
  };
  const database = new Database({
    ...served,
    history: () => vault.identity.clusterId,
    blank: () => cluster.participation.blank,
    traces: parts.measures.traces,
    slow: new SlowStatements(config.slowStatementMs, clock, parts.logger),
    explain: (error) => scrubbing.explain(error),
  });
  const scrubbing: Scrubbing = new Scrubbing({
    ...parts,
    storage: () => durable.group === null ? null : parts.vault.storage,
    failed: (error) => events.failed(error),
  });
  const telemetry = buildTelemetry(parts, events, {
    ...links,
    ...cluster,
    database,
    pulse,
  });
  servePeers(links, cluster, telemetry);
  return {
    ...links,
    ...cluster,
    database,
    telemetry,
    topics: buildTopics(parts, { ...links, ...cluster }, database),
    caches: buildCaches(parts, links, reading),
    locks: buildLocks(parts, links, database),
    tokens: new KnownTokens(served),
    audit: new AuditTrail(served),
    backups,
    changes,
    pulse,
    scrubbing,
    idleWalk: idleWalkOf(clock, durable),
    engines: new Engines(selfOf(vault.identity, parts).engine, parts.logger),
  };
}

function buildPulse(
  parts: NodeParts,
  events: RoomEvents,
  links: Links,
  { greeting }: ClusterRooms,
): Pulse {
  const { clock, logger, config, vault } = parts;
  const { groups, durable } = links;
  const startWatch = new StartWatch({
    clock,
    logger,
    ready: () => events.ready(),
    stopping: () => events.stopping(),
    leaderless: () =>
      vault.identity.phase !== "new" && !durable.group?.core.leader,
  });
  return new Pulse({
    clock,
    logger,
    tickMs: config.tickMs,
    running: () => groups.running(),
    slowTick: () => {
      events.slowTick();
      startWatch.tick();
      tickGroups(parts, links, greeting.removed);
    },
  });
}

function idleWalkOf(clock: Clock, durable: HostedGroup): IdleWalk {
  return new IdleWalk({
    clock,
    group: () => durable.group,
    tellTime: (timeoutMs) => durable.proposer.tellTime(timeoutMs),
  });
}

/** Answers what other members ask. */
function servePeers(
  { requests, groups, following, traced }: Links,
  { greeting, formation, membership }: ClusterRooms,
  telemetry: Telemetry,
): void {
  const followingOf = (id: GroupId): FollowingGroup | undefined =>
    following.find(({ hosted }) => hosted.id === id);
  requests.serve({
    ...greeting.handlers(),
    ...formation.handlers(),
    ...membership.handlers(),
    ...telemetry.handlers(),
    [PROPOSE]: proposeHandler((id) => groups.get(id), traced.watch),
    ...traced.handlers(),
    [LEAVE]: leaveHandler((group, peer) =>
      followingOf(group)?.letGo(peer) ?? false
    ),
    [ROLL_CALL]: rollCallHandler((group, epoch) =>
      followingOf(group)?.answerCall(epoch)
    ),
  });
}

/** The durable group's facts move first, and the groups that follow it after them. */
function tickGroups(
  { vault, logger, levels }: NodeParts,
  { network, groups, durable, following }: Links,
  removed: boolean,
): void {
  groups.tick();
  if (durable.group === null) return;
  raiseLevel({
    network,
    logger,
    levels,
    group: () => durable.group,
    facts: () => vault.storage.machine.facts,
    change: (change) => proposeChange(durable, change),
  });
  for (const group of following) group.tick(removed);
}

type Links =
  & Pick<
    Rooms,
    "network" | "requests" | "router" | "groups" | "durable" | "following"
  >
  & { readonly traced: ReturnType<typeof leaderTracesOf> };

type ClusterRooms = Pick<
  Rooms,
  "participation" | "formation" | "membership" | "greeting"
>;

function buildLinks(
  parts: NodeParts,
  events: RoomEvents,
  changes: Changes,
  { sinceTickMs, neededAfter }: Pick<
    LoopPorts,
    "sinceTickMs" | "neededAfter"
  >,
): Links {
  const { vault, config, clock, logger } = parts;
  const network = parts.createNetwork(
    selfOf(vault.identity, parts),
    linksOf(vault.identity, config),
    events.network,
  );
  const requests = new PeerRequests(network, logger);
  const groups = new GroupRegistry();
  const router = new GroupRouter({
    network,
    requests,
    logger,
    clusterId: () => vault.identity.clusterId,
    group: (id) => groups.get(id),
  });
  const shared = {
    router,
    requests,
    changes,
    clock,
    logger,
    level: () => vault.storage.machine.facts.level,
    leaderChanged: () => events.leaderChanged(),
    failed: (error: Error) => events.failed(error),
    sinceTickMs,
  };
  const traced = leaderTracesOf(parts, groups);
  const durable: HostedGroup = new HostedGroup({
    ...durablePorts(parts, events, traced),
    ...shared,
    neededAfter,
  });
  groups.add(durable);
  const following = parts.following.map((spec) =>
    new FollowingGroup({
      ...shared,
      spec,
      home: homeOf(spec, parts, () =>
        network.setIdentity(selfOf(vault.identity, parts))),
      diverged: (divergence) =>
        events.diverged(spec.name, divergence),
      traced,
      network,
      self: presentSelf(() =>
        vault.identity, parts),
      durable: () => durable.group,
      facts: () => vault.storage.machine.facts,
      change: (change) => proposeChange(durable, change),
      create: (init, ports) => parts.createGroup(init, ports),
    })
  );
  for (const { hosted } of following) groups.add(hosted);
  return { network, requests, router, groups, durable, following, traced };
}

function homeOf(
  { housing, name: group }: FollowingSpec,
  { vault, config: { dataDir }, logger }: NodeParts,
  renamed: () => void,
): GroupHome {
  const identity = (): Identity => vault.identity;
  const save = (changed: Identity): void => vault.save(changed);
  const kept = { group, dataDir, identity, save };
  if (housing.kind === "disk") {
    return new DiskHome({ ...kept, housing, logger, renamed });
  }
  forgetKept(kept);
  return new MemoryHome(housing);
}

/** Whoever leads proposes it again until it has taken effect, so nobody waits for this one. */
function proposeChange({ proposer }: HostedGroup, change: FactChange): void {
  proposer.change(change, CHANGE_MS).catch(() => {});
}

function buildCluster(
  parts: NodeParts,
  events: RoomEvents,
  { network, requests, durable }: Links,
): ClusterRooms {
  const { vault, config, clock, logger } = parts;
  const common = {
    network,
    requests,
    clock,
    logger,
    identity: () => vault.identity,
    group: (): RaftGroup | null => durable.group,
    stopping: () => events.stopping(),
  };
  const participation = new Participation({
    parts,
    network,
    durable,
    stopping: common.stopping,
    failed: (error) => events.failed(error),
  });
  const greeting = new Greeting({
    ...common,
    vault,
    patienceMs: WITNESS_TICKS * config.tickMs,
    promises: config.logSync.mode === "immediate",
    nodes: () => peersOf(vault.identity, config).map(({ id }) => id),
    takePart: () => participation.start(),
    rebuild: (reason) => participation.rebuild(reason),
  });
  const formation = new Formation({
    ...common,
    config,
    adopt: (identity) => participation.adopt(identity),
    renew: () => participation.renew(),
    remembers: (member) => greeting.remembers(member),
    newClusterId: () => crypto.randomUUID(),
    facts: () => vault.storage.machine.facts,
  });
  const membership = new Membership({
    ...common,
    remember: ({ id, raft, api }) => {
      const { identity } = vault;
      const addresses = { ...identity.addresses, [id]: { raft, api } };
      vault.save({ ...identity, addresses });
      network.setPeers(linksOf(vault.identity, config));
    },
    facts: () => vault.storage.machine.facts,
    status: () => events.status(),
  });
  return { participation, formation, membership, greeting };
}
