import type { NodeId } from "../raft/types.ts";
import { Dial } from "./dial.ts";
import type { LinkContext } from "./link_options.ts";
import type { LinkConnection } from "./link_connection.ts";
import type { Lane, PeerIdentity } from "./port.ts";

/** Attempts at the configured address while the peer itself can reach this member, before another one is tried. */
const FRUITLESS_MAX = 5;

/** A connection the peer opened and on which this member sends. */
interface Accepted {
  readonly connection: LinkConnection;
  readonly peer: PeerIdentity;
}

/**
 * The link with one node: two connections this member opened to receive, two
 * the peer opened for this member to send. It is up while all four are proven
 * by the same identity.
 */
export class PeerLink {
  /** Whom the link is with. */
  readonly node: NodeId;
  readonly #context: LinkContext;
  readonly #inbound: Readonly<Record<Lane, Dial>>;
  readonly #outbound: Record<Lane, Accepted | null> = {
    control: null,
    bulk: null,
  };
  #address: string;
  #started = false;
  #up: PeerIdentity | null = null;

  /** Does nothing before {@linkcode PeerLink.start}. */
  constructor(node: NodeId, address: string, context: LinkContext) {
    this.node = node;
    this.#address = address;
    this.#context = context;
    const dial = (lane: Lane): Dial =>
      new Dial(node, lane, context, {
        address: (fruitless) => this.#addressAfter(fruitless),
        proven: (dial) => this.#proven(dial.peer!),
        lost: () => this.#settle(),
        message: (dial, bytes) => this.#message(dial, bytes),
      });
    this.#inbound = { control: dial("control"), bulk: dial("bulk") };
  }

  /** The peer, while the link is up. */
  get up(): PeerIdentity | null {
    return this.#up;
  }

  /** Begins to dial. */
  start(): void {
    this.#started = true;
    this.#inbound.control.start();
    this.#inbound.bulk.start();
  }

  /** Dials another address from now on. */
  move(address: string): void {
    if (address === this.#address) return;
    this.#address = address;
    if (!this.#started) return;
    this.start();
    this.#settle();
  }

  /** Breaks all four connections. */
  stop(): void {
    this.#started = false;
    for (const dial of Object.values(this.#inbound)) dial.stop();
    this.#drop("control");
    this.#drop("bulk");
    this.#settle();
  }

  /** Takes a connection whose dialer has proven to be `peer`. */
  accept(lane: Lane, connection: LinkConnection, peer: PeerIdentity): void {
    // What was queued on a replaced connection may be lost, which is a broken link.
    this.#drop(lane);
    this.#settle();
    // The member may have dropped this peer when it was told.
    if (!this.#started) return connection.close();
    this.#outbound[lane] = { connection, peer };
    for (const dial of Object.values(this.#inbound)) dial.hurry();
    this.#proven(peer);
  }

  /** A connection given to {@linkcode PeerLink.accept} broke. */
  lost(lane: Lane, connection: LinkConnection): void {
    if (this.#outbound[lane]?.connection !== connection) return;
    this.#outbound[lane] = null;
    this.#settle();
  }

  /** Queues a message; false if the link is down or the lane is full. */
  send(lane: Lane, bytes: Uint8Array): boolean {
    const accepted = this.#outbound[lane];
    if (this.#up === null || accepted === null) return false;
    const limit = this.#context.limits.queueBytes[lane];
    if (accepted.connection.queued + bytes.length > limit) return false;
    accepted.connection.send(bytes);
    return true;
  }

  /** Bytes that wait in a lane. */
  queued(lane: Lane): number {
    return this.#outbound[lane]?.connection.queued ?? 0;
  }

  /**
   * A peer that moved and says so itself, on a connection that lives, need not wait
   * until this member is told: its own word is tried as well as what is configured.
   */
  #addressAfter(fruitless: number): string {
    const claimed = this.#outbound.control?.peer.raftAddress ?? this.#address;
    const moved = claimed !== this.#address && fruitless >= FRUITLESS_MAX &&
      fruitless % 2 === 1;
    if (!moved) return this.#address;
    this.#context.complain(
      `moved ${this.node}`,
      "warn",
      `node ${this.node} cannot be reached at ${this.#address} and says that it is at ${claimed}: trying there; correct nodes in the configuration`,
    );
    return claimed;
  }

  /** The newest proof counts: connections with an earlier identity of the node end here. */
  #proven(peer: PeerIdentity): void {
    for (const dial of Object.values(this.#inbound)) {
      if (dial.peer !== null && !same(dial.peer, peer)) dial.restart();
    }
    for (const lane of ["control", "bulk"] as const) {
      const accepted = this.#outbound[lane];
      if (accepted !== null && !same(accepted.peer, peer)) this.#drop(lane);
    }
    this.#settle();
  }

  /** Compares what is announced with what is, and announces the difference. */
  #settle(): void {
    const peer = this.#complete();
    const announced = this.#up;
    if (announced !== null && (peer === null || !same(announced, peer))) {
      this.#up = null;
      this.#context.logger.info("link down", { node: this.node });
      this.#context.events.linkDown(this.node);
    }
    // The member may have changed peers or identity while it was told.
    if (peer === null || this.#up !== null || this.#complete() === null) return;
    this.#up = peer;
    for (const dial of Object.values(this.#inbound)) dial.settle();
    this.#context.logger.info("link up", { node: this.node, member: peer.id });
    this.#context.events.linkUp(peer);
    this.#release(peer);
  }

  #complete(): PeerIdentity | null {
    const peer = this.#inbound.control.peer;
    if (peer === null) return null;
    const { control, bulk } = this.#outbound;
    const others = [this.#inbound.bulk.peer, control?.peer, bulk?.peer];
    return others.every((other) => other && same(other, peer)) ? peer : null;
  }

  #message(dial: Dial, bytes: Uint8Array): void {
    if (this.#up !== null) {
      this.#context.events.frame(this.#up, dial.lane, bytes);
      return;
    }
    // The peer saw its end of the link up a moment earlier than this member,
    // whose last handshake is on its way; so this does not grow for long.
    dial.held.push(bytes);
    dial.heldBytes += bytes.length;
    if (dial.heldBytes > this.#context.limits.messageBytes) dial.restart();
  }

  #release(peer: PeerIdentity): void {
    for (const dial of Object.values(this.#inbound)) {
      const held = dial.held;
      dial.held = [];
      dial.heldBytes = 0;
      for (const bytes of held) {
        if (this.#up !== peer) return;
        this.#context.events.frame(peer, dial.lane, bytes);
      }
    }
  }

  #drop(lane: Lane): void {
    this.#outbound[lane]?.connection.close();
    this.#outbound[lane] = null;
  }
}

function same(a: PeerIdentity, b: PeerIdentity): boolean {
  return a.id === b.id && a.clusterId === b.clusterId &&
    a.raftAddress === b.raftAddress && a.apiAddress === b.apiAddress;
}
