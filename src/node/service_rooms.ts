import { setImmediate } from "node:timers";
import { nodeIdOf } from "../raft/types.ts";
import { systemTimers } from "../util/timers.ts";
import { Backups } from "./backups/backups.ts";
import type { Participation } from "./cluster/participation.ts";
import type { FollowingGroup } from "./groups/following_group.ts";
import type { HostedGroup } from "./groups/hosted_group.ts";
import type { Network } from "../network/port.ts";
import type { NodeParts } from "./parts.ts";
import { Caches } from "./services/caches.ts";
import type { Database } from "./services/database.ts";
import type { FreshnessPorts } from "./services/freshness.ts";
import { Locks } from "./services/locks.ts";
import { Topics } from "./services/topics/topics.ts";
import { DueClock } from "./upkeep/due_clock.ts";

/** The groups that services are built on. */
interface ServedGroups {
  readonly durable: HostedGroup;
  /** The groups beside the durable one. */
  readonly following: readonly FollowingGroup[];
}

/** The caches, and what keeps their time. */
export interface CacheRooms {
  readonly service: Caches;
  readonly dueClock: DueClock;
}

/** Leases and locks, and what keeps their time. */
export interface LockRooms {
  readonly service: Locks;
  readonly dueClock: DueClock;
}

/** Listen and notify on the durable group. */
export function buildTopics(
  { vault }: NodeParts,
  { durable, participation }: ServedGroups & {
    readonly participation: Pick<Participation, "blank">;
  },
  database: Database,
): Topics {
  return new Topics({
    blank: () => participation.blank,
    group: () => durable.group,
    machine: () => vault.storage.machine,
    clusterId: () => vault.identity.clusterId,
    write: (request) => database.write(request),
  });
}

/** The caches on their group; null if they are turned off. */
export function buildCaches(
  { caches, config, clock, measures }: NodeParts,
  { following }: ServedGroups,
  reading: Omit<FreshnessPorts, "group">,
): CacheRooms | null {
  if (caches === null) return null;
  const group = following.find(({ hosted }) => hosted.id === caches.id)!;
  const { hosted } = group;
  const ports = {
    ...reading,
    group: () => hosted.group,
    machine: () => hosted.group === null ? null : caches.machine,
  };
  const service = new Caches({
    ...ports,
    proposer: hosted.proposer,
    traces: measures.traces,
    epoch: () => hosted.epoch,
    maxBytes: config.cacheMaxBytes,
    explain: (error) => group.explain(error),
    defer: (callback) => void setImmediate(callback),
  });
  const dueClock = new DueClock({
    ...ports,
    clock,
    timers: systemTimers,
    state: ports.machine,
    tellTime: (timeoutMs) => hosted.proposer.tellTime(timeoutMs),
  });
  return { service, dueClock };
}

/** Leases and locks on the durable group. */
export function buildLocks(
  { vault, clock }: NodeParts,
  { durable }: ServedGroups,
  database: Database,
): LockRooms {
  const { proposer } = durable;
  const ports = { clock, proposer, group: () => durable.group };
  const service = new Locks({
    ...ports,
    query: (request) => database.query(request),
  });
  const dueClock = new DueClock({
    ...ports,
    timers: systemTimers,
    state: () => {
      // While the member is rebuilt there is none.
      if (durable.group === null) return null;
      const { clockMs, locks } = vault.storage.machine;
      return { clockMs, nextDueMs: locks.nextDueMs };
    },
    tellTime: (timeoutMs) => proposer.tellTime(timeoutMs),
  });
  return { service, dueClock };
}

/** Backups of the durable group. */
export function buildBackups(
  { vault, clock, logger, backups }: NodeParts,
  { durable, network }: ServedGroups & { readonly network: Network },
): Backups {
  return new Backups({
    ...backups,
    clock,
    logger,
    proposer: durable.proposer,
    group: () => durable.group,
    machine: () => vault.storage.machine,
    self: () => durable.self,
    clusterId: () => vault.identity.clusterId,
    connected: (member) => network.peer(nodeIdOf(member))?.id === member,
  });
}
