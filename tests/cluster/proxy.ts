import { Delivery } from "./delivery.ts";
import { LinkMessages } from "./link_messages.ts";
import type { Disturbance } from "./network.ts";

/** Whose bytes: of the one that opened the connection or of the one that accepted it. */
export type Side = "dialer" | "dialed";

const CHUNK_BYTES = 64 * 1024;

/**
 * A TCP proxy on the loopback interface that can hold back either direction, delay, and
 * break connections. In what the dialed member sends it can also double Raft
 * messages and let them be overtaken. Other messages (requests, answers, pieces
 * of snapshots) it leaves as they are: TCP delivers them once and in order, and
 * a request that came twice would be carried out twice, which no network does.
 */
export class TcpProxy implements AsyncDisposable {
  readonly #host: string;
  readonly #target: number;
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;
  readonly #pairs = new Map<Promise<void>, readonly Deno.TcpConn[]>();
  #closing = false;
  #gates: { [S in Side]?: PromiseWithResolvers<void> } = {};
  #disturbances: { [S in Side]?: Disturbance } = {};

  /** Listens on `host` and forwards to its port `target`. */
  constructor(target: number, host = "127.0.0.1") {
    this.#host = host;
    this.#target = target;
    this.#listener = Deno.listen({ hostname: host, port: 0 });
    this.#accepting = this.#accept();
  }

  /** Where to dial instead of the target. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Delivers nothing of this side any more, also on connections that are opened meanwhile. */
  hold(side: Side): void {
    this.#gates[side] ??= Promise.withResolvers();
  }

  /** Does this, too, to everything of this side from now on. */
  disturb(side: Side, disturbance: Disturbance): void {
    this.#disturbances[side] = {
      ...this.#disturbances[side],
      ...disturbance,
    };
  }

  /** Delivers everything again. */
  heal(): void {
    this.#disturbances = {};
    for (const gate of Object.values(this.#gates)) gate.resolve();
    this.#gates = {};
  }

  /** Breaks everything and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    this.#listener.close();
    this.heal();
    for (const ends of this.#pairs.values()) ends.forEach(close);
    await this.#accepting;
    await Promise.all(this.#pairs.keys());
  }

  async #accept(): Promise<void> {
    try {
      for await (const dialer of this.#listener) await this.#connect(dialer);
    } catch (error) {
      if (!this.#closing) throw error;
    }
  }

  async #connect(dialer: Deno.TcpConn): Promise<void> {
    let dialed: Deno.TcpConn;
    try {
      dialed = await Deno.connect({
        hostname: this.#host,
        port: this.#target,
      });
    } catch {
      // The member is down: its peer learns it as from the member itself.
      close(dialer);
      return;
    }
    const ends = [dialer, dialed];
    ends.forEach((end) => end.setNoDelay());
    const pair = Promise.all([
      this.#pump("dialer", dialer, dialed),
      this.#pump("dialed", dialed, dialer),
    ]).then(() => {
      ends.forEach(close);
      this.#pairs.delete(pair);
    });
    this.#pairs.set(pair, ends);
    if (this.#closing) ends.forEach(close);
  }

  async #pump(side: Side, from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    const delivery = new Delivery(
      to,
      () => this.#gates[side]?.promise,
      () => close(from),
    );
    const messages = new LinkMessages();
    try {
      for (;;) {
        await delivery.room();
        const length = await from.read(buffer);
        if (length === null) break;
        const chunk = buffer.subarray(0, length);
        if (happens(this.#disturbances[side]?.breakPercent ?? 0)) break;
        if (side === "dialer") this.#forward(side, delivery, chunk.slice());
        else {
          for (const { bytes, raft } of messages.push(chunk)) {
            this.#forward(side, delivery, bytes, raft);
          }
        }
      }
      await delivery.drained();
    } catch {
      // A broken connection ends here like one that was closed.
    }
    delivery.stop();
    close(from);
    close(to);
  }

  #forward(
    side: Side,
    delivery: Delivery,
    bytes: Uint8Array,
    raft = false,
  ): void {
    const {
      latencyMs = 0,
      jitterMs = 0,
      duplicatePercent = 0,
      reorderPercent = 0,
      astrayMs = 0,
    } = this.#disturbances[side] ?? {};
    const ms = latencyMs + Math.random() * jitterMs;
    const astray = (): void =>
      delivery.sendAstray(bytes, ms, Math.random() * astrayMs);
    if (raft && happens(reorderPercent)) astray();
    else delivery.send(bytes, ms);
    if (raft && happens(duplicatePercent)) astray();
  }
}

function happens(percent: number): boolean {
  return Math.random() * 100 < percent;
}

function close(end: Deno.TcpConn): void {
  try {
    end.close();
  } catch {
    // Closed by the other direction.
  }
}
