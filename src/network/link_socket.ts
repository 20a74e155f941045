import { MalformedBytesError } from "../util/bytes.ts";
import type { Clock } from "../util/clock.ts";
import type { LinkContext, LinkLimits, OpenSocket } from "./link_options.ts";
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
export class LinkSocket implements OpenSocket {
  /** Settles when the runtime has let go of the connection. */
  readonly gone: Promise<void>;
  readonly #socket: WebSocket;
  readonly #limits: LinkLimits;
  readonly #events: LinkSocketEvents;
  readonly #assembly: Assembly;
  readonly #accepted: boolean;
  readonly #bornAt: number;
  readonly #clock: Clock;
  #established = false;
  #ended = false;
  #closed = false;
  #endedAt = 0;
  #heardAt: number;
  #spokeAt: number;
  #heard = false;
  #spoke = false;

  /**
   * Owns `socket` from now on. One that was `accepted` has an idle timeout
   * of the runtime, see {@linkcode LinkSocket.fail}.
   */
  constructor(
    socket: WebSocket,
    accepted: boolean,
    context: LinkContext,
    events: LinkSocketEvents,
  ) {
    this.#socket = socket;
    this.#accepted = accepted;
    this.#limits = context.limits;
    this.#events = events;
    this.#assembly = new Assembly(context.limits.messageBytes);
    this.#clock = context.clock;
    this.#bornAt = context.clock.monotonic();
    this.#heardAt = this.#bornAt;
    this.#spokeAt = this.#bornAt;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (!this.#ended) events.opened();
      // The runtime forgets to close an accepted connection that was not open yet.
      else if (this.#closed) socket.close();
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
    const { handshakeMs, deadMs, keepaliveMs } = this.#limits;
    if (this.#ended) {
      // It outlived the idle timeout, so somebody is there who will answer.
      if (now - this.#endedAt >= 3 * deadMs) this.#socket.close();
      return;
    }
    if (!this.#established) {
      if (now - this.#bornAt >= handshakeMs) {
        this.fail(`no handshake within ${handshakeMs} ms`);
      }
      return;
    }
    if (this.#heard || stalled) this.#heardAt = now;
    if (this.#spoke) this.#spokeAt = now;
    this.#heard = false;
    this.#spoke = false;
    if (now - this.#heardAt >= deadMs) {
      this.fail(`silent for ${deadMs} ms`);
    } else if (now - this.#spokeAt >= keepaliveMs) {
      this.#spoke = true;
      this.#socket.send(KEEPALIVE);
    }
  }

  /** Closes after what is queued; no more events. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#closed = true;
    this.#endedAt = this.#clock.monotonic();
    this.#socket.close();
  }

  /**
   * Gives the connection up and reports the loss.
   *
   * An accepted one is not closed here: after `close` the runtime waits for
   * the peer's answer without end, so a silent peer could pile up connections.
   * Left open it is cut by its idle timeout. If the peer is alive after all,
   * its next keepalive gets the closing as answer.
   */
  fail(reason: string): void {
    if (this.#ended) return;
    if (!this.#accepted) this.#socket.close();
    this.#lose(reason);
  }

  #lose(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#endedAt = this.#clock.monotonic();
    this.#events.lost(reason);
  }

  #receive(data: unknown): void {
    if (this.#ended) {
      if (this.#established) this.#socket.close();
      return;
    }
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
