import type { NodeAddress } from "../../config/types.ts";
import type { RaftGroup } from "../../group/group.ts";
import type { Network, PeerIdentity } from "../../network/port.ts";
import { isVoter, membersOf } from "../../raft/configuration.ts";
import type { MemberId } from "../../raft/types.ts";
import { nodeIdOf } from "../../raft/types.ts";
import type { HostedGroup } from "../groups/hosted_group.ts";
import type {
  ClusterStatus,
  GroupStatus,
  HealthStatus,
  MemberStatus,
} from "../port.ts";

/** A member that is this far behind the commit index is not ready. */
const READY_LAG_ENTRIES = 10_000;

/** What {@linkcode clusterStatus} looks at. */
export interface StatusParts {
  readonly clusterId: string;
  readonly durable: HostedGroup;
  readonly groups: Iterable<HostedGroup>;
  readonly network: Network;
  readonly self: PeerIdentity;
  readonly peers: readonly NodeAddress[];
}

/** The cluster as this member sees it. */
export function clusterStatus(parts: StatusParts): ClusterStatus {
  return {
    clusterId: parts.clusterId,
    ...groupStatus(parts, parts.durable),
    groups: [...parts.groups].map((hosted) => ({
      name: hosted.name,
      ...groupStatus(parts, hosted),
    })),
  };
}

function groupStatus(parts: StatusParts, hosted: HostedGroup): GroupStatus {
  const { group } = hosted;
  const status = group?.core.status();
  const config = status?.config;
  return {
    self: hosted.self,
    leader: status?.leader ?? null,
    term: status?.term ?? 0,
    commitIndex: status?.commit ?? 0,
    appliedIndex: group?.machine.applied.index ?? 0,
    lastIndex: status?.last.index ?? 0,
    firstIndex: (status?.base.index ?? 0) + 1,
    joint: (config?.votersOutgoing.length ?? 0) > 0,
    members: group === null || config === undefined
      ? []
      : membersOf(config).map((id) => memberStatus(parts, hosted, group, id)),
  };
}

function memberStatus(
  { network, self, peers }: StatusParts,
  hosted: HostedGroup,
  { core }: RaftGroup,
  id: MemberId,
): MemberStatus {
  const nodeId = nodeIdOf(id);
  const own = id === hosted.self;
  const peer = own ? self : network.peer(nodeId);
  const configured = peers.find((address) => address.id === nodeId);
  const progress = core.status().progress.find(({ member }) => member === id);
  return {
    id,
    nodeId,
    raftAddress: peer?.raftAddress ?? configured?.raft ?? "",
    apiAddress: peer?.apiAddress ?? configured?.api ?? "",
    role: id === core.leader
      ? "leader"
      : isVoter(core.config, id)
      ? "voter"
      : "learner",
    connected: own || peer !== undefined && hosted.memberOf(peer) === id,
    matchIndex: progress?.match ?? null,
  };
}

const DISK_FULL = "the disk is full: writes are refused";

/** See {@linkcode Member.health}; `outage` says why nobody leads. */
export function healthStatus(
  { group }: HostedGroup,
  starting: boolean,
  outage: () => string,
): HealthStatus {
  if (!group?.core.leader) {
    const detail = outage();
    return starting
      ? { ok: true, detail: `starting: ${detail}` }
      : { ok: false, detail };
  }
  // A restart would not help, so this is said and is no reason to be restarted.
  const detail = group.diskFull ? DISK_FULL : group.applying.complaint ?? "ok";
  return { ok: true, detail };
}

/** See {@linkcode Member.ready}; of one group. */
export function readyStatus(
  hosted: HostedGroup,
  learnerOnly: boolean,
  outage: () => string,
): HealthStatus {
  const health = healthStatus(hosted, false, outage);
  const { group } = hosted;
  if (!health.ok || group === null) return health;
  const { core, machine } = group;
  if (group.diskFull) return { ok: false, detail: DISK_FULL };
  if (!learnerOnly && !isVoter(core.config, hosted.self)) {
    return { ok: false, detail: "not a voter yet" };
  }
  const { complaint } = group.applying;
  if (complaint !== null) return { ok: false, detail: complaint };
  const { divergence } = hosted;
  if (divergence !== null) {
    return {
      ok: false,
      detail:
        `this member answered entry ${divergence.index} differently than the leader that proposed it`,
    };
  }
  const behind = core.commit - machine.applied.index;
  if (behind > READY_LAG_ENTRIES) {
    return { ok: false, detail: `${behind} entries behind` };
  }
  return hosted.caughtUp
    ? health
    : { ok: false, detail: "catching up with the leader" };
}
