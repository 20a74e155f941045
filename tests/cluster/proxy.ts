import { setTimeout as sleep } from "node:timers/promises";

/** Whose bytes: of the one that opened the connection or of the one that accepted it. */
export type Side = "dialer" | "dialed";

/** What a degraded proxy does to every chunk. */
export interface Degradation {
  /** Longest delay of a chunk, ms; the order stays. */
  readonly delayMs: number;
  /** Chunks in a thousand after which the connection is broken, so that it is dialed again. */
  readonly breakPerMille: number;
}

const HEALTHY: Degradation = { delayMs: 0, breakPerMille: 0 };

/** A TCP proxy on 127.0.0.1 that can hold back either direction, delay, and break connections. */
export class TcpProxy implements AsyncDisposable {
  readonly #target: number;
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;
  readonly #pairs = new Map<Promise<void>, readonly Deno.TcpConn[]>();
  readonly #closing = new AbortController();
  #gates: { [S in Side]?: PromiseWithResolvers<void> } = {};
  #degradation = HEALTHY;

  /** Forwards to 127.0.0.1:`target`. */
  constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
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

  /** Delays chunks and breaks connections from now on. */
  degrade(degradation: Degradation): void {
    this.#degradation = degradation;
  }

  /** Delivers everything again. */
  heal(): void {
    this.#degradation = HEALTHY;
    for (const gate of Object.values(this.#gates)) gate.resolve();
    this.#gates = {};
  }

  /** Breaks everything and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
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
      if (!this.#closing.signal.aborted) throw error;
    }
  }

  async #connect(dialer: Deno.TcpConn): Promise<void> {
    let dialed: Deno.TcpConn;
    try {
      dialed = await Deno.connect({
        hostname: "127.0.0.1",
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
    if (this.#closing.signal.aborted) ends.forEach(close);
  }

  async #pump(side: Side, from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const length = await from.read(buffer);
        await this.#gates[side]?.promise;
        if (length === null) break;
        const { delayMs, breakPerMille } = this.#degradation;
        if (Math.random() * 1000 < breakPerMille) break;
        if (delayMs > 0) await this.#delay(Math.random() * delayMs);
        for (let sent = 0; sent < length;) {
          sent += await to.write(buffer.subarray(sent, length));
        }
      }
    } catch {
      // A broken connection ends here like one that was closed.
    }
    close(from);
    close(to);
  }

  async #delay(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closing.signal });
  }
}

function close(end: Deno.TcpConn): void {
  try {
    end.close();
  } catch {
    // Closed by the other direction.
  }
}
