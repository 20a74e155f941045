import type {
  ClusterStatus,
  GroupStatus,
  MembershipRequest,
  MemberStatus,
} from "../node/port.ts";
import {
  rowsFromJson,
  rowsToJson,
  valueFromJson,
  valueToJson,
} from "./json.ts";
import type { StatementResult } from "../state/sql/types.ts";

/** What a statement did, in JSON. `columns` and `rows` are there if it returned columns. */
export interface WireResult {
  readonly rows_affected: number;
  readonly last_insert_rowid: unknown;
  readonly columns?: readonly string[];
  readonly rows?: unknown;
}

/** An error in JSON, beside which a batch has `results`. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  /** Which statement of a transaction or batch, from 0. */
  readonly statement?: number;
}

/** The JSON form of a statement's result. */
export function resultToWire(result: StatementResult): WireResult {
  return {
    rows_affected: result.rowsAffected,
    last_insert_rowid: valueToJson(result.lastInsertRowid, "rowid"),
    ...(result.columns.length > 0
      ? { columns: result.columns, rows: rowsToJson(result.rows) }
      : {}),
  };
}

/** A statement's result from JSON. */
export function resultFromWire(wire: WireResult): StatementResult {
  return {
    rowsAffected: wire.rows_affected,
    lastInsertRowid: valueFromJson(wire.last_insert_rowid, "rowid") as
      | number
      | bigint
      | null,
    columns: wire.columns ?? [],
    rows: wire.rows === undefined ? [] : rowsFromJson(wire.rows),
  };
}

/** A member in JSON. */
export interface WireMember {
  readonly id: string;
  readonly node_id: number;
  readonly raft_address: string;
  readonly api_address: string;
  readonly role: MemberStatus["role"];
  readonly connected: boolean;
  readonly match_index: number | null;
}

/** A group in JSON. */
export interface WireGroup {
  readonly self: string;
  readonly leader: string | null;
  readonly term: number;
  readonly commit_index: number;
  readonly applied_index: number;
  readonly last_index: number;
  readonly first_index: number;
  readonly joint: boolean;
  readonly members: readonly WireMember[];
}

/** A cluster in JSON. */
export interface WireCluster extends WireGroup {
  readonly cluster_id: string;
  readonly groups: readonly (WireGroup & { readonly name: string })[];
}

/** The JSON form of a cluster's status. */
export function clusterToWire(status: ClusterStatus): WireCluster {
  return {
    cluster_id: status.clusterId,
    ...groupToWire(status),
    groups: status.groups.map((group) => ({
      name: group.name,
      ...groupToWire(group),
    })),
  };
}

function groupToWire(status: GroupStatus): WireGroup {
  return {
    self: status.self,
    leader: status.leader,
    term: status.term,
    commit_index: status.commitIndex,
    applied_index: status.appliedIndex,
    last_index: status.lastIndex,
    first_index: status.firstIndex,
    joint: status.joint,
    members: status.members.map((member) => ({
      id: member.id,
      node_id: member.nodeId,
      raft_address: member.raftAddress,
      api_address: member.apiAddress,
      role: member.role,
      connected: member.connected,
      match_index: member.matchIndex,
    })),
  };
}

/** A cluster's status from JSON. */
export function clusterFromWire(wire: WireCluster): ClusterStatus {
  return {
    clusterId: wire.cluster_id,
    ...groupFromWire(wire),
    groups: wire.groups.map((group) => ({
      name: group.name,
      ...groupFromWire(group),
    })),
  };
}

function groupFromWire(wire: WireGroup): GroupStatus {
  return {
    self: wire.self,
    leader: wire.leader,
    term: wire.term,
    commitIndex: wire.commit_index,
    appliedIndex: wire.applied_index,
    lastIndex: wire.last_index,
    firstIndex: wire.first_index,
    joint: wire.joint,
    members: wire.members.map((member) => ({
      id: member.id,
      nodeId: member.node_id,
      raftAddress: member.raft_address,
      apiAddress: member.api_address,
      role: member.role,
      connected: member.connected,
      matchIndex: member.match_index,
    })),
  };
}

/** The JSON form of a membership change, without its action, which is the route. */
export function membershipToWire(request: MembershipRequest): unknown {
  return {
    node_id: request.nodeId,
    raft_address: request.raftAddress,
    api_address: request.apiAddress,
  };
}
