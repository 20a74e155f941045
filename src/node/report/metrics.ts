import type { SqlEngine } from "../../state/sql/port.ts";
import type { LogIndex } from "../../raft/types.ts";
import type { BackupRecord } from "../../state/backups/types.ts";
import type { LockCounts } from "../../state/locks/types.ts";
import type { HostedGroup } from "../groups/hosted_group.ts";
import type {
  CacheReport,
  ClusterStatus,
  ListenerReport,
  LiveCounts,
  NamedGroupStatus,
  TopicsReport,
} from "../port.ts";
import { OF_BACKUPS, OF_CACHES, OF_LOCKS } from "./service_metrics.ts";
import { OF_TELEMETRY, type TelemetryMetrics } from "./telemetry_metrics.ts";

/** What {@linkcode renderMetrics} shows. */
export interface MetricsParts {
  /** What this member measures. */
  readonly told: TelemetryMetrics;
  readonly cluster: ClusterStatus;
  readonly groups: Iterable<HostedGroup>;
  readonly ready: boolean;
  /** Writes of this member's clients without an answer. */
  readonly outstandingWrites: number;
  readonly loopLagMs: number;
  /** Frames for groups that this member does not host. */
  readonly droppedFrames: number;
  /** Connections to the Raft listener that were refused. */
  readonly refusedConnections: number;
  readonly engine: SqlEngine;
  /** See `Engines.differing`. */
  readonly enginesDiffer: number;
  /** See `Disagreements.total`. */
  readonly divergences: number;
  /** Leases and locks. */
  readonly locks: LockCounts;
  /** The last backups. */
  readonly backups: readonly BackupRecord[];
  /** The last entry of the log that is archived; null where the log is not archived. */
  readonly archivedThrough: LogIndex | null;
  /** The caches as this member has them. */
  readonly caches: readonly CacheReport[];
  /** Who follows the database here. */
  readonly live: LiveCounts;
  readonly topics: TopicsReport;
  /** The listeners that strangers reach. */
  readonly listeners: readonly ListenerReport[];
}

/** Metrics in Prometheus' text format, version 0.0.4. */
export function renderMetrics(parts: MetricsParts): string {
  const lines: string[] = [];
  const metric = (
    type: "gauge" | "counter" | "histogram",
    name: string,
    help: string,
    samples: readonly string[],
  ): void => {
    lines.push(`# HELP hiqlite_${name} ${help}`);
    lines.push(`# TYPE hiqlite_${name} ${type}`);
    for (const sample of samples) lines.push(`hiqlite_${name}${sample}`);
  };
  const groups = [...parts.groups].map((hosted) => ({
    hosted,
    status: parts.cluster.groups.find(({ name }) => name === hosted.name)!,
  }));
  for (const [name, help, value, type = "gauge"] of OF_GROUPS) {
    metric(
      type,
      name,
      help,
      groups.map(({ hosted, status }) =>
        `{group="${status.name}"} ${value(status, hosted)}`
      ),
    );
  }
  for (const [name, type, help, value] of OF_THE_MEMBER) {
    metric(type, name, help, [` ${value(parts)}`]);
  }
  for (const [name, type, help, value] of OF_CACHES) {
    metric(
      type,
      name,
      help,
      parts.caches.map((cache) => `{cache="${cache.name}"} ${value(cache)}`),
    );
  }
  for (const [name, type, help, value] of OF_LOCKS) {
    metric(type, name, help, [` ${value(parts.locks)}`]);
  }
  for (const [name, type, help, value] of OF_LISTENERS) {
    metric(
      type,
      name,
      help,
      parts.listeners.flatMap((one) => {
        const found = value(one);
        return found === null ? [] : [`{listener="${one.listener}"} ${found}`];
      }),
    );
  }
  for (const [name, help, value] of OF_BACKUPS) {
    metric("gauge", name, help, [` ${value(parts.backups)}`]);
  }
  for (const [name, type, help, samples] of OF_TELEMETRY) {
    metric(type, name, help, samples(parts.told));
  }
  const { name, version } = parts.engine;
  metric("gauge", "sqlite_info", "The SQLite of this member", [
    `{engine="${name}",version="${version}"} 1`,
  ]);
  return lines.join("\n") + "\n";
}

const OF_LISTENERS: readonly (readonly [
  name: string,
  type: "gauge" | "counter",
  help: string,
  value: (listener: ListenerReport) => number | null,
])[] = [
  [
    "connections",
    "gauge",
    "Connections that are open",
    ({ open }) => open,
  ],
  [
    "connections_refused_total",
    "counter",
    "Connections refused or ended since there were too many",
    ({ refused }) => refused,
  ],
  [
    "connections_late_total",
    "counter",
    "Connections ended since a TLS handshake or the head of a request took too long",
    ({ late }) => late,
  ],
  [
    "tls_handshakes_failed_total",
    "counter",
    "TLS handshakes that failed",
    ({ failed }) => failed,
  ],
  [
    "tls_not_after_seconds",
    "gauge",
    "Until when the certificate is valid, seconds since 1970",
    ({ notAfterMs }) => notAfterMs === null ? null : notAfterMs / 1000,
  ],
];

