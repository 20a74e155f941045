/** Connections that begin a request and never end it. */
export class HalfOpen implements Disposable {
  readonly #open: Deno.Conn[] = [];

  /** How many were made. */
  get count(): number {
    return this.#open.length;
  }

  /** Opens up to `count`; fewer if the other side refuses or resets. */
  async add(count: number, hostname: string, port: number): Promise<void> {
    const begun = new TextEncoder().encode("GET /pi");
    for (let i = 0; i < count; i++) {
      try {
        const conn = await Deno.connect({ hostname, port });
        this.#open.push(conn);
        await conn.write(begun);
      } catch (error) {
        if (isRefusal(error)) return;
        throw error;
      }
    }
  }

  /** Closes all of them. */
  [Symbol.dispose](): void {
    for (const conn of this.#open.splice(0)) conn.close();
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionRefused ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe;
}
