import { FrontServer } from "../front/front_server.ts";
import {
  FRONT_LIMITS,
  type FrontCounts,
  type FrontLimits,
  type FrontNews,
  type InnerAddress,
} from "../front/protocol.ts";
import { Listener } from "../server/listener.ts";
import type { Logger } from "../util/logger.ts";
import { shortageText } from "../util/shortage.ts";

/** Where a proxy is reached, and by how many. */
export interface EntranceOptions {
  readonly hostname: string;
  readonly port: number;
  /** What differs from a member's. */
  readonly limits: Partial<FrontLimits>;
  readonly logger: Logger;
  /** Called for every request, with the address from which it comes. */
  readonly handler: (request: Request, address: string) => Promise<Response>;
}

/** Who has a connection. */
interface EntranceClient {
  readonly address: string;
}

/** A port of this machine: a connection to a socket could not be told from another one. */
type EntranceInner = Extract<InnerAddress, { readonly port: number }>;

/** Any free one. */
const INNER: EntranceInner = { hostname: "127.0.0.1", port: 0 };
/** The least time between two lines about scarce descriptors, ms. */
const QUIET_MS = 60_000;

/**
 * The port of a proxy. A front bounds what strangers can hold, as it does at a member's; here it runs on the same thread,
 * since nobody's leadership depends on that, and so the address of each request is known by its connection.
 */
export class Entrance implements AsyncDisposable {
  readonly #options: EntranceOptions;
  readonly #server: Listener;
  readonly #inner: EntranceInner;
  readonly #front: FrontServer;
  /** Clients, by the ports from which the front connects. */
  readonly #clients = new Map<number, EntranceClient>();
  #saidMs = -Infinity;

  /** Begins to listen. @throws what `Deno.listen` throws. */
  constructor(options: EntranceOptions) {
    this.#options = options;
    const { hostname, port, limits, logger } = options;
    this.#server = new Listener({
      at: INNER,
      key: "listen_addr_api",
      logger,
      handler: (request, { remoteAddr }) =>
        this.#answer(request, (remoteAddr as Deno.NetAddr).port),
      failed: () => this.#front.shed(),
      mayOpen: () => true,
    });
    this.#inner = this.#server.address as EntranceInner;
    try {
      this.#front = new FrontServer(
        {
          kind: "open",
          hostname,
          port,
          inner: this.#inner,
          tls: null,
          limits: { ...FRONT_LIMITS, ...limits },
          addressTag: "",
          perAddressKey: "api_connections_per_address",
        },
        (news) => this.#hear(news),
        null,
        (from, address) => this.#enter(from, { address }),
      );
    } catch (error) {
      void this.#server.shutdown();
      throw error;
    }
  }

  /** Where it listens. */
  get port(): number {
    return this.#front.port;
  }

  /** Where the front passes on to; who connects there by himself is refused. */
  get inner(): EntranceInner {
    return this.#inner;
  }

  /** Connections, and what became of others. */
  get counts(): FrontCounts {
    return this.#front.counts;
  }

  /** Accepts no more, and waits for answers under way, 5 s at most. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#front.stop();
    const timer = setTimeout(() => this.#front.close(), 5_000);
    await this.#server.shutdown();
    clearTimeout(timer);
    this.#front.close();
  }

  #enter(port: number, client: EntranceClient): () => void {
    this.#clients.set(port, client);
    return () => {
      // The port may be another one's already.
      if (this.#clients.get(port) === client) this.#clients.delete(port);
    };
  }

  #answer(
    request: Request,
    port: number,
  ): Response | Promise<Response> {
    const client = this.#clients.get(port);
    // Who comes around the front has no limits, and no address that could be told.
    if (client === undefined) {
      return new Response("This port is the proxy's own\n", {
        status: 403,
        headers: { connection: "close" },
      });
    }
    return this.#options.handler(request, client.address);
  }

  #hear(news: FrontNews): void {
    const { logger } = this.#options;
    if (news.kind === "said") {
      logger[news.level](news.message, { from: news.from });
    } else if (news.kind === "scarce") {
      if (performance.now() - this.#saidMs < QUIET_MS) return;
      this.#saidMs = performance.now();
      logger.error(shortageText(new Error(news.message)));
    }
  }
}
