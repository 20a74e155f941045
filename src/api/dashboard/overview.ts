import type { JsonCluster } from "../cluster_status.ts";

/**
 * The answer of `GET overview`. `reports` and `series` are what `telemetry_json.ts` makes of the sights and of the
 * series' members. `GET series` and `GET events` answer as `/api/v1/cluster/series` and `/api/v1/cluster/events`.
 */
export interface JsonOverview {
  readonly node_id: number;
  /** Of the server, ms since 1970. */
  readonly now_ms: number;
  readonly cluster: JsonCluster;
  /** Of every member that was heard of. */
  readonly reports: readonly unknown[];
  /** The last 60 points of each member's series. */
  readonly series: readonly unknown[];
  /** The number of the newest event; 0: none. */
  readonly newest_event: number;
}
