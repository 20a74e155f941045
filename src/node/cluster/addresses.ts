import type { NodeAddress, NodeConfig } from "../../config/types.ts";
import type { PeerAddress, PeerIdentity } from "../../network/port.ts";
import type { NodeId } from "../../raft/types.ts";
import type { SqlEngine } from "../../state/sql/port.ts";
import {
  type Identity,
  keptLifeOf,
  memberIdOf,
  startIdOf,
} from "../volume/identity.ts";

/** What a member is made of, as its peers hear of it. */
export interface SelfParts {
  readonly config: NodeConfig;
  readonly levels: readonly string[];
  readonly following: readonly {
    readonly id: number;
    readonly name: string;
    readonly housing: { readonly kind: "memory" | "disk" };
  }[];
  readonly engine: SqlEngine;
}

/** What a member tells its peers about itself. */
export function selfOf(
  identity: Identity,
  { config, levels, following, engine }: SelfParts,
): PeerIdentity {
  const { nodeId, clusterId } = identity;
  const own = config.nodes.find(({ id }) => id === nodeId)!;
  return {
    id: memberIdOf(identity),
    clusterId,
    raftAddress: own.raft,
    apiAddress: own.api,
    level: levels.length,
    groups: following.map(({ id: group, name, housing }) => ({
      group,
      mark: housing.kind === "memory"
        ? startIdOf(identity)
        : keptLifeOf(identity, name).mark,
    })),
    engine: `${engine.name} ${engine.version}`,
  };
}

/** {@linkcode selfOf} the present identity, made anew only when that is another one: it is asked for with every frame. */
export function presentSelf(
  identity: () => Identity,
  parts: SelfParts,
): () => PeerIdentity {
  let of = identity();
  let self = selfOf(of, parts);
  return () => {
    const present = identity();
    if (present !== of) {
      of = present;
      self = selfOf(present, parts);
    }
    return self;
  };
}

/** The other nodes a member knows: those it has heard of, and those that are configured, whose addresses win. */
export function peersOf(identity: Identity, config: NodeConfig): NodeAddress[] {
  const { nodeId, addresses } = identity;
  const all = new Map<NodeId, NodeAddress>();
  for (const [id, { raft, api }] of Object.entries(addresses)) {
    all.set(Number(id), { id: Number(id), raft, api });
  }
  for (const node of config.nodes) all.set(node.id, node);
  all.delete(nodeId);
  return [...all.values()];
}

/** Where links to those nodes go. */
export function linksOf(identity: Identity, config: NodeConfig): PeerAddress[] {
  return peersOf(identity, config).map(({ id, raft }) => ({
    id,
    address: raft,
  }));
}
