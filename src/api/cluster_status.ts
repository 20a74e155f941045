import type { ClusterStatus, GroupStatus, MemberStatus } from "../node/port.ts";
import {
  arrayOf,
  BOOLEAN,
  INTEGER,
  type NamedSchemas,
  object,
  TEXT,
} from "./json_schema.ts";

const MEMBER = object({
  id: TEXT,
  node_id: INTEGER,
  raft_address: TEXT,
  api_address: TEXT,
  role: { enum: ["leader", "voter", "learner"] },
  connected: BOOLEAN,
  match_index: { type: ["integer", "null"] },
});

const GROUP = {
  self: TEXT,
  leader: { type: ["string", "null"] },
  term: INTEGER,
  commit_index: INTEGER,
  applied_index: INTEGER,
  last_index: INTEGER,
  first_index: INTEGER,
  joint: BOOLEAN,
  members: arrayOf(MEMBER),
};

/** The schema of a cluster's status. */
export const CLUSTER_SCHEMAS: NamedSchemas = {
  Cluster: object({
    cluster_id: TEXT,
    ...GROUP,
    groups: arrayOf(object({ name: TEXT, ...GROUP })),
  }),
};

/** A member in JSON. */
export interface JsonMember {
  readonly id: string;
  readonly node_id: number;
  readonly raft_address: string;
  readonly api_address: string;
  readonly role: MemberStatus["role"];
  readonly connected: boolean;
  readonly match_index: number | null;
}

/** A group's status in JSON. */
export interface JsonGroup {
  readonly self: string;
  readonly leader: string | null;
  readonly term: number;
  readonly commit_index: number;
  readonly applied_index: number;
  readonly last_index: number;
  readonly first_index: number;
  readonly joint: boolean;
  readonly members: readonly JsonMember[];
}

/** A cluster's status in JSON. */
export interface JsonCluster extends JsonGroup {
  readonly cluster_id: string;
  readonly groups: readonly (JsonGroup & { readonly name: string })[];
}

/** The JSON form of a cluster's status. */
export function clusterToJson(status: ClusterStatus): JsonCluster {
  return {
    cluster_id: status.clusterId,
    ...groupToJson(status),
    groups: status.groups.map((group) => ({
      name: group.name,
      ...groupToJson(group),
    })),
  };
}

function groupToJson(status: GroupStatus): JsonGroup {
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
export function clusterFromJson(json: JsonCluster): ClusterStatus {
  return {
    clusterId: json.cluster_id,
    ...groupFromJson(json),
    groups: json.groups.map((group) => ({
      name: group.name,
      ...groupFromJson(group),
    })),
  };
}

function groupFromJson(json: JsonGroup): GroupStatus {
  return {
    self: json.self,
    leader: json.leader,
    term: json.term,
    commitIndex: json.commit_index,
    appliedIndex: json.applied_index,
    lastIndex: json.last_index,
    firstIndex: json.first_index,
    joint: json.joint,
    members: json.members.map((member) => ({
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
