import type { GroupId, GroupMessage } from "../group/messages.ts";
import type { MemberId } from "../raft/types.ts";
import { nodeIdOf } from "../raft/types.ts";
import { MalformedBytesError } from "../util/bytes.ts";
import type { Logger } from "../util/logger.ts";
import {
  decodeBatch,
  decodeFrame,
  FrameKind,
  UnsupportedVersionError,
} from "./frame.ts";
import type { Lane, Network, PeerIdentity } from "./port.ts";
import { decodeMessage, encodeMessage } from "./raft_codec.ts";
import type { PeerRequests } from "./requests.ts";
import { decodeSnapshotFrame, encodeSnapshotFrame } from "./snapshot_codec.ts";

/** Beyond this many strange groups frames are only counted. */
const REPORTED_MAX = 16;

/** A group as its frames see it. */
export interface RoutedGroup {
  readonly id: GroupId;
  /** This member's id in the group. */
  readonly self: MemberId;
  /** The id that a peer has in the group. */
  memberOf(peer: PeerIdentity): MemberId;
  receive(message: GroupMessage): void;
}

/** What a router stands between. */
export interface RouterPorts {
  readonly network: Network;
  readonly requests: PeerRequests;
  readonly logger: Logger;
  /** Empty until the member belongs to a cluster. */
  clusterId(): string;
  /** The group with this number, if this member hosts it. */
  group(id: GroupId): RoutedGroup | undefined;
}

/** Puts messages of groups into frames and onto their lane, and takes each frame to the group it is for. */
export class GroupRouter {
  readonly #ports: RouterPorts;
  /** Groups that were reported as not hosted. */
  readonly #reported = new Set<GroupId>();
  #dropped = 0;

  /** Between a network and the groups of a member. */
  constructor(ports: RouterPorts) {
    this.#ports = ports;
  }

  /** Frames that were dropped because this member does not host their group. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Sends a message to the very incarnation it is for; false if that is not there. */
  send(group: RoutedGroup, message: GroupMessage): boolean {
    const { network } = this.#ports;
    const node = nodeIdOf(message.to);
    const peer = network.peer(node);
    if (peer === undefined || group.memberOf(peer) !== message.to) return false;
    switch (message.type) {
      case "snapshotChunk":
        return network.send(
          node,
          "bulk",
          encodeSnapshotFrame(group.id, message),
        );
      case "snapshotAck":
        return network.send(
          node,
          "control",
          encodeSnapshotFrame(group.id, message),
        );
      case "appendEntries":
        return network.send(node, "bulk", encodeMessage(group.id, message));
      default:
        return network.send(node, "control", encodeMessage(group.id, message));
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
      case FrameKind.raft: {
        const { group, message } = decodeMessage(bytes);
        return this.#receive(from, group, message);
      }
      case FrameKind.snapshotChunk: {
        const { group, message } = decodeSnapshotFrame(body);
        return this.#receive(from, group, message);
      }
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
  #receive(from: PeerIdentity, id: GroupId, message: GroupMessage): void {
    const group = this.#ports.group(id);
    if (group === undefined) return this.#drop(from, id);
    if (message.from !== group.memberOf(from)) return;
    if (message.to !== group.self) return;
    if (from.clusterId !== this.#ports.clusterId()) return;
    group.receive(message);
  }

  /** A member of a newer release, or with another configuration, may host groups that this one does not. */
  #drop(from: PeerIdentity, id: GroupId): void {
    this.#dropped++;
    if (this.#reported.has(id) || this.#reported.size >= REPORTED_MAX) return;
    this.#reported.add(id);
    this.#ports.logger.warn(
      `dropped a frame of ${from.id} for group ${id}, which this member does not host; more of them are only counted`,
    );
  }
}
