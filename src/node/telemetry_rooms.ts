import { membersOf } from "../raft/configuration.ts";
import { peersOf } from "./cluster/addresses.ts";
import type { NodeParts } from "./parts.ts";
import type { Network } from "../network/port.ts";
import type { PeerRequests } from "../network/requests.ts";
import type { Greeting } from "./cluster/identity_check.ts";
import type { Participation } from "./cluster/participation.ts";
import type { HostedGroup } from "./groups/hosted_group.ts";
import type { GroupRegistry } from "./groups/registry.ts";
import type { HealthStatus } from "./port.ts";
import type { Database } from "./services/database.ts";
import { LeaderTraces } from "./telemetry/leader_traces.ts";
import { Telemetry } from "./telemetry/telemetry.ts";
import type { Pulse } from "./upkeep/pulse.ts";

/** Whom telemetry looks at. */
interface ObservedRooms {
  readonly network: Network;
  readonly requests: PeerRequests;
  readonly durable: HostedGroup;
  readonly groups: GroupRegistry;
  readonly participation: Participation;
  readonly greeting: Greeting;
  readonly database: Database;
  readonly pulse: Pulse;
}

/** What this member traces for others while it leads. */
export function leaderTracesOf(
  { clock, measures: { traces } }: NodeParts,
  groups: GroupRegistry,
): LeaderTraces {
  return new LeaderTraces({
    traces,
    extent: (id) => groups.get(id)?.group?.core ?? null,
    now: () => clock.wall(),
  });
}

/** What a member knows of itself and of the others. */
export function buildTelemetry(
  { vault, config, clock, measures }: NodeParts,
  events: { ready(): HealthStatus },
  rooms: ObservedRooms,
): Telemetry {
  const { network, requests, durable, groups, greeting, database } = rooms;
  return new Telemetry({
    nodeId: vault.identity.nodeId,
    clock,
    network,
    requests,
    durable,
    groups,
    measures,
    writes: database.writes,
    queries: database.queries,
    loopLag: rooms.pulse.lags,
    others: () => peersOf(vault.identity, config).map(({ id }) => id),
    members: () => {
      const config = durable.group?.core.config;
      return config === undefined ? [] : membersOf(config);
    },
    // While the data is exchanged there is none.
    databasePath: () =>
      durable.group === null ? null : vault.storage.machine.files?.path ?? null,
    pending: () => groups.outstanding,
    slow: () => database.slow,
    checksum: () => greeting.checksum,
    quarantine: () => whyDoubted(rooms),
    ready: () => events.ready(),
  });
}

/** Why a member that runs serves nobody. */
function whyDoubted(
  { participation, greeting, durable }: ObservedRooms,
): string | null {
  if (participation.rebuilding) return "it is rebuilt from the others";
  const { divergence, group } = durable;
  if (divergence !== null) {
    return `it answered entry ${divergence.index} differently than its leader`;
  }
  if (group === null) return greeting.doubt;
  const { stuck } = group.applying;
  return stuck === null ? null : `it cannot apply entry ${stuck.index}`;
}
