import type { JsonCluster } from "../../../src/api/cluster_status.ts";
import type { JsonOverview } from "../../../src/api/dashboard/overview.ts";
import { toldToJson } from "../../../src/api/telemetry_json.ts";
import {
  type MemberEvent,
  type MemberReport,
  type MemberSeries,
  type MemberSight,
  SERIES_COLUMNS,
  type SeriesColumn,
} from "../../../src/node/telemetry_port.ts";

/** The moment at which everything stands still, ms since 1970: 5 January 2026, 14:02:11 UTC. */
export const NOW_MS = Date.UTC(2026, 0, 5, 14, 2, 11);

/** Points of each member, a second apart. */
const POINTS = 300;
const COMMITTED = 18_204_113;

/** What the cluster looks like. */
export interface FixedCluster {
  readonly nodes: number;
  /** These nodes are not reachable. */
  readonly away?: readonly number[];
  /** The disks of these nodes are full. */
  readonly full?: readonly number[];
}

/** The answer of `GET overview`: n2 leads, or n1 where it is alone. */
export function fixedOverview(fixed: FixedCluster): JsonOverview {
  const series = seriesOf(fixed);
  return {
    node_id: 1,
    now_ms: NOW_MS,
    cluster: clusterOf(fixed),
    reports: toldToJson(sightsOf(fixed)) as readonly unknown[],
    series: seriesJson(series).members,
    newest_event: EVENTS.length,
  };
}

/** The answer of `GET series`, whichever step was asked for. */
export function fixedSeries(fixed: FixedCluster): unknown {
  return seriesJson(seriesOf(fixed));
}

/** The answer of `GET events`. */
export function fixedEvents(): unknown {
  return toldToJson({ events: EVENTS, silent: [] });
}

function seriesJson(members: readonly MemberSeries[]) {
  return toldToJson({ stepMs: 1000, members }) as {
    readonly members: readonly unknown[];
  };
}

function nodesOf({ nodes }: FixedCluster): number[] {
  return Array.from({ length: nodes }, (_, at) => at + 1);
}

function leaderOf({ nodes }: FixedCluster): number {
  return Math.min(2, nodes);
}

function clusterOf(fixed: FixedCluster): JsonCluster {
  const leader = leaderOf(fixed);
  const group = {
    self: "1.1",
    leader: `${leader}.1`,
    term: 17,
    commit_index: COMMITTED,
    applied_index: COMMITTED,
    last_index: COMMITTED,
    first_index: COMMITTED - 20_000,
    joint: false,
    members: nodesOf(fixed).map((node) => ({
      id: `${node}.1`,
      node_id: node,
      raft_address: `10.0.0.${node}:8100`,
      api_address: `10.0.0.${node}:8200`,
      role: node === leader ? "leader" as const : "voter" as const,
      connected: fixed.away?.includes(node) !== true,
      match_index: COMMITTED,
    })),
  };
  return {
    cluster_id: "7551c32d-64f5-4c1a-9b3e-0d5f6f0f2c11",
    ...group,
    groups: [],
  };
}

function sightsOf(fixed: FixedCluster): MemberSight[] {
  return nodesOf(fixed).map((node) => {
    const away = fixed.away?.includes(node) === true;
    return {
      nodeId: node,
      member: `${node}.1`,
      connected: !away,
      ageMs: node === 1 ? 0 : away ? 12_000 : 300,
      report: reportOf(fixed, node, away),
    };
  });
}