const OF_THE_MEMBER: readonly (readonly [
  name: string,
  type: "gauge" | "counter",
  help: string,
  value: (parts: MetricsParts) => number,
])[] = [
  [
    "ready",
    "gauge",
    "1 if the member is ready for traffic",
    ({ ready }) => Number(ready),
  ],
  [
    "backup_log_archived_index",
    "gauge",
    "The last entry of the log that is archived, 0 if none is",
    ({ archivedThrough }) => archivedThrough ?? 0,
  ],
  [
    "writes_outstanding",
    "gauge",
    "Writes of this member's clients without an answer",
    ({ outstandingWrites }) => outstandingWrites,
  ],
  [
    "event_loop_lag_ms",
    "gauge",
    "Longest stall of the event loop since the last hand-over",
    ({ loopLagMs }) => Math.round(loopLagMs),
  ],
  [
    "frames_dropped_total",
    "counter",
    "Frames for groups that this member does not host",
    ({ droppedFrames }) => droppedFrames,
  ],
  [
    "raft_connections_refused_total",
    "counter",
    "Connections to the Raft listener that were refused",
    ({ refusedConnections }) => refusedConnections,
  ],
  [
    "sqlite_differs",
    "gauge",
    "Members that are linked and run another SQLite than this one",
    ({ enginesDiffer }) => enginesDiffer,
  ],
  [
    "divergence_total",
    "counter",
    "Times that this member's state was found to differ from another's",
    ({ divergences }) => divergences,
  ],
  [
    "change_listeners",
    "gauge",
    "Who hears of changed tables through this member",
    ({ live }) => live.listeners,
  ],
  [
    "live_queries",
    "gauge",
    "Queries whose rows somebody gets again through this member whenever they change",
    ({ live }) => live.queries,
  ],
  [
    "live_query_runs_total",
    "counter",
    "Times that such a query was run",
    ({ live }) => live.runs,
  ],
  [
    "events_published_total",
    "counter",
    "Events published in the cluster's history",
    ({ topics }) => topics.published,
  ],
  [
    "events_retained",
    "gauge",
    "Events that are kept",
    ({ topics }) => topics.retained,
  ],
  [
    "events_bytes",
    "gauge",
    "Bytes of topics and data that are kept, and 64 for each event",
    ({ topics }) => topics.bytes,
  ],
  [
    "event_listeners",
    "gauge",
    "Who listens to topics at this member",
    ({ topics }) => topics.listeners,
  ],
  [
    "event_listeners_lagged_total",
    "counter",
    "Times that a listener of this member missed events",
    ({ topics }) => topics.lagged,
  ],
];

const OF_GROUPS: readonly (readonly [
  name: string,
  help: string,
  value: (status: NamedGroupStatus, hosted: HostedGroup) => number,
  type?: "counter",
])[] = [
  [
    "is_leader",
    "1 if the member leads",
    ({ leader, self }) => Number(leader === self),
  ],
  [
    "has_leader",
    "1 if a leader is known",
    ({ leader }) => Number(leader !== null),
  ],
  ["raft_term", "The Raft term", ({ term }) => term],
  [
    "raft_commit_index",
    "Last committed log index",
    ({ commitIndex }) => commitIndex,
  ],
  [
    "raft_applied_index",
    "Last applied log index",
    ({ appliedIndex }) => appliedIndex,
  ],
  ["raft_last_index", "Last log index", ({ lastIndex }) => lastIndex],
  [
    "raft_first_index",
    "First index in the log",
    ({ firstIndex }) => firstIndex,
  ],
  ["raft_members", "Members", ({ members }) => members.length],
  [
    "raft_members_connected",
    "Members this one has a link to, with itself",
    ({ members }) => members.filter(({ connected }) => connected).length,
  ],
  [
    "log_bytes",
    "Bytes the log uses",
    (_status, { group }) => group?.log.bytes ?? 0,
  ],
  [
    "answers_differ_total",
    "Batches with an entry that this member answered differently than its leader",
    (_status, { divergences }) => divergences,
    "counter",
  ],
  [
    "disk_full",
    "1 if writes are refused for want of room",
    (_status, { group }) => Number(group?.diskFull ?? false),
  ],
  [
    "apply_stuck_seconds",
    "How long the next committed entry has not been applied, once that is too long; else 0",
    (_status, { group }) => (group?.applying.stuckMs ?? 0) / 1000,
  ],
  [
    "proposals_pending",
    "Writes the leader has not answered",
    (_status, { group }) => group?.pendingProposals ?? 0,
  ],
];
