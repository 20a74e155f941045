import type { JsonMember } from "../src/api/cluster_status.ts";
import type { MemberReport, MemberSight } from "../src/node/telemetry_port.ts";
import type { Checksums, ClusterView } from "./cluster_view.ts";

/** How the cluster is. */
export interface Health {
  readonly level: "ok" | "warning" | "danger";
  /** One word or two. */
  readonly word: string;
  /** What else there is to say, such as `3 of 3 · leader n2`. */
  readonly detail: string;
}

/** A member of the cluster as the asked one sees it. */
export interface MemberView {
  readonly id: string;
  readonly nodeId: number;
  readonly role: JsonMember["role"];
  /** Whether the asked member hears of it. */
  readonly reachable: boolean;
  readonly sight: MemberSight | null;
  /** Entries that are committed and it has not applied; null: not known. */
  readonly lag: number | null;
  /** Since it was heard of, ms; null: it is the asked one, or never was. */
  readonly silentMs: number | null;
  readonly raftAddress: string;
  readonly apiAddress: string;
}

/** A member is behind when it has not applied so many entries. */
export const LAGGING = 1000;

/** So many indices with checksums are remembered. */
const CHECKSUMS = 8;

/** A report is old when it is as old as this, ms. */
const OLD_MS = 2500;

/** The members, by node. */
export function membersOf(view: ClusterView): MemberView[] {
  const { cluster, sights } = view;
  const heard = sights.map(({ report }) => report?.commitIndex ?? 0);
  const commit = Math.max(cluster.commit_index, ...heard);
  return cluster.members.map((member): MemberView => {
    const sight = sights.find(({ nodeId }) => nodeId === member.node_id) ??
      null;
    const report = sight?.report ?? null;
    const age = sight?.ageMs ?? null;
    const own = member.node_id === view.nodeId;
    return {
      id: member.id,
      nodeId: member.node_id,
      role: roleOf(member, cluster.leader),
      reachable: own || (member.connected && (age === null || age < OLD_MS)),
      sight,
      lag: report === null ? null : Math.max(0, commit - report.appliedIndex),
      silentMs: own ? null : age,
      raftAddress: member.raft_address,
      apiAddress: member.api_address,
    };
  }).sort((a, b) => a.nodeId - b.nodeId);
}

function roleOf(
  member: JsonMember,
  leader: string | null,
): JsonMember["role"] {
  if (member.id === leader) return "leader";
  return member.role === "leader" ? "voter" : member.role;
}

/** How the cluster is, from what one member sees. */
export function healthOf(view: ClusterView): Health {
  const members = membersOf(view);
  const voters = members.filter(({ role }) => role !== "learner");
  const there = members.filter(({ reachable }) => reachable);
  const leader = members.find(({ role }) => role === "leader");
  const votersThere = voters.filter(({ reachable }) => reachable).length;
  const count = `${there.length} of ${members.length}`;
  if (leader === undefined || votersThere * 2 <= voters.length) {
    return { level: "danger", word: "No leader", detail: count };
  }
  const detail = members.length === 1
    ? "one member"
    : `${count} · leader n${leader.nodeId}`;
  const trouble = troubleOf(view, members);
  if (trouble !== null) return { ...trouble, detail };
  return { level: "ok", word: "Healthy", detail };
}

function troubleOf(
  view: ClusterView,
  members: readonly MemberView[],
): Omit<Health, "detail"> | null {
  const reports = members.map(({ sight }) => sight?.report ?? null);
  if (differing(view).length > 0) {
    return { level: "danger", word: "Replicas differ" };
  }
  if (reports.some((report) => report?.diskFull === true)) {
    return { level: "danger", word: "Disk full" };
  }
  if (reports.some((report) => (report?.quarantine ?? null) !== null)) {
    return { level: "danger", word: "Quarantined" };
  }
  const away = members.filter(({ reachable }) => !reachable);
  if (away.length > 0) {
    const names = away.map(({ nodeId }) => `n${nodeId}`).join(", ");
    return { level: "warning", word: `${names} not reachable` };
  }
  const behind = members.filter(({ lag }) => (lag ?? 0) >= LAGGING);
  if (behind.length > 0) {
    const names = behind.map(({ nodeId }) => `n${nodeId}`).join(", ");
    return { level: "warning", word: `${names} behind` };
  }
  return null;
}

/** Nodes whose state has another checksum than most others at the same index; all of them where there is no such majority. */
export function differing({ sights, checksums }: ClusterView): number[] {
  return sights.flatMap(({ nodeId, report }) => {
    const checksum = report?.checksum ?? null;
    if (checksum === null) return [];
    const counts = new Map<number, number>();
    for (const hash of checksums.get(checksum.index)?.values() ?? []) {
      counts.set(hash, (counts.get(hash) ?? 0) + 1);
    }
    const own = counts.get(checksum.hash) ?? 0;
    const others = [...counts].filter(([hash]) => hash !== checksum.hash)
      .map(([, count]) => count);
    return others.some((count) => count >= own) ? [nodeId] : [];
  }).sort((a, b) => a - b);
}

/** The largest index at which every member told the same checksum; null: there is none. */
export function identicalAt(
  { cluster, checksums }: ClusterView,
): number | null {
  const nodes = cluster.members.map(({ node_id: node }) => node);
  if (nodes.length < 2) return null;
  const same = [...checksums].filter(([, told]) =>
    nodes.every((node) => told.has(node)) && new Set(told.values()).size === 1
  ).map(([index]) => index);
  return same.length === 0 ? null : Math.max(...same);
}

/** Checksums told before with those that are told now. Members tell theirs at different moments. */
export function withChecksums(
  before: Checksums,
  sights: readonly MemberSight[],
): Checksums {
  const all = new Map(before);
  for (const { nodeId, report } of sights) {
    if (report === null || report.checksum === null) continue;
    const { index, hash } = report.checksum;
    all.set(index, new Map([...all.get(index) ?? [], [nodeId, hash]]));
  }
  return new Map([...all].sort(([a], [b]) => a - b).slice(-CHECKSUMS));
}

/** What a cluster with so many voters bears, some of which are away: `majority 2 of 3, tolerates 1 failure`. */
export function toleranceOf(voters: number, away = 0): string {
  const majority = Math.floor(voters / 2) + 1;
  const failures = voters - majority - away;
  const more = away === 0 ? "" : " more";
  return `majority ${majority} of ${voters}, ${
    failures < 0
      ? "which is not there"
      : failures === 0
      ? `no${more} failure tolerated`
      : `tolerates ${failures}${more} ${
        failures === 1 ? "failure" : "failures"
      }`
  }`;
}

/** Bytes of a member's database with SQLite's log beside it, where what was written last is. */
export function databaseBytes(
  report: Pick<MemberReport, "dbBytes" | "walBytes"> | null | undefined,
): number | null {
  return report ? report.dbBytes + report.walBytes : null;
}
