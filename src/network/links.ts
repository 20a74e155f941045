import { HiqliteError } from "../errors.ts";
import { type NodeId, nodeIdOf } from "../raft/types.ts";
import { assert } from "../util/assert.ts";
import { systemClock } from "../util/clock.ts";
import { silentLogger } from "../util/logger.ts";
import { SystemRandom } from "../util/random.ts";
import { dialTcp } from "./dialing.ts";
import { LinkConnection } from "./link_connection.ts";
import {
  LINK_LIMITS,
  type LinkContext,
  type OpenConnection,
  type PeerLinksOptions,
} from "./link_options.ts";
import { PeerLink } from "./peer_link.ts";
import type {
  Lane,
  LinkAcceptor,
  LinkCaller,
  PeerAddress,
  PeerIdentity,
  PeerNetwork,
} from "./port.ts";
import {
  AcceptorHandshake,
  type HandshakeRefusal,
  levelOf,
} from "./sealed/handshake.ts";
import { EphemeralKeys } from "./sealed/key_agreement.ts";
import {
  shakeAsAcceptor,
  type Shaken,
  type ShakenPeer,
} from "./sealed/shake_hands.ts";
import { systemTimers } from "../util/timers.ts";

/** How long the same complaint is not repeated, ms. */
const COMPLAINT_MS = 60_000;

/** How long {@linkcode PeerLinks.close} waits for what is queued to leave, ms. */
const CLOSE_MS = 1_000;

/**
 * Links to every configured peer, over sealed connections. What this member sends
 * to a peer travels on the connections that the peer opened to it: so each side
 * proves by what it receives that the other can be reached.
 */
export class PeerLinks implements PeerNetwork, LinkAcceptor {
  readonly #context: LinkContext;
  readonly #links = new Map<NodeId, PeerLink>();
  /** Accepted connections that have not proven themselves. */
  readonly #pending = new Set<LinkCaller>();
  readonly #complaints = new Map<string, number>();
  #refused = 0;
  #running = false;
  #lastTick = 0;
  #cancelTick: (() => void) | null = null;

