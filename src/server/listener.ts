import { ConfigError } from "../errors.ts";
import { isGoneClient } from "./gone_client.ts";
import type { Logger } from "../util/logger.ts";

/** One listening port. */
export interface ListenerOptions {
  /** The configuration key of the address. */
  readonly key: string;
  readonly hostname: string;
  readonly port: number;
  readonly logger: Logger;
  /** Called for every request. */
  readonly handler: (request: Request) => Response | Promise<Response>;
  /** The port was closed by the system, as when file descriptors ran out; another attempt is made in a second. */
  readonly failed: () => void;
  /** Whether there are descriptors enough to accept connections again. */
  readonly mayOpen: () => boolean;
}

/** How long after a failure the port is opened again, ms. */
const PAUSE_MS = 1000;
/** The least time between two lines about one port, ms. */
const QUIET_MS = 60_000;

/**
 * A port that is listened on until it is closed. Running out of file descriptors
 * ends a server of `Deno.serve` and, if nobody looks, the process; here it costs a
 * pause. Connections that were open stay open.
 */
export class Listener {
  readonly #options: ListenerOptions;
  #server: Deno.HttpServer;
  /** Servers that accept no more, with connections of theirs perhaps still open. */
  readonly #former = new Set<Deno.HttpServer>();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #saidMs = -Infinity;

  /** Begins to listen. @throws {ConfigError} naming key and address if that is impossible. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    try {
      this.#server = this.#serve();
    } catch (cause) {
      const { key, hostname, port } = options;
      const error = new ConfigError(
        key,
        problemOf(cause, urlOf(hostname, port)),
      );
      error.cause = cause;
      throw error;
    }
  }

  /** Where this machine reaches it: `http://host:port`. */
  get url(): string {
    return urlOf(this.#options.hostname, this.#options.port);
  }

  /** Ends connections without a request under way, after which it listens again: they hold descriptors that the member needs. */
  async shed(): Promise<void> {
    if (this.#closed) return;
    const server = this.#server;
    this.#former.add(server);
    this.#openLater();
    await this.#end(server);
  }

  /** Accepts no more, and waits for requests under way. */
  async shutdown(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await Promise.all(
      [this.#server, ...this.#former].map((server) => this.#end(server)),
    );
  }

  async #end(server: Deno.HttpServer): Promise<void> {
    await server.shutdown().catch(() => {});
    this.#former.delete(server);
  }

  #serve(): Deno.HttpServer {
    const { hostname, port, handler, logger } = this.#options;
    const server = Deno.serve({
      hostname,
      port,
      onListen: () => {},
      onError: (error) => answerDefect(error, logger),
    }, handler);
    server.finished.catch((error: Error) => this.#onFailure(server, error));
    return server;
  }

  #onFailure(server: Deno.HttpServer, error: Error): void {
    if (this.#closed) return;
    this.#say(error);
    this.#former.add(server);
    this.#options.failed();
    this.#openLater();
  }

  #openLater(): void {
    if (this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (!this.#options.mayOpen()) return this.#openLater();
      try {
        this.#server = this.#serve();
      } catch (error) {
        this.#say(error as Error);
        this.#openLater();
      }
    }, PAUSE_MS);
  }

  #say({ message }: Error): void {
    if (performance.now() - this.#saidMs < QUIET_MS) return;
    this.#saidMs = performance.now();
    this.#options.logger.error(
      `no connections are accepted for a moment: ${message}. If descriptors ran out, raise the limit (ulimit -n) or keep strangers away from the port`,
      { url: this.url },
    );
  }
}

/** A defect is logged; a client that has gone away is none, and nobody hears the answer. */
function answerDefect(error: unknown, logger: Logger): Response {
  if (!isGoneClient(error)) {
    logger.error("a request failed", { error: String(error) });
  }
  return new Response("internal error\n", { status: 500 });
}

function problemOf(cause: unknown, url: string): string {
  const address = url.replace("http://", "");
  if (cause instanceof Deno.errors.AddrInUse) {
    return `${address} is in use by another process; stop it, or change the port in nodes (HQL_NODES)`;
  }
  if (cause instanceof Deno.errors.AddrNotAvailable) {
    return `${address} is not an address of this machine`;
  }
  return `cannot listen on ${address}: ${
    cause instanceof Error ? cause.message : cause
  }`;
}

/** A URL that works on this machine, also for a listener on all interfaces. */
function urlOf(hostname: string, port: number): string {
  const host = hostname === "0.0.0.0" ? "127.0.0.1" : hostname;
  const local = host === "::" ? "::1" : host;
  return `http://${local.includes(":") ? `[${local}]` : local}:${port}`;
}
