import { isMember, isVoter } from "../../raft/configuration.ts";
import { type NodeId, nodeIdOf } from "../../raft/types.ts";
import type { Outcomes } from "../../telemetry/outcomes.ts";
import type { Traces } from "../../telemetry/traces.ts";
import type { Timings } from "../../telemetry/timings.ts";
import type { HostedGroup } from "../groups/hosted_group.ts";
import type { HealthStatus } from "../port.ts";
import type {
  MemberReport,
  PeerSight,
  SnapshotActivity,
} from "../telemetry_port.ts";
import { PEERS_MAX, REASON_MAX } from "./told_check.ts";
import type { VolumeSizes } from "./volume_sizes.ts";

/** What a member measures all the time. */
export interface Measures {
  /** Of its program. */
  readonly version: string;
  /** fdatasync of the database's log. */
  readonly syncs: Timings;
  /** For OpenTelemetry, if the runtime exports it. */
  readonly traces: Traces;
}

/** What {@linkcode ownReport} looks at. */
export interface OwnReportParts {
  readonly nodeId: NodeId;
  readonly durable: HostedGroup;
  readonly measures: Measures;
  readonly writes: Outcomes;
  readonly queries: Outcomes;
  readonly sizes: VolumeSizes;
  readonly peers: readonly PeerSight[];
  readonly atMs: number;
  readonly uptimeMs: number;
  readonly leaderChanges: number;
  readonly pending: number;
  readonly loopLagMs: number;
  readonly checksum: MemberReport["checksum"];
  readonly quarantine: string | null;
  readonly ready: HealthStatus;
  readonly newestEvent: number;
}

/** What a member says of itself now. */
export function ownReport(parts: OwnReportParts): MemberReport {
  const { durable, measures, writes, queries, sizes, peers } = parts;
  const { group } = durable;
  const core = group?.core;
  const leader = core?.leader ?? null;
  return {
    member: durable.self,
    nodeId: parts.nodeId,
    version: measures.version.slice(0, 64),
    atMs: parts.atMs,
    uptimeMs: parts.uptimeMs,
    role: roleOf(durable),
    leader,
    term: core?.term ?? 0,
    lastIndex: group?.log.last.index ?? 0,
    commitIndex: core?.commit ?? 0,
    appliedIndex: group?.machine.applied.index ?? 0,
    contactMs: leader === null || leader === durable.self
      ? null
      : peers.find(({ nodeId }) => nodeId === nodeIdOf(leader))?.contactMs ??
        null,
    peers: peers.slice(0, PEERS_MAX),
    fsync: measures.syncs.recent(),
    commit: writes.times.recent(),
    query: queries.times.recent(),
    writes: writes.done + writes.failed,
    writesFailed: writes.failed,
    queries: queries.done + queries.failed,
    leaderChanges: parts.leaderChanges,
    ...sizes,
    logBytes: group?.log.bytes ?? 0,
    pending: parts.pending,
    loopLagMs: parts.loopLagMs,
    snapshot: activityOf(durable),
    checksum: parts.checksum,
    quarantine: parts.quarantine?.slice(0, REASON_MAX) ?? null,
    diskFull: group?.diskFull ?? false,
    ready: parts.ready.ok ? "ok" : parts.ready.detail.slice(0, REASON_MAX),
    newestEvent: parts.newestEvent,
  };
}

function roleOf({ group, self }: HostedGroup): MemberReport["role"] {
  const core = group?.core;
  if (core === undefined || !isMember(core.config, self)) return "outside";
  if (core.role === "leader") return "leader";
  return isVoter(core.config, self) ? "voter" : "learner";
}

function activityOf({ group }: HostedGroup): SnapshotActivity {
  if (group === null) return "idle";
  const { tally, building } = group.snapshots;
  if (group.core.installing) return "installing";
  if (tally.receiving.active) return "receiving";
  if (building) return "building";
  return tally.sending.active ? "sending" : "idle";
}
