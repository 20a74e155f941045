import type { Channel } from "../tls/channel.ts";
import type { Guest } from "./connection_caps.ts";
import { firstHead } from "./first_head.ts";
import { end, relay } from "./relay.ts";
import { isLastAnswer, RequestHead } from "./request_head.ts";

/** One accepted connection. */
export class FrontConnection implements Guest {
  readonly address: string;
  readonly #conn: Channel;
  #handshaking: boolean;
  readonly #head = new RequestHead();
  #sinceMs: number;
  #lastMs: number;
  #closed = false;

  /** `tls`: a handshake comes first. */
  constructor(conn: Channel, address: string, tls: boolean) {
    this.#conn = conn;
    this.address = address;
    this.#handshaking = tls;
    this.#sinceMs = this.#lastMs = performance.now();
  }

  get phase(): Guest["phase"] {
    return this.#handshaking ? "handshake" : this.#head.phase;
  }

  get lastMs(): number {
    return this.#lastMs;
  }

  /** Since when it is in its phase, ms. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** Whether it was ended by {@linkcode close}. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The handshake is done. */
  secured(): void {
    this.#handshaking = false;
    this.#sinceMs = this.#lastMs = performance.now();
  }

  /** What comes first on `channel`, see {@linkcode firstHead}. */
  firstHead(channel: Channel): Promise<Uint8Array | null> {
    return firstHead(channel, (bytes) => {
      this.#moved(() => this.#head.received(bytes));
      return this.#head.phase === "busy";
    });
  }

  /** Carries what is said on `channel` and by `inner`, until both are done. */
  async serve(channel: Channel, inner: Channel): Promise<void> {
    await relay(channel, inner, {
      received: (bytes) => this.#moved(() => this.#head.received(bytes)),
      answered: (bytes) => {
        const last = this.#head.phase === "busy" && isLastAnswer(bytes);
        this.#moved(() => this.#head.answered(bytes));
        return last;
      },
    });
  }

  /** Ends it at once. */
  close(): void {
    this.#closed = true;
    end(this.#conn);
  }

  #moved(tell: () => void): void {
    const before = this.phase;
    tell();
    this.#lastMs = performance.now();
    if (this.phase !== before) this.#sinceMs = this.#lastMs;
  }
}
