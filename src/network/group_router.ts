import {
  decodeBatch,
  decodeFrame,
  FrameKind,
  UnsupportedVersionError,
} from "./frame.ts";
import type { Lane, Network, PeerIdentity } from "./port.ts";
import { decodeMessage, encodeMessage } from "./raft_codec.ts";
import { nodeIdOf } from "../raft/types.ts";
import { MalformedBytesError } from "../util/bytes.ts";
import type { Logger } from "../util/logger.ts";
import { type Identity, memberIdOf } from "../node/volume/identity.ts";
import type { GroupMessage } from "../group/messages.ts";
import type { PeerRequests } from "./requests.ts";
import { decodeSnapshotFrame, encodeSnapshotFrame } from "./snapshot_codec.ts";

/** The group of the SQLite database; others will follow. */
const SQLITE_GROUP = 0;

/** What traffic flows between. */
export interface TrafficPorts {
  readonly network: Network;
  readonly requests: PeerRequests;
  readonly logger: Logger;
  identity(): Identity;
  receive(message: GroupMessage): void;
}

/** Puts messages into frames and onto their lane, and frames back into messages. */
export class Traffic {
  readonly #ports: TrafficPorts;

  /** Between a network and a group. */
  constructor(ports: TrafficPorts) {
    this.#ports = ports;
  }

  /** Sends a message to the very incarnation it is for; false if that is not there. */
  send(message: GroupMessage): boolean {
    const { network } = this.#ports;
    const node = nodeIdOf(message.to);
    if (network.peer(node)?.id !== message.to) return false;
    switch (message.type) {
      case "snapshotChunk":
        return network.send(
          node,
          "bulk",
          encodeSnapshotFrame(SQLITE_GROUP, message),
        );
      case "snapshotAck":
        return network.send(
          node,
          "control",
          encodeSnapshotFrame(SQLITE_GROUP, message),
        );
      case "appendEntries":
        return network.send(node, "bulk", encodeMessage(SQLITE_GROUP, message));
      default:
        return network.send(
          node,
          "control",
          encodeMessage(SQLITE_GROUP, message),
        );
    }
  }

  /** A frame arrived. What a peer sends wrongly is dropped and reported. */
  onFrame(from: PeerIdentity, lane: Lane, bytes: Uint8Array): void {
    try {
      this.#dispatch(from, lane, bytes);
    } catch (error) {
      const known = error instanceof MalformedBytesError ||
        error instanceof UnsupportedVersionError;
      if (!known) throw error;
      this.#ports.logger.warn(
        `dropped a frame of ${from.id}: ${error.message}`,
      );
    }
  }

  #dispatch(from: PeerIdentity, lane: Lane, bytes: Uint8Array): void {
    const node = nodeIdOf(from.id);
    const { kind, body } = decodeFrame(bytes);
    switch (kind) {
      case FrameKind.raft:
        return this.#receive(from, decodeMessage(bytes).message);
      case FrameKind.snapshotChunk:
        return this.#receive(from, decodeSnapshotFrame(body).message);
      case FrameKind.request:
        return this.#ports.requests.onRequest(from, node, lane, body);
      case FrameKind.response:
        return this.#ports.requests.onResponse(node, body);
      case FrameKind.batch:
        for (const frame of decodeBatch(body)) this.onFrame(from, lane, frame);
        return;
      default:
        this.#ports.logger.debug(`ignored a frame of unknown kind ${kind}`);
    }
  }

  /** Only what its sender wrote, for this very incarnation, in this cluster. */
  #receive(from: PeerIdentity, message: GroupMessage): void {
    const identity = this.#ports.identity();
    if (message.from !== from.id || message.to !== memberIdOf(identity)) return;
    if (from.clusterId !== identity.clusterId) return;
    this.#ports.receive(message);
  }
}
