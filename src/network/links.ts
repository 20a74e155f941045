import { HiqliteError } from "../errors.ts";
import { type NodeId, nodeIdOf } from "../raft/types.ts";
import { assert } from "../util/assert.ts";
import { systemClock } from "../util/clock.ts";
import { silentLogger } from "../util/logger.ts";
import { SystemRandom } from "../util/random.ts";
import { AcceptorHandshake, NONCE_BYTES, type Proven } from "./handshake.ts";
import {
  LINK_LIMITS,
  type LinkContext,
  type PeerLinksOptions,
} from "./link_options.ts";
import { LinkSocket } from "./link_socket.ts";
import { PeerLink } from "./peer_link.ts";
import type { Lane, PeerAddress, PeerIdentity, PeerNetwork } from "./port.ts";
import { systemTimers } from "../util/timers.ts";

/** How long the same complaint is not repeated, ms. */
const COMPLAINT_MS = 60_000;

/** How long {@linkcode PeerLinks.close} waits for peers to answer the closing, ms. */
const CLOSE_MS = 1_000;

/**
 * Links to every configured peer over WebSockets.
 *
 * What this member sends to a peer travels on the connection that the peer
 * opened to it, because Deno's WebSocket client leaves Nagle's algorithm on
 * and needs some 40 ms for a frame above 1 KB, while the accepting side does not.
 */
export class PeerLinks implements PeerNetwork {
  readonly #context: LinkContext;
  readonly #links = new Map<NodeId, PeerLink>();
  /** Accepted connections that have not proven themselves, oldest first. */
  readonly #pending = new Set<LinkSocket>();
  readonly #complaints = new Map<string, number>();
  #running = false;
  #lastTick = 0;
  #cancelTick: (() => void) | null = null;

  /** Does nothing before {@linkcode PeerLinks.start}. */
  constructor(options: PeerLinksOptions) {
    const logger = options.logger ?? silentLogger;
    const clock = options.clock ?? systemClock;
    this.#context = {
      self: options.self,
      secret: options.secret,
      events: options.events,
      scheme: options.scheme ?? "ws",
      limits: { ...LINK_LIMITS, ...options.limits },
      clock,
      timers: options.timers ?? systemTimers,
      random: options.random ?? new SystemRandom(),
      logger,
      sockets: new Set(),
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
    const gone = [...this.#context.sockets].map((socket) => socket.gone);
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#context.timers.after(CLOSE_MS, resolve);
    await Promise.race([Promise.all(gone), promise]);
    cancel();
  }

  /** Answers a request for the link route: the upgrade to a WebSocket, or why not. */
  accept(request: Request): Response {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return new Response("this route speaks WebSocket\n", {
        status: 426,
        headers: { upgrade: "websocket", connection: "upgrade" },
      });
    }
    if (!this.#running) {
      return new Response("this member is not running\n", { status: 503 });
    }
    try {
      const { socket, response } = Deno.upgradeWebSocket(request, {
        // Seconds; the keepalives of a living peer come far more often.
        idleTimeout: Math.ceil(2 * this.#context.limits.deadMs / 1000),
      });
      this.#shake(socket);
      return response;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return new Response("malformed WebSocket upgrade\n", { status: 400 });
    }
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

  #shake(webSocket: WebSocket): void {
    const { self, secret } = this.#context;
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const handshake = new AcceptorHandshake(
      { self, secret, nonce },
      (node) => this.#links.has(node),
    );
    let proven: Proven | null = null;
    const socket: LinkSocket = new LinkSocket(webSocket, true, this.#context, {
      opened: () => socket.send(handshake.challenge()),
      message: (bytes) => {
        // Entries and answers only ever flow towards the side that dialed.
        if (proven !== null) socket.fail("the dialing side sent a message");
        else proven = this.#judge(handshake, socket, bytes);
      },
      lost: () => {
        this.#pending.delete(socket);
        if (proven === null) return;
        this.#links.get(nodeIdOf(proven.peer.id))?.lost(proven.lane, socket);
      },
    });
    this.#pending.add(socket);
    if (this.#pending.size <= this.#context.limits.pendingHandshakes) return;
    // An honest handshake takes milliseconds, so the oldest is the least likely one.
    const [oldest] = this.#pending;
    oldest!.fail("too many unfinished handshakes");
  }

  #judge(
    handshake: AcceptorHandshake,
    socket: LinkSocket,
    bytes: Uint8Array,
  ): Proven | null {
    const outcome = handshake.receive(bytes);
    this.#pending.delete(socket);
    if (outcome.reply !== null) socket.send(outcome.reply);
    if (outcome.kind === "refused") {
      socket.fail(outcome.detail);
      this.#context.complain(
        `accept ${outcome.reason}`,
        "error",
        `refused a connection: ${outcome.detail}`,
      );
      return null;
    }
    socket.establish();
    const link = this.#links.get(nodeIdOf(outcome.peer.id));
    link?.accept(outcome.lane, socket, outcome.peer);
    return outcome;
  }

  #dropPending(): void {
    for (const socket of this.#pending) socket.close();
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
      for (const socket of [...this.#context.sockets]) {
        socket.tick(now, stalled);
      }
      if (this.#running) this.#scheduleTick();
    });
  }
}
