import type { NodeId } from "../raft/types.ts";
import { randomBetween } from "../util/random.ts";
import { DialAttempt } from "./dial_attempt.ts";
import { LinkConnection, type ProvenConnection } from "./link_connection.ts";
import type { LinkContext } from "./link_options.ts";
import type { Lane, PeerIdentity } from "./port.ts";
import { type HandshakeRefusal, levelOf } from "./sealed/handshake.ts";

/** What a {@linkcode Dial} tells its link. */
export interface DialEvents {
  /** Where to dial next, after so many attempts in a row that proved nobody. */
  address(fruitless: number): string;
  /** The peer has proven itself. */
  proven(dial: Dial): void;
  /** A proven connection broke. */
  lost(dial: Dial): void;
  /** A message from the proven peer. */
  message(dial: Dial, bytes: Uint8Array): void;
}

/** Dials one peer to receive one lane from it, again and again until it is stopped. */
export class Dial {
  /** The lane that is received. */
  readonly lane: Lane;
  /** Messages that came before the link was up. */
  held: Uint8Array[] = [];
  /** Their size. */
  heldBytes = 0;
  /** Who is dialed. */
  readonly node: NodeId;
  readonly #context: LinkContext;
  readonly #events: DialEvents;
  #address = "";
  #fruitless = 0;
  #attempt: DialAttempt | null = null;
  #connection: LinkConnection | null = null;
  #peer: PeerIdentity | null = null;
  #cancelRetry: (() => void) | null = null;
  #failures = 0;

  /** Does nothing before {@linkcode Dial.start}. */
  constructor(
    node: NodeId,
    lane: Lane,
    context: LinkContext,
    events: DialEvents,
  ) {
    this.node = node;
    this.lane = lane;
    this.#context = context;
    this.#events = events;
  }

  /** Who is at the other end, once proven. */
  get peer(): PeerIdentity | null {
    return this.#peer;
  }

  /** Dials now, from a clean slate. */
  start(): void {
    this.#fruitless = 0;
    this.stop();
    this.#dial();
  }

  /** Dials now if it is only waiting to: there is a sign of life. */
  hurry(): void {
    this.#fruitless = 0;
    this.#failures = 0;
    if (this.#cancelRetry === null) return;
    this.stop();
    this.#dial();
  }

  /** Drops the connection and dials again after a pause. */
  restart(): void {
    this.stop();
    this.#retry();
  }

  /** Drops the connection. */
  stop(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#attempt?.abort();
    this.#connection?.close();
    this.#forget();
  }

  /** The link works: the next pause is a short one again. */
  settle(): void {
    this.#failures = 0;
  }

  #dial(): void {
    const address = this.#events.address(this.#fruitless++);
    this.#address = address;
    const target = { node: this.node, lane: this.lane, address };
    this.#attempt = new DialAttempt(target, this.#context, {
      proven: (connection) => this.#prove(connection),
      refused: (refusal) => this.#refused(refusal),
      failed: (reason) => this.#failed(reason),
    });
  }

  #prove(proven: ProvenConnection): void {
    this.#attempt = null;
    this.#peer = proven.proven.peer;
    this.#fruitless = 0;
    const connection = new LinkConnection(proven, this.#context, {
      message: (bytes) => this.#events.message(this, bytes),
      lost: (reason) => this.#failed(reason),
    });
    this.#connection = connection;
    this.#events.proven(this);
    connection.start();
  }

  #refused({ reason, detail }: HandshakeRefusal): void {
    this.#context.complain(
      `dial ${this.node} ${reason}`,
      levelOf(reason),
      `no link with node ${this.node} at ${this.#address}: ${detail}`,
    );
    this.#attempt = null;
    this.restart();
  }

  #failed(reason: string): void {
    const wasProven = this.#peer !== null;
    this.#forget();
    this.#retry();
    if (wasProven) {
      this.#context.logger.debug("peer connection lost", {
        node: this.node,
        lane: this.lane,
        reason,
      });
      this.#events.lost(this);
      return;
    }
    this.#context.complain(
      `dial ${this.node}`,
      "warn",
      `cannot reach node ${this.node} at ${this.#address}, still trying: ${reason}`,
    );
  }

  #forget(): void {
    this.#attempt = null;
    this.#connection = null;
    this.#peer = null;
    this.held = [];
    this.heldBytes = 0;
  }

  #retry(): void {
    const { backoffMinMs, backoffMaxMs } = this.#context.limits;
    const longest = Math.min(backoffMaxMs, backoffMinMs * 2 ** this.#failures);
    if (longest < backoffMaxMs) this.#failures++;
    const pause = randomBetween(
      this.#context.random,
      Math.ceil(longest / 2),
      longest + 1,
    );
    this.#cancelRetry = this.#context.timers.after(pause, () => {
      this.#cancelRetry = null;
      this.#dial();
    });
  }
}
