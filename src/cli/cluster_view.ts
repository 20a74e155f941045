import type { ClusterStatus } from "../node/port.ts";
import type { MemberReport, MemberSight } from "../node/telemetry_port.ts";
import { clusterToJson } from "../api/cluster_status.ts";
import { toldToJson } from "../api/telemetry_json.ts";
import { bytesText, durationText } from "./amount_text.ts";
import { statusLines } from "./cluster_table.ts";
import { printable } from "./shell/value_text.ts";
import { tableLines } from "./table.ts";

/** A cluster as one member sees it, with what all say of themselves. */
export interface ClusterView {
  readonly status: ClusterStatus;
  readonly sights: readonly MemberSight[];
}

/** How a cluster is, and why it is not better. */
export interface ClusterVerdict {
  readonly health: "healthy" | "degraded" | "no quorum";
  readonly problems: readonly string[];
}

/** The exit code that says how a cluster is. */
export const EXIT_CODES: Readonly<Record<ClusterVerdict["health"], number>> = {
  healthy: 0,
  degraded: 4,
  "no quorum": 5,
};

/** A report that is older, of a member that is linked, means that it hangs, ms. */
const STALE_MS = 5_000;
/** More entries behind than this is a problem. */
const LAG_MAX = 10_000;

/** Judges a cluster by what one member knows. */
export function judge({ status, sights }: ClusterView): ClusterVerdict {
  const problems: string[] = [];
  const commit = commitOf(sights);
  for (const { nodeId, connected } of status.members) {
    const sight = sights.find((each) => each.nodeId === nodeId);
    const name = `node ${nodeId}`;
    if (!connected) problems.push(`${name} is not reached`);
    else if (!sight?.report) problems.push(`${name} says nothing`);
    else if (sight.ageMs! > STALE_MS) {
      const age = durationText(sight.ageMs!);
      problems.push(`${name} has said nothing for ${age}`);
    } else problems.push(...problemsOf(name, sight.report, commit));
  }
  problems.push(...differing(sights));
  const voters = status.members.filter(({ role }) => role !== "learner");
  const reached = voters.filter(({ connected }) => connected).length;
  if (status.leader === null) problems.unshift("nobody leads");
  const quorum = status.leader !== null && reached > voters.length / 2;
  return {
    health: !quorum
      ? "no quorum"
      : problems.length > 0
      ? "degraded"
      : "healthy",
    problems,
  };
}

function problemsOf(
  name: string,
  report: MemberReport,
  commit: number,
): string[] {
  const { quarantine, diskFull, ready, appliedIndex } = report;
  const behind = commit - appliedIndex;
  if (quarantine !== null) return [`${name} serves nobody: ${quarantine}`];
  if (diskFull) return [`${name} has no room`];
  if (ready !== "ok") return [`${name} is not ready: ${ready}`];
  return behind > LAG_MAX ? [`${name} is ${behind} entries behind`] : [];
}

/** Members that have another checksum at the same index. */
function differing(sights: readonly MemberSight[]): string[] {
  const first = new Map<number, { nodeId: number; hash: number }>();
  const found: string[] = [];
  for (const { nodeId, report } of sights) {
    if (!report?.checksum) continue;
    const { index, hash } = report.checksum;
    const other = first.get(index);
    if (other === undefined) first.set(index, { nodeId, hash });
    else if (other.hash !== hash) {
      found.push(
        `the states of node ${other.nodeId} and node ${nodeId} differ at index ${index}`,
      );
    }
  }
  return found;
}

function commitOf(sights: readonly MemberSight[]): number {
  return Math.max(0, ...sights.map(({ report }) => report?.commitIndex ?? 0));
}

/** A cluster for people. */
export function viewLines(view: ClusterView): string[] {
  const { health, problems } = judge(view);
  const { members } = view.status;
  const reached = members.filter(({ connected }) => connected).length;
  return [
    ...statusLines(view.status),
    "",
    ...reportLines(view.sights),
    "",
    `${
      health[0]!.toUpperCase() + health.slice(1)
    }: ${reached} of ${members.length} members are reached`,
    ...problems.map((problem) => `  ${printable(problem)}`),
  ];
}

/** A cluster for programs. */
export function viewToJson(view: ClusterView): object {
  const { health, problems } = judge(view);
  return {
    ...clusterToJson(view.status),
    health: health.replace(" ", "_"),
    problems,
    reports: toldToJson(view.sights),
  };
}

function reportLines(sights: readonly MemberSight[]): string[] {
  const commit = commitOf(sights);
  const rows = sights.map(({ nodeId, report, ageMs }) =>
    report === null ? [`${nodeId}`, ...COLUMNS.map(() => "-")] : [
      `${nodeId}`,
      ...COLUMNS.map(([, cell]) => cell(report, commit, ageMs ?? 0)),
    ]
  );
  return tableLines(
    [["NODE", ...COLUMNS.map(([title]) => title)], ...rows],
    true,
  );
}

const COLUMNS: readonly (readonly [
  title: string,
  cell: (report: MemberReport, commit: number, ageMs: number) => string,
])[] = [
  ["SAID", (_report, _commit, ageMs) => durationText(ageMs)],
  ["UP", ({ uptimeMs }) => durationText(uptimeMs)],
  ["APPLIED", ({ appliedIndex }) => `${appliedIndex}`],
  [
    "LAG",
    ({ appliedIndex }, commit) => `${Math.max(0, commit - appliedIndex)}`,
  ],
  ["CONTACT", ({ contactMs }) => optional(contactMs)],
  ["FSYNC P99", ({ fsync }) => optional(fsync?.p99Ms ?? null)],
  ["WRITE P99", ({ commit }) => optional(commit?.p99Ms ?? null)],
  ["WAITING", ({ pending }) => `${pending}`],
  ["LOOP", ({ loopLagMs }) => durationText(loopLagMs)],
  ["DB", ({ dbBytes }) => bytesText(dbBytes)],
  ["WAL", ({ walBytes }) => bytesText(walBytes)],
  ["LOG", ({ logBytes }) => bytesText(logBytes)],
  [
    "FREE",
    ({ diskFreeBytes }) =>
      diskFreeBytes === null ? "-" : bytesText(diskFreeBytes),
  ],
  ["SNAPSHOT", ({ snapshot }) => snapshot === "idle" ? "-" : snapshot],
  ["VERSION", ({ version }) => printable(version)],
];

function optional(ms: number | null): string {
  return ms === null ? "-" : durationText(ms);
}
