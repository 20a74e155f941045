import { MalformedBytesError } from "../util/bytes.ts";
import type { LinkContext, LinkLimits } from "./link_options.ts";
import { announce, Assembly, cut, KEEPALIVE } from "./pieces.ts";

/** What a {@linkcode LinkSocket} tells its owner. */
export interface LinkSocketEvents {
  /** The WebSocket is open. */
  opened(): void;
  /** Before {@linkcode LinkSocket.establish} a handshake message, after it a whole message. */
  message(bytes: Uint8Array): void;
  /** The connection broke; the last event, and none after `close`. */
  lost(reason: string): void;
}

/**
 * One WebSocket of a link: pieces, keepalive, and the detection of a
 * connection on which nothing arrives any more though nobody closed it.
 */
export class LinkSocket {
  /** Settles when the runtime has let go of the connection. */
  readonly gone: Promise<void>;
  readonly #socket: WebSocket;
  readonly #limits: LinkLimits;
  readonly #events: LinkSocketEvents;
  readonly #assembly: Assembly;
  readonly #bornAt: number;
  #established = false;
  #ended = false;
  #heardAt: number;
  #spokeAt: number;
  #heard = false;
  #spoke = false;

  /** Owns `socket` from now on. */
  constructor(
    socket: WebSocket,
    context: LinkContext,
    events: LinkSocketEvents,
  ) {
    this.#socket = socket;
    this.#limits = context.limits;
    this.#events = events;
    this.#assembly = new Assembly(context.limits.messageBytes);
    this.#bornAt = context.clock.monotonic();
    this.#heardAt = this.#bornAt;
    this.#spokeAt = this.#bornAt;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      // A server's socket that was closed before it opened opens all the same.
      if (this.#ended) socket.close();
      else events.opened();
    };
    socket.onmessage = (event) => this.#receive(event.data);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    const end = (reason: string): void => {
      context.sockets.delete(this);
      resolve();
      this.#lose(reason);
    };
    socket.onerror = (event) =>
      end(event instanceof ErrorEvent ? event.message : "connection error");
    socket.onclose = () => end("closed by the peer");
    context.sockets.add(this);
  }

  /** Bytes that wait for the operating system to take them. */
  get queued(): number {
    return this.#ended ? 0 : this.#socket.bufferedAmount;
  }

  /** The handshake is over: from now on messages, pieces and keepalives. */
  establish(): void {
    this.#established = true;
  }

  /** Queues a message, in pieces if it is long. */
  send(message: Uint8Array): void {
    if (this.#ended) return;
    this.#spoke = true;
    // The cast is true: nothing in this package uses shared memory.
    const bytes = message as Uint8Array<ArrayBuffer>;
    if (bytes.length <= this.#limits.pieceBytes) {
      this.#socket.send(bytes);
      return;
    }
    this.#socket.send(announce(bytes.length));
    for (const piece of cut(bytes, this.#limits.pieceBytes)) {
      this.#socket.send(piece as Uint8Array<ArrayBuffer>);
    }
  }

  /**
   * Looks at the clock: says something after a silence of its own, gives up
   * after one of the peer. `stalled` means that this process itself did not
   * run, so the peer's silence proves nothing.
   */
  tick(now: number, stalled: boolean): void {
    if (this.#ended) return;
    if (!this.#established) {
      const { handshakeMs } = this.#limits;
      if (now - this.#bornAt >= handshakeMs) {
        this.fail(`no handshake within ${handshakeMs} ms`);
      }
      return;
    }
    if (this.#heard || stalled) this.#heardAt = now;
    if (this.#spoke) this.#spokeAt = now;
    this.#heard = false;
    this.#spoke = false;
    if (now - this.#heardAt >= this.#limits.deadMs) {
      this.fail(`silent for ${this.#limits.deadMs} ms`);
    } else if (now - this.#spokeAt >= this.#limits.keepaliveMs) {
      this.#spoke = true;
      this.#socket.send(KEEPALIVE);
    }
  }

  /** Closes after what is queued; no more events. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.close();
  }

  /** Closes and reports the loss. */
  fail(reason: string): void {
    if (this.#ended) return;
    this.#socket.close();
    this.#lose(reason);
  }

  #lose(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events.lost(reason);
  }

  #receive(data: unknown): void {
    if (this.#ended) return;
    this.#heard = true;
    try {
      const message = this.#assemble(data);
      if (message !== null) this.#events.message(message);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      this.fail(`malformed data from the peer: ${error.message}`);
    }
  }

  #assemble(data: unknown): Uint8Array | null {
    if (data instanceof ArrayBuffer) {
      const bytes = new Uint8Array(data);
      return this.#established ? this.#assembly.binary(bytes) : bytes;
    }
    if (typeof data !== "string" || !this.#established) {
      throw new MalformedBytesError("not a binary frame");
    }
    this.#assembly.text(data);
    return null;
  }
}
