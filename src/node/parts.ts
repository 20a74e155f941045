import type { NodeConfig } from "../config/types.ts";
import type {
  LinkAcceptor,
  NetworkEvents,
  PeerAddress,
  PeerIdentity,
  PeerNetwork,
} from "../network/port.ts";
import type { Clock } from "../util/clock.ts";
import type { Logger } from "../util/logger.ts";
import type { Random } from "../util/random.ts";
import type { RaftGroup } from "../group/group.ts";
import type { ListenerReport } from "./port.ts";
import type { SqlEngine } from "../state/sql/port.ts";
import type {
  CacheSpec,
  FollowingSpec,
  GroupInit,
  LoopPorts,
} from "./groups/spec.ts";
import type { BackupParts } from "./backups/ports.ts";
import type { Measures } from "./telemetry/own_report.ts";
import type { NodeVault } from "./volume/vault.ts";

/** The network as the node drives it. */
export interface NodeNetwork extends PeerNetwork, LinkAcceptor {
  /** Connections to the Raft listener that were refused. */
  readonly refusals: number;
}

/** What a node is made of; `open.ts` names the concrete parts. */
export interface NodeParts {
  readonly config: NodeConfig;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly vault: NodeVault;
  /** The feature levels that this release knows; see `state/level.ts`. */
  readonly levels: readonly string[];
  /** The groups beside the durable one. */
  readonly following: readonly FollowingSpec[];
  /** The group of the caches, which is one of them, too; null if they are turned off. */
  readonly caches: CacheSpec | null;
  /** What its configuration says of backups. */
  readonly backups: BackupParts;
  /** What runs the SQL here. */
  readonly engine: SqlEngine;
  /** What is measured below this member, and its version. */
  readonly measures: Measures;
  createNetwork(
    self: PeerIdentity,
    peers: readonly PeerAddress[],
    events: NetworkEvents,
  ): NodeNetwork;
  /** Builds the loop of a group; called once the member may take part in it. */
  createGroup(init: GroupInit, ports: LoopPorts): RaftGroup;
  /** The member cannot go on; called once. */
  fatal(error: Error): void;
  /** What listeners tell of themselves, for metrics. */
  listeners(): readonly ListenerReport[];
}