  /** Does nothing before {@linkcode PeerLinks.start}. */
  constructor(options: PeerLinksOptions) {
    const logger = options.logger ?? silentLogger;
    const clock = options.clock ?? systemClock;
    this.#context = {
      self: options.self,
      secrets: options.secrets,
      events: options.events,
      dial: options.dial ?? dialTcp,
      limits: { ...LINK_LIMITS, ...options.limits },
      clock,
      timers: options.timers ?? systemTimers,
      random: options.random ?? new SystemRandom(),
      logger,
      connections: new Set(),
      complain: (key, level, message) => {
        const now = clock.monotonic();
        const last = this.#complaints.get(key);
        if (last !== undefined && now - last < COMPLAINT_MS) return;
        this.#complaints.set(key, now);
        logger[level](message);
      },
    };
    this.setPeers(options.peers);
  }

  /** Begins to dial and to accept. */
  start(): void {
    assert(!this.#running, "links are started once");
    this.#running = true;
    this.#lastTick = this.#context.clock.monotonic();
    this.#scheduleTick();
    for (const link of this.#links.values()) link.start();
  }

  /** Breaks every link and waits until the connections are gone, at most a second. */
  async close(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    this.#cancelTick?.();
    this.#dropPending();
    for (const link of this.#links.values()) link.stop();
    const { connections, timers } = this.#context;
    const gone = Promise.all([...connections].map(({ gone }) => gone));
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = timers.after(CLOSE_MS, resolve);
    await Promise.race([gone, promise]);
    cancel();
    for (const connection of [...connections]) connection.abort();
    await gone;
  }

  /** Connections that were refused, by the listener or in the handshake. */
  get refusals(): number {
    return this.#refused;
  }

  /** A connection was refused before it came here. */
  refused(): void {
    this.#refused++;
  }

  /** Shakes hands with a connection of the Raft listener; its peer sends on it from then on, if it is one. */
  accept(caller: LinkCaller): void {
    if (!this.#running) return caller.gone();
    this.#pending.add(caller);
    const open: OpenConnection = {
      gone: this.#shake(caller).finally(() => {
        this.#pending.delete(caller);
        this.#context.connections.delete(open);
      }),
      // The listener looks at the clock.
      tick: () => {},
      abort: () => caller.gone(),
    };
    this.#context.connections.add(open);
  }

  /** Replaces the list of peers: new ones are dialed, missing ones dropped, moved ones dialed anew. */
  setPeers(peers: readonly PeerAddress[]): void {
    const own = nodeIdOf(this.#context.self.id);
    const wanted = new Map(peers.map((peer) => [peer.id, peer.address]));
    assert(!wanted.has(own), `node ${own} is not its own peer`);
    for (const [node, link] of [...this.#links]) {
      if (wanted.has(node)) continue;
      this.#links.delete(node);
      link.stop();
    }
    for (const [node, address] of wanted) {
      const known = this.#links.get(node);
      if (known !== undefined) {
        known.move(address);
        continue;
      }
      const link = new PeerLink(node, address, this.#context);
      this.#links.set(node, link);
      if (this.#running) link.start();
    }
  }

  /** Breaks every link and makes them anew under another identity of the same node. */
  setIdentity(self: PeerIdentity): void {
    assert(
      nodeIdOf(self.id) === nodeIdOf(this.#context.self.id),
      `${self.id} is another node than ${this.#context.self.id}`,
    );
    this.#context.self = self;
    if (!this.#running) return;
    this.#dropPending();
    for (const link of [...this.#links.values()]) {
      link.stop();
      link.start();
    }
  }

  /**
   * Queues a message; false if there is no link or its lane is full.
   * @throws {HiqliteError} `too_large` for a message above `limits.messageBytes`.
   */
  send(to: NodeId, lane: Lane, bytes: Uint8Array): boolean {
    const { messageBytes } = this.#context.limits;
    if (bytes.length > messageBytes) {
      throw new HiqliteError(
        "too_large",
        `A message between members has at most ${messageBytes} bytes, this one ${bytes.length}`,
      );
    }
    return this.#links.get(to)?.send(lane, bytes) ?? false;
  }

  /** The peer at the other end, if the link is up. */
  peer(node: NodeId): PeerIdentity | undefined {
    return this.#links.get(node)?.up ?? undefined;
  }

  /** Bytes queued towards a node that the operating system has not taken. */
  queued(node: NodeId, lane: Lane): number {
    return this.#links.get(node)?.queued(lane) ?? 0;
  }

  async #shake(caller: LinkCaller): Promise<void> {
    const { self, secrets } = this.#context;
    const keys = EphemeralKeys.generate();
    const handshake = new AcceptorHandshake(
      { self, secrets, keys },
      (peer) => this.#objectionTo(peer),
    );
    const { connection, rest } = caller;
    let shaken: Shaken | null = null;
    try {
      shaken = await shakeAsAcceptor(connection, rest, handshake);
    } catch {
      // It broke, or its time was over, of which the listener tells.
    }
    // Not after `close` or another identity.
    if (shaken === null || !this.#pending.has(caller)) return caller.gone();
    if ("rest" in shaken) this.#adopt(caller, shaken);
    else this.#refuse(caller, shaken.outcome);
  }

  /** Why one who knows the secret may not have a link. */
  #objectionTo(
    peer: PeerIdentity,
  ): Pick<HandshakeRefusal, "reason" | "detail"> | null {
    const node = nodeIdOf(peer.id);
    const link = this.#links.get(node);
    if (link === undefined) {
      const detail =
        `node ${node} at ${peer.raftAddress} is not a peer of this member`;
      return { reason: "unknown", detail };
    }
    // A member that comes back without its memory has no link that works; one that does is no impostor's to break.
    const present = link.up;
    if (present === null || present.id === peer.id) return null;
    const detail =
      `two processes say that they are node ${node}: ${present.id} at ${present.raftAddress}, which is linked and lives, and ${peer.id} at ${peer.raftAddress} with another data directory, which is not let in. Stop one of them, or give it its own HQL_NODE_ID`;
    return { reason: "occupied", detail };
  }

  #refuse(caller: LinkCaller, { reason, detail }: HandshakeRefusal): void {
    caller.gone();
    this.#refused++;
    this.#context.complain(
      `accept ${reason}`,
      levelOf(reason),
      `refused a connection from ${caller.from}: ${detail}`,
    );
  }

  #adopt(caller: LinkCaller, shaken: ShakenPeer): void {
    const { connection } = caller;
    const { outcome: proven, rest, sodium } = shaken;
    const link = this.#links.get(nodeIdOf(proven.peer.id));
    // The member may have dropped this peer meanwhile.
    if (link === undefined) return caller.gone();
    caller.proven();
    const events = {
      // Entries and answers only ever flow towards the side that dialed.
      message: () => accepted.fail("the dialing side sent a message"),
      lost: () => link.lost(proven.lane, accepted),
    };
    const accepted: LinkConnection = new LinkConnection(
      { connection, proven, rest, sodium },
      this.#context,
      events,
    );
    void accepted.gone.then(() => caller.gone());
    link.accept(proven.lane, accepted, proven.peer);
    accepted.start();
  }

  #dropPending(): void {
    for (const caller of this.#pending) caller.gone();
    this.#pending.clear();
  }

  #scheduleTick(): void {
    const { keepaliveMs, deadMs, handshakeMs } = this.#context.limits;
    const interval = Math.min(keepaliveMs, deadMs / 2, handshakeMs) / 2;
    this.#cancelTick = this.#context.timers.after(interval, () => {
      const now = this.#context.clock.monotonic();
      // Late by half of what a peer may be silent: this process was not running.
      const stalled = now - this.#lastTick > interval + deadMs / 2;
      this.#lastTick = now;
      for (const connection of [...this.#context.connections]) {
        connection.tick(now, stalled);
      }
      if (this.#running) this.#scheduleTick();
    });
  }
}
