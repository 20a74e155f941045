import type { NodeConfig } from "../config/types.ts";
import type {
  NetworkEvents,
  PeerAddress,
  PeerIdentity,
  PeerNetwork,
} from "../network/port.ts";
import type { Clock } from "../util/clock.ts";
import type { Logger } from "../util/logger.ts";
import type { Random } from "../util/random.ts";
import type { RaftGroup } from "../group/group.ts";
import type { GroupId } from "../group/messages.ts";
import type { GroupOptions } from "../group/ports.ts";
import type { Starter } from "./volume/boot.ts";
import type { Identity } from "./volume/identity.ts";
import type { LoopPorts } from "./groups/hosted_group.ts";
import type { Storage } from "./volume/vault.ts";

/** The network as the node drives it. */
export interface NodeNetwork extends PeerNetwork {
  /** Answers a peer that opens a link. */
  accept(request: Request): Response;
}

/** What is durable of the node, as it needs it. */
export interface NodeVault {
  readonly identity: Identity;
  readonly storage: Storage;
  save(identity: Identity): void;
  startOver(reason: string): Promise<void>;
  close(): Promise<void>;
}

/** A group beside the durable one: its members are the durable group's, and its life is in memory. */
export interface FollowingSpec {
  /** Its number on the wire, from 1. */
  readonly id: GroupId;
  /** Its name in logs, status and metrics. */
  readonly name: string;
  readonly options: GroupOptions;
  /** An empty log and machine; for each epoch anew. */
  open(): Storage;
}

/** What a group begins with on this member. */
export interface GroupInit {
  readonly starter: Starter;
  readonly storage: Storage;
  readonly options: GroupOptions;
}

/** What a node is made of; `open.ts` names the concrete parts. */
export interface NodeParts {
  readonly config: NodeConfig;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly vault: NodeVault;
  /** The newest feature level that this release knows. */
  readonly level: number;
  /** The groups beside the durable one. */
  readonly following: readonly FollowingSpec[];
  createNetwork(
    self: PeerIdentity,
    peers: readonly PeerAddress[],
    events: NetworkEvents,
  ): NodeNetwork;
  /** Builds the loop of a group; called once the member may take part in it. */
  createGroup(init: GroupInit, ports: LoopPorts): RaftGroup;
  /** The member cannot go on; called once. */
  fatal(error: Error): void;
}
