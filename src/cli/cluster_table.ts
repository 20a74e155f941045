import type { ClusterStatus } from "../node/port.ts";
import { tableLines } from "./table.ts";

/** A cluster as a table. */
export function statusLines(status: ClusterStatus): string[] {
  const leader = status.members.find(({ id }) => id === status.leader);
  const rows = status.members.map((member) => [
    `${member.nodeId}${member.id === status.self ? "*" : ""}`,
    member.role,
    member.connected ? "yes" : "no",
    member.matchIndex === null ? "-" : `${member.matchIndex}`,
    member.raftAddress,
    member.apiAddress,
    member.id,
  ]);
  const table = [
    ["NODE", "ROLE", "CONNECTED", "MATCH", "RAFT", "API", "MEMBER"],
    ...rows,
  ];
  return [
    `Cluster ${status.clusterId || "(none yet)"}, term ${status.term}, leader ${
      leader === undefined ? "unknown" : `node ${leader.nodeId}`
    }${status.joint ? ", membership is changing" : ""}`,
    `Log ${status.firstIndex}..${status.lastIndex}, committed ${status.commitIndex}, applied ${status.appliedIndex} (as node with * sees it)`,
    ...tableLines(table),
  ];
}
