import type { RaftGroup } from "../../group/group.ts";
import type { ClusterStatus } from "../port.ts";

/** What {@linkcode renderMetrics} shows. */
export interface MetricsParts {
  readonly cluster: ClusterStatus;
  readonly group: RaftGroup | null;
  readonly ready: boolean;
  readonly outstandingWrites: number;
  readonly loopLagMs: number;
}

/** Metrics in Prometheus' text format, version 0.0.4. */
export function renderMetrics(parts: MetricsParts): string {
  const { cluster, group } = parts;
  const lines: string[] = [];
  const gauge = (name: string, help: string, value: number): void => {
    lines.push(
      `# HELP hiqlite_${name} ${help}`,
      `# TYPE hiqlite_${name} gauge`,
      `hiqlite_${name} ${value}`,
    );
  };
  gauge("ready", "1 if the member is ready for traffic", Number(parts.ready));
  gauge(
    "is_leader",
    "1 if the member leads",
    Number(cluster.leader === cluster.self),
  );
  gauge("has_leader", "1 if a leader is known", Number(!!cluster.leader));
  gauge("raft_term", "The Raft term", cluster.term);
  gauge("raft_commit_index", "Last committed log index", cluster.commitIndex);
  gauge("raft_applied_index", "Last applied log index", cluster.appliedIndex);
  gauge("raft_last_index", "Last log index", cluster.lastIndex);
  gauge("raft_first_index", "First index in the log", cluster.firstIndex);
  gauge("raft_members", "Members", cluster.members.length);
  gauge(
    "raft_members_connected",
    "Members this one has a link to, with itself",
    cluster.members.filter(({ connected }) => connected).length,
  );
  gauge("log_bytes", "Bytes the log uses", group?.log.bytes ?? 0);
  gauge(
    "disk_full",
    "1 if writes are refused for want of room",
    Number(group?.diskFull ?? false),
  );
  gauge(
    "proposals_pending",
    "Writes the leader has not answered",
    group?.pendingProposals ?? 0,
  );
  gauge(
    "writes_outstanding",
    "Writes of this member's clients without an answer",
    parts.outstandingWrites,
  );
  gauge(
    "event_loop_lag_ms",
    "Longest stall of the event loop since the last hand-over",
    Math.round(parts.loopLagMs),
  );
  return lines.join("\n") + "\n";
}
