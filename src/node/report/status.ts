import type { NodeAddress } from "../../config/types.ts";
import type { Network, PeerIdentity } from "../../network/port.ts";
import { isVoter, membersOf } from "../../raft/configuration.ts";
import type { MemberId } from "../../raft/types.ts";
import { nodeIdOf } from "../../raft/types.ts";
import type { RaftGroup } from "../../group/group.ts";
import { type Identity, memberIdOf } from "../volume/identity.ts";
import type { ClusterStatus, HealthStatus, MemberStatus } from "../port.ts";

/** A member that is this far behind the commit index is not ready. */
const READY_LAG_ENTRIES = 10_000;

/** What {@linkcode clusterStatus} looks at. */
export interface StatusParts {
  readonly identity: Identity;
  readonly group: RaftGroup | null;
  readonly network: Network;
  readonly self: PeerIdentity;
  readonly peers: readonly NodeAddress[];
}

/** The cluster as this member sees it. */
export function clusterStatus(parts: StatusParts): ClusterStatus {
  const { identity, group } = parts;
  const status = group?.core.status();
  const config = status?.config;
  const members = config === undefined ? [] : membersOf(config);
  const leader = status?.leader ?? null;
  return {
    clusterId: identity.clusterId,
    self: memberIdOf(identity),
    leader,
    term: status?.term ?? 0,
    commitIndex: status?.commit ?? 0,
    appliedIndex: group?.machine.applied.index ?? 0,
    lastIndex: status?.last.index ?? 0,
    firstIndex: (status?.base.index ?? 0) + 1,
    joint: (config?.votersOutgoing.length ?? 0) > 0,
    members: members.map((id) => memberStatus(parts, id, leader)),
  };
}

function memberStatus(
  { group, network, self, peers }: StatusParts,
  id: MemberId,
  leader: MemberId | null,
): MemberStatus {
  const nodeId = nodeIdOf(id);
  const { core } = group!;
  const own = id === self.id;
  const peer = own ? self : network.peer(nodeId);
  const configured = peers.find((address) => address.id === nodeId);
  const progress = core.status().progress.find(({ member }) => member === id);
  return {
    id,
    nodeId,
    raftAddress: peer?.raftAddress ?? configured?.raft ?? "",
    apiAddress: peer?.apiAddress ?? configured?.api ?? "",
    role: id === leader
      ? "leader"
      : isVoter(core.config, id)
      ? "voter"
      : "learner",
    connected: own || peer?.id === id,
    matchIndex: progress?.match ?? null,
  };
}

/** See {@linkcode Member.health}; `outage` says why nobody leads. */
export function healthStatus(
  group: RaftGroup | null,
  starting: boolean,
  outage: () => string,
): HealthStatus {
  const detail = group?.diskFull
    ? "the disk is full: writes are refused"
    : !group?.core.leader
    ? outage()
    : "ok";
  return starting && detail !== "ok"
    ? { ok: true, detail: `starting: ${detail}` }
    : { ok: detail === "ok", detail };
}

/** See {@linkcode Member.ready}. */
export function readyStatus(
  group: RaftGroup | null,
  learnerOnly: boolean,
  outage: () => string,
): HealthStatus {
  const health = healthStatus(group, false, outage);
  if (!health.ok || group === null) return health;
  const { core, machine } = group;
  const { id } = core.status();
  if (!learnerOnly && !isVoter(core.config, id)) {
    return { ok: false, detail: "not a voter yet" };
  }
  const behind = core.commit - machine.applied.index;
  return behind > READY_LAG_ENTRIES
    ? { ok: false, detail: `${behind} entries behind` }
    : health;
}
