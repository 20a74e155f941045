/** A line to a server that can be cut: what a server itself cannot be told to do. */
export class FaultyLine implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #port: number;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #ended: Promise<void>;
  /** Connections that are made and ended at once, from now on. */
  resets = 0;
  /** How many were. */
  wasReset = 0;

  /** Leads to a port of this machine. */
  constructor(port: number) {
    this.#port = port;
    this.#ended = this.#serve();
  }

  /** Where the line begins. */
  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Ends all connections. */
  cut(): void {
    for (const connection of this.#open) connection.close();
    this.#open.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#ended;
  }

  async #serve(): Promise<void> {
    const lines: Promise<void>[] = [];
    try {
      for await (const near of this.#listener) {
        if (this.resets > 0) {
          this.resets--;
          this.wasReset++;
          near.close();
        } else lines.push(this.#join(near));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await Promise.all(lines);
  }

  async #join(near: Deno.TcpConn): Promise<void> {
    const far = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    this.#open.add(near);
    this.#open.add(far);
    // One that is cut ends both.
    await Promise.allSettled([
      near.readable.pipeTo(far.writable),
      far.readable.pipeTo(near.writable),
    ]);
    this.#open.delete(near);
    this.#open.delete(far);
  }
}
