import type { FrontCounts } from "../front/protocol.ts";
import type { Upstream } from "./upstreams.ts";

/** What a proxy counts. */
export interface ProxyCounts {
  readonly connections: FrontCounts;
  /** Answers, by the class of their status. */
  readonly requests: ReadonlyMap<string, number>;
  /** Attempts after the first. */
  readonly repeated: number;
  /** Requests without a valid secret or token. */
  readonly unauthorized: number;
}

/** Metrics of a proxy in Prometheus' text format. */
export function proxyMetrics(
  { connections, requests, repeated, unauthorized }: ProxyCounts,
  members: readonly Upstream[],
): string {
  const lines = [
    "# HELP hiqlite_proxy_connections Connections of clients that are open",
    "# TYPE hiqlite_proxy_connections gauge",
    `hiqlite_proxy_connections ${connections.open}`,
    "# HELP hiqlite_proxy_connections_refused_total Connections refused or ended since there were too many",
    "# TYPE hiqlite_proxy_connections_refused_total counter",
    `hiqlite_proxy_connections_refused_total ${connections.refused}`,
    "# HELP hiqlite_proxy_connections_late_total Connections ended since the head of a request took too long",
    "# TYPE hiqlite_proxy_connections_late_total counter",
    `hiqlite_proxy_connections_late_total ${connections.late}`,
    "# HELP hiqlite_proxy_requests_total Requests, by the class of the answer's status",
    "# TYPE hiqlite_proxy_requests_total counter",
    ...[...requests].map(([status, count]) =>
      `hiqlite_proxy_requests_total{status="${status}"} ${count}`
    ),
    "# HELP hiqlite_proxy_repeated_total Attempts after the first",
    "# TYPE hiqlite_proxy_repeated_total counter",
    `hiqlite_proxy_repeated_total ${repeated}`,
    "# HELP hiqlite_proxy_unauthorized_total Requests without a valid secret or token",
    "# TYPE hiqlite_proxy_unauthorized_total counter",
    `hiqlite_proxy_unauthorized_total ${unauthorized}`,
    "# HELP hiqlite_proxy_member_up 1 if the member answers",
    "# TYPE hiqlite_proxy_member_up gauge",
    ...members.map(({ url, state }) =>
      `hiqlite_proxy_member_up{member="${url}"} ${state === "down" ? 0 : 1}`
    ),
  ];
  return `${lines.join("\n")}\n`;
}
