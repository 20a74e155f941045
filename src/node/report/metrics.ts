import type { SqlEngine } from "../../state/sql/port.ts";
import type { HostedGroup } from "../groups/hosted_group.ts";
import type { CacheReport, ClusterStatus, NamedGroupStatus } from "../port.ts";

/** What {@linkcode renderMetrics} shows. */
export interface MetricsParts {
  readonly cluster: ClusterStatus;
  readonly groups: Iterable<HostedGroup>;
  readonly ready: boolean;
  /** Writes of this member's clients without an answer. */
  readonly outstandingWrites: number;
  readonly loopLagMs: number;
  /** Frames for groups that this member does not host. */
  readonly droppedFrames: number;
  readonly engine: SqlEngine;
  /** See `Engines.differing`. */
  readonly enginesDiffer: number;
  /** See `Disagreements.total`. */
  readonly divergences: number;
  /** The caches as this member has them. */
  readonly caches: readonly CacheReport[];
}

/** Metrics in Prometheus' text format, version 0.0.4. */
export function renderMetrics(parts: MetricsParts): string {
  const lines: string[] = [];
  const metric = (
    type: "gauge" | "counter",
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
  const { name, version } = parts.engine;
  metric("gauge", "sqlite_info", "The SQLite of this member", [
    `{engine="${name}",version="${version}"} 1`,
  ]);
  return lines.join("\n") + "\n";
}

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
];

const OF_CACHES: readonly (readonly [
  name: string,
  type: "gauge" | "counter",
  help: string,
  value: (cache: CacheReport) => number,
])[] = [
  ["cache_entries", "gauge", "Entries", ({ entries }) => entries],
  ["cache_counters", "gauge", "Counters", ({ counters }) => counters],
  [
    "cache_bytes",
    "gauge",
    "Bytes of keys and values, and 64 for each entry and counter",
    ({ bytes }) => bytes,
  ],
  [
    "cache_hits_total",
    "counter",
    "Reads of this member that found their entry",
    ({ hits }) => hits,
  ],
  [
    "cache_misses_total",
    "counter",
    "Reads of this member that did not",
    ({ misses }) => misses,
  ],
  [
    "cache_expired_total",
    "counter",
    "Entries that went because their time was over",
    ({ expired }) => expired,
  ],
  [
    "cache_evicted_total",
    "counter",
    "Entries that made room for others",
    ({ evicted }) => evicted,
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
