import type { Channel } from "../../tls/channel.ts";

/** A connection that has not proven anything yet. */
export class Stranger {
  /** As it was accepted. */
  readonly connection: Deno.TcpConn;
  /** Where it comes from. */
  readonly address: string;
  /** What is said on the connection, within TLS if that is spoken. */
  channel: Channel;
  /** It has its answer and may only leave. */
  answered = false;
  #closed = false;
  readonly #timer: ReturnType<typeof setTimeout>;

  /** `late` is told after `ms` if it has no answer then; it is closed in any case. */
  constructor(connection: Deno.TcpConn, ms: number, late: () => void) {
    this.connection = this.channel = connection;
    this.address = connection.remoteAddr.hostname;
    this.#timer = setTimeout(() => {
      if (!this.answered) late();
      this.close();
    }, ms);
  }

  /** Whether it was closed here. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Its time does not run any more. */
  stopClock(): void {
    clearTimeout(this.#timer);
  }

  /** Ends it. Idempotent. */
  close(): void {
    this.stopClock();
    this.#closed = true;
    for (const part of new Set<Channel>([this.channel, this.connection])) {
      try {
        part.close();
      } catch {
        // Already closed.
      }
    }
  }
}
