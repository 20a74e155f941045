import type { ClusterStatus, MembershipRequest } from "../../node/port.ts";
import { addressField, fieldsOf, nodeIdField } from "../fields.ts";
import {
  clusterFromJson,
  clusterToJson,
  type JsonCluster,
} from "../cluster_status.ts";
import { INTEGER, object, reference, TEXT } from "../json_schema.ts";
import { invalid } from "../json.ts";
import type { MemberRoute, ReplyCodec } from "../route.ts";
import type { NodeId } from "../../raft/types.ts";

const STATUS_REPLY: ReplyCodec<ClusterStatus> = {
  format: "json",
  statuses: { 200: "Done." },
  schema: reference("Cluster"),
  encode: clusterToJson,
  decode: (body) => clusterFromJson(body as JsonCluster),
};

/** What the changes have in common. A change that may have been made is never sent again. */
const CHANGE = {
  method: "POST",
  scope: "admin",
  repeat: "never",
  reply: STATUS_REPLY,
} as const;

/** `GET /api/v1/cluster` */
export const CLUSTER: MemberRoute<void, ClusterStatus> = {
  method: "GET",
  path: "/api/v1/cluster",
  summary: "The cluster as this member sees it.",
  scope: "read",
  repeat: "safe",
  reply: STATUS_REPLY,
  ask: (member) => member.cluster(),
};

/** `POST /api/v1/cluster/transfer`; the request is the target, or undefined for the best voter. */
export const TRANSFER: MemberRoute<NodeId | undefined, ClusterStatus> = {
  ...CHANGE,
  path: "/api/v1/cluster/transfer",
  summary: "Move leadership, by default to the most up-to-date voter.",
  request: {
    schema: object({ node_id: INTEGER }),
    encode: (target) => ({ node_id: target }),
    decode: (json) => nodeIdField(fieldsOf(json, ["node_id"])),
  },
  ask: (member, target) => member.transferLeadership(target),
};

/** The routes of membership changes, by action. */
export const MEMBERSHIP: Readonly<
  Record<
    MembershipRequest["action"],
    MemberRoute<MembershipRequest, ClusterStatus>
  >
> = {
  "add-learner": membershipRoute(
    "add-learner",
    "Add a member that replicates and does not vote.",
  ),
  promote: membershipRoute(
    "promote",
    "Make a learner a voter, once it has caught up.",
  ),
  demote: membershipRoute("demote", "Make a voter a learner."),
  remove: membershipRoute("remove", "Remove a member."),
};

/** The routes that show and change a cluster. */
export const CLUSTER_ROUTES = { CLUSTER, TRANSFER, ...MEMBERSHIP };

function membershipRoute(
  action: MembershipRequest["action"],
  summary: string,
): MemberRoute<MembershipRequest, ClusterStatus> {
  const addresses = action === "add-learner"
    ? ["raft_address", "api_address"]
    : [];
  return {
    ...CHANGE,
    path: `/api/v1/cluster/${action}`,
    summary,
    request: {
      schema: object({
        node_id: INTEGER,
        ...Object.fromEntries(addresses.map((name) => [name, TEXT])),
      }, ["node_id"]),
      encode: ({ nodeId, raftAddress, apiAddress }) => ({
        node_id: nodeId,
        raft_address: raftAddress,
        api_address: apiAddress,
      }),
      decode: (json) => decodeMembership(action, addresses, json),
    },
    ask: (member, request) => member.changeMembership(request),
  };
}

function decodeMembership(
  action: MembershipRequest["action"],
  addresses: readonly string[],
  json: unknown,
): MembershipRequest {
  const fields = fieldsOf(json, ["node_id", ...addresses]);
  const nodeId = nodeIdField(fields);
  if (nodeId === undefined) throw invalid("node_id", "is missing");
  const raftAddress = addressField(fields, "raft_address");
  const apiAddress = addressField(fields, "api_address");
  if (apiAddress !== undefined && raftAddress === undefined) {
    throw invalid("api_address", "needs raft_address beside it");
  }
  return {
    action,
    nodeId,
    ...(raftAddress === undefined ? {} : { raftAddress }),
    ...(apiAddress === undefined ? {} : { apiAddress }),
  };
}
