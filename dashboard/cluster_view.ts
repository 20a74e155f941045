import type { JsonCluster } from "../src/api/cluster_status.ts";
import type { MemberSight, Series } from "../src/node/telemetry_port.ts";

/** The cluster as the asked member sees it. */
export interface ClusterView {
  /** The node that answered. */
  readonly nodeId: number;
  /** When, by its clock, ms since 1970. */
  readonly nowMs: number;
  readonly cluster: JsonCluster;
  readonly sights: readonly MemberSight[];
  /** What members told of their state lately. */
  readonly checksums: Checksums;
  /** The last minute of every member. */
  readonly series: Series["members"];
  /** Grows when something happened to a member. */
  readonly newestEvent: number;
}

/** Checksums of members' states: by index, then by node. */
export type Checksums = ReadonlyMap<number, ReadonlyMap<number, number>>;
