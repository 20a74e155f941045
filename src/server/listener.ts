import { addressText, listenError } from "../front/listen_error.ts";
import type { InnerAddress } from "../front/protocol.ts";
import { isGoneClient } from "./gone_client.ts";
import type { Logger } from "../util/logger.ts";
import { shortageText } from "../util/shortage.ts";

/** A server behind a front. */
export interface ListenerOptions {
  /** Where it listens; port 0: any, and the same one from then on. */
  readonly at: InnerAddress;
  /** The configuration key of the address that its front listens on. */
  readonly key: string;
  readonly logger: Logger;
  /** Called for every request. */
  readonly handler: (
    request: Request,
    info: Deno.ServeHandlerInfo,
  ) => Response | Promise<Response>;
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
  #at: InnerAddress;
  #server: Deno.HttpServer;
  /** Servers that accept no more, with connections of theirs perhaps still open. */
  readonly #former = new Set<Deno.HttpServer>();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #saidMs = -Infinity;

  /** Begins to listen. @throws {ConfigError} naming key and address if that is impossible. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#at = options.at;
    try {
      this.#server = this.#serve();
    } catch (cause) {
      if (cause instanceof Deno.errors.NotCapable) throw cause;
      throw listenError(options.key, innerText(this.#at), cause);
    }
    const { addr } = this.#server;
    if ("hostname" in this.#at && addr.transport === "tcp") {
      this.#at = { hostname: this.#at.hostname, port: addr.port };
    }
  }

  /** Where it listens. */
  get address(): InnerAddress {
    return this.#at;
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
    const { handler, logger } = this.#options;
    removeSocket(this.#at);
    const server = Deno.serve({
      ...this.#at,
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

  #say(error: Error): void {
    if (performance.now() - this.#saidMs < QUIET_MS) return;
    this.#saidMs = performance.now();
    this.#options.logger.error(shortageText(error), {
      at: innerText(this.#at),
    });
  }
}

/** A defect is logged; a client that has gone away is none, and nobody hears the answer. */
function answerDefect(error: unknown, logger: Logger): Response {
  if (!isGoneClient(error)) {
    logger.error("a request failed", { error: String(error) });
  }
  return new Response("internal error\n", { status: 500 });
}

/** Removes the socket that a process leaves behind. */
export function removeSocket(at: InnerAddress): void {
  if (!("path" in at)) return;
  try {
    Deno.removeSync(at.path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function innerText(at: InnerAddress): string {
  return "path" in at ? at.path : addressText(at.hostname, at.port);
}
