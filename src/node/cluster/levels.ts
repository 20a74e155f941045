import type { RaftGroup } from "../../group/group.ts";
import type { Network } from "../../network/port.ts";
import { membersOf } from "../../raft/configuration.ts";
import { nodeIdOf } from "../../raft/types.ts";
import type { ClusterFacts, FactChange } from "../../state/cluster_facts.ts";
import type { Logger } from "../../util/logger.ts";

/** What raising the level needs from its node. */
export interface LevelPorts {
  readonly network: Network;
  readonly logger: Logger;
  /** See `state/level.ts`. */
  readonly levels: readonly string[];
  group(): RaftGroup | null;
  facts(): ClusterFacts;
  change(change: FactChange): void;
}

/**
 * Raises the cluster's feature level by one once every member is there and knows
 * the next one. A member that cannot be reached may be an old one, so everybody waits for it.
 */
export function raiseLevel(ports: LevelPorts): void {
  const group = ports.group();
  if (group?.core.role !== "leader") return;
  const next = ports.facts().level + 1;
  const release = ports.levels[next - 1];
  if (release === undefined) return;
  const { config, id } = group.core.status();
  const known = membersOf(config).every((member) => {
    if (member === id) return true;
    const peer = ports.network.peer(nodeIdOf(member));
    return peer?.id === member && peer.level >= next;
  });
  if (!known) return;
  ports.logger.info(`every member knows feature level ${next}: raising it`);
  ports.change({ kind: "level", level: next, release });
}