function reportOf(
  fixed: FixedCluster,
  node: number,
  away: boolean,
): MemberReport {
  const leader = leaderOf(fixed);
  const applied = COMMITTED - (away ? 123 : 0);
  return {
    member: `${node}.1`,
    nodeId: node,
    version: "0.1.0",
    atMs: NOW_MS,
    uptimeMs: 352_800_000 - node * 600_000,
    role: node === leader ? "leader" : "voter",
    leader: `${leader}.1`,
    term: 17,
    lastIndex: applied,
    commitIndex: applied,
    appliedIndex: applied,
    contactMs: node === leader ? null : 87 + node,
    peers: nodesOf(fixed).filter((peer) => peer !== node).map((peer) => ({
      nodeId: peer,
      contactMs: fixed.away?.includes(peer) === true ? 12_000 : 90,
      rttMs: fixed.away?.includes(peer) === true ? null : 0.8,
    })),
    fsync: { count: 4000, p50Ms: 1.1, p99Ms: 3.6 + node / 5, maxMs: 9 },
    commit: { count: 4000, p50Ms: 2.4, p99Ms: 7.9 + node / 10, maxMs: 21 },
    query: { count: 19_000, p50Ms: 0.3, p99Ms: 2.2, maxMs: 14 },
    writes: 9_120_388,
    writesFailed: 12,
    queries: 40_028_112,
    leaderChanges: 3,
    dbBytes: 1_310_000_000,
    walBytes: 4_100_000,
    logBytes: 268_000_000,
    diskFreeBytes: fixed.full?.includes(node) === true ? 0 : 41_000_000_000,
    pending: 0,
    loopLagMs: 3,
    snapshot: "idle",
    checksum: { index: COMMITTED - 13, hash: 77 },
    quarantine: null,
    diskFull: fixed.full?.includes(node) === true,
    ready: "ok",
    newestEvent: EVENTS.length,
  };
}

function seriesOf(fixed: FixedCluster): MemberSeries[] {
  return nodesOf(fixed).map((node) => {
    const away = fixed.away?.includes(node) === true;
    const count = away ? POINTS - 12 : POINTS;
    const atMs = Array.from(
      { length: count },
      (_, at) => NOW_MS - NOW_MS % 1000 - (POINTS - 1 - at) * 1000,
    );
    const columns = SERIES_COLUMNS.map((name, which) =>
      [
        name,
        atMs.map((_, at) => pointOf(fixed, name, node, at, which)),
      ] as const
    );
    return {
      nodeId: node,
      atMs,
      columns: Object.fromEntries(columns) as unknown as MemberSeries[
        "columns"
      ],
    };
  });
}

/** Waves, and something that is different each time and yet always the same. */
function pointOf(
  fixed: FixedCluster,
  name: SeriesColumn,
  node: number,
  at: number,
  which: number,
): number {
  const noise = (at * 7919 + which * 104_729 + node * 31) % 97 / 97;
  const wave = Math.sin(at / 23 + which) + Math.sin(at / 7 + node) / 3;
  switch (name) {
    case "writesPerSecond":
      return node === leaderOf(fixed)
        ? 410 + wave * 40 + noise * 30
        : noise * 4;
    case "queriesPerSecond":
      return 620 + wave * 60 + noise * 50;
    case "failedPerSecond":
      return at % 90 === 7 ? 2 : 0;
    case "lag":
      return node === leaderOf(fixed)
        ? 0
        : noise > 0.97
        ? Math.ceil(noise * node)
        : 0;
    case "pending":
      return Math.round(3 + wave * 2 + noise * 2);
    case "leads":
      return node === leaderOf(fixed) ? 1 : 0;
    default:
      return Math.max(0.4, 4 + wave + noise * 2);
  }
}

function event(
  number: number,
  secondsAgo: number,
  nodeId: number,
  rest: Pick<MemberEvent, "kind" | "text"> & Partial<MemberEvent>,
): MemberEvent {
  return {
    nodeId,
    number,
    atMs: NOW_MS - secondsAgo * 1000,
    group: "db",
    term: 17,
    about: null,
    count: 1,
    ...rest,
  };
}

const EVENTS: readonly MemberEvent[] = [
  event(1, 90_000, 1, { kind: "started", text: "version 0.1.0", term: 0 }),
  event(2, 7200, 1, {
    kind: "contact_lost",
    about: 3,
    text: "n3 says nothing any more: its link is down",
    term: 16,
  }),
  event(3, 7199, 2, {
    kind: "leader",
    text: "n2 leads in term 17, after n3 was not heard for 1.2 s",
  }),
  event(4, 7100, 1, { kind: "contact_regained", about: 3, text: "n3 is back" }),
  event(5, 600, 3, {
    kind: "writes_refused",
    text: "12 writes refused: overloaded",
    count: 12,
  }),
  event(6, 131, 2, {
    kind: "snapshot_sent",
    about: 3,
    text: "snapshot of entry 18,190,000 sent to n3, 1.3 GB in 41 s",
  }),
];
