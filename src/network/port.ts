import type { MemberId, NodeId } from "../raft/types.ts";

/** Which socket a frame takes. Frames of one lane arrive in order; lanes overtake one another. */
export type Lane =
  /** Votes, heartbeats, acknowledgements: never behind bulk data. */
  | "control"
  /** Entries, snapshots, forwarded requests. */
  | "bulk";

/** A group beside the durable one that a member hosts. */
export interface HostedMark {
  readonly group: number;
  /** What the member's id there is made of, 16 hex digits: another one once it has forgotten what it knew of the group. */
  readonly mark: string;
}

/** Who is at the other end of a link. */
export interface PeerIdentity {
  /** Node id and incarnation, proven by the handshake. */
  readonly id: MemberId;
  /** The cluster it belongs to; empty if it is new. */
  readonly clusterId: string;
  /** Where it listens, as it says: `host:port`. */
  readonly raftAddress: string;
  /** Where clients reach it. */
  readonly apiAddress: string;
  /** The newest feature level that its release knows. */
  readonly level: number;
  /** The groups it hosts, at most 16, without the durable one, which everybody hosts. */
  readonly groups: readonly HostedMark[];
  /** What runs its state, and the version: `node:sqlite 3.53.2`. */
  readonly engine: string;
}

/** What a network tells its member. */
export interface NetworkEvents {
  /** A frame from a peer whose identity is proven. The bytes are the receiver's. */
  frame(from: PeerIdentity, lane: Lane, bytes: Uint8Array): void;
  /** Both directions to a node work now. */
  linkUp(peer: PeerIdentity): void;
  /** A link that was up broke. */
  linkDown(node: NodeId): void;
}

/**
 * Links to the other members. Delivery is best effort: a frame may be lost when
 * a link breaks and is never duplicated, reordered within its lane, or delivered
 * to another incarnation than the one the link was made with.
 */
export interface Network {
  /** Queues a frame; false if there is no link or its queue is full (nothing was queued). */
  send(to: NodeId, lane: Lane, bytes: Uint8Array): boolean;
  /** The peer at the other end, if the link is up. */
  peer(node: NodeId): PeerIdentity | undefined;
  /** Bytes queued towards a node and not yet handed to the socket. */
  queued(node: NodeId, lane: Lane): number;
}

/** A member to keep a link with. */
export interface PeerAddress {
  /** Its number; never this member's own. */
  readonly id: NodeId;
  /** Where it listens for peers, `host:port`. */
  readonly address: string;
}

/** A {@linkcode Network} as its owner sees it. Links are kept with every listed peer, for ever. */
export interface PeerNetwork extends Network {
  /** Begins to make links; once. */
  start(): void;
  /** Breaks every link and releases everything. Idempotent. */
  close(): Promise<void>;
  /** Replaces the list of peers; links with those that stay at their address are not touched. */
  setPeers(peers: readonly PeerAddress[]): void;
  /** Breaks every link and makes them anew under another identity of the same node. */
  setIdentity(self: PeerIdentity): void;
}

/** What a link is sealed on: both directions of a connection. */
export type Wire = Pick<Deno.Conn, "read" | "write" | "close">;

/** A connection to the Raft listener that asked for a link, and was granted one. */
export interface LinkCaller {
  readonly connection: Wire;
  /** Where it comes from, for the log. */
  readonly from: string;
  /** What it has sent already. */
  readonly rest: Uint8Array;
  /** To be called once it has proven that it knows the secret: until then its time is short. */
  proven(): void;
  /** To be called when it is over: closes it. */
  gone(): void;
}

/** Who takes the connections that come to the Raft listener. */
export interface LinkAcceptor {
  /** Takes a connection over. */
  accept(caller: LinkCaller): void;
  /** Another connection was refused before it became a link; for the metrics. */
  refused(): void;
}
