import type { ErrorBody } from "../api/error_body.ts";
import { HiqliteError, HTTP_STATUS } from "../errors.ts";
import { ProxiedAddresses } from "../server/proxied_address.ts";
import type { FrontLimits } from "../front/protocol.ts";
import type { Logger } from "../util/logger.ts";
import { isPreflight, showTo } from "../server/cors.ts";
import { endsConnection, FailedLogins } from "../server/failed_logins.ts";
import { Credentials } from "./credentials.ts";
import { Entrance } from "./entrance.ts";
import { forward } from "./forward.ts";
import { proxyMetrics } from "./proxy_metrics.ts";
import { networkOf } from "../util/network_of.ts";
import { systemClock } from "../util/clock.ts";
import { RequestBodies, type RequestBodiesOptions } from "./request_bodies.ts";
import { Upstreams } from "./upstreams.ts";

/** How a proxy runs. */
export interface ProxyOptions {
  /** API addresses of the members, `http://host:port`. */
  readonly urls: readonly string[];
  /** The API secret, with which the proxy looks at the members; clients need their own. */
  readonly secretApi: string;
  /** Accepted beside it; empty for none. @default {""} */
  readonly secretApiPrevious?: string;
  /** How long a wrong secret waits for its answer, ms. @default {500} */
  readonly failedLoginMs?: number;
  /** Origins whose pages may read what the proxy itself refuses, as members have them. @default none */
  readonly corsOrigins?: readonly string[];
  readonly hostname: string;
  readonly port: number;
  readonly logger: Logger;
  readonly fetch: typeof fetch;
  /** How long members are asked again before a client hears that none can, ms. @default {15_000} */
  readonly patienceMs?: number;
  readonly bodies?: RequestBodiesOptions;
  /** What differs for bodies of what is outside of the API. @default 32 MiB in all, 16 MiB of one address */
  readonly otherBodies?: RequestBodiesOptions;
  /** How many clients there may be. @default those of a member's port */
  readonly limits?: Partial<FrontLimits>;
}

/** Bodies of all requests under way that show no credential of the API: who signs in to the dashboard, or is signed in. No stranger may fill all of their room. */
const OTHER_BODIES = {
  maxTotalBytes: 32 * 1024 * 1024,
  maxClientBytes: 16 * 1024 * 1024,
};

/** Takes requests of clients to whichever member can answer them. It keeps nothing. */
export class Proxy implements AsyncDisposable {
  readonly #options: ProxyOptions;
  readonly #upstreams: Upstreams;
  readonly #bodies: RequestBodies;
  readonly #otherBodies: RequestBodies;
  readonly #failed: FailedLogins;
  readonly #credentials: Credentials;
  readonly #requests = new Map<string, number>();
  #repeated = 0;
  readonly #addresses: ProxiedAddresses;
  readonly #entrance: Entrance;

  /** Begins to listen. @throws if the address cannot be listened on. */
  constructor(options: ProxyOptions) {
    const { urls, secretApi, logger, fetch } = options;
    this.#options = options;
    this.#bodies = new RequestBodies(options.bodies);
    this.#otherBodies = new RequestBodies({
      ...options.bodies,
      ...OTHER_BODIES,
      ...options.otherBodies,
    });
    this.#failed = new FailedLogins({
      logger,
      delayMs: options.failedLoginMs,
    });
    this.#credentials = new Credentials({
      secrets: [secretApi, options.secretApiPrevious ?? ""]
        .filter((secret) => secret !== ""),
      members: () => this.#upstreams.order(true),
      fetch,
      failed: this.#failed,
      now: systemClock.monotonic,
    });
    this.#addresses = new ProxiedAddresses([secretApi]);
    const { hostname, port, limits = {} } = options;
    this.#entrance = new Entrance({
      hostname,
      port,
      limits,
      logger,
      handler: (request, address) => this.#answer(request, address),
    });
    this.#upstreams = new Upstreams({
      urls,
      secret: secretApi,
      fetch,
      logger,
    });
  }

  /** Where it listens. */
  get port(): number {
    return this.#entrance.port;
  }

  /** Accepts no more, and waits for answers under way, 5 s at most. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#entrance[Symbol.asyncDispose]();
    await this.#upstreams.close();
  }

  async #answer(request: Request, address: string): Promise<Response> {
    const path = new URL(request.url).pathname;
    const own = this.#own(path);
    if (own !== null) return own;
    // What is outside of the API members judge by themselves, by who is signed in.
    const isApi = path.startsWith("/api/") && !isPreflight(request);
    try {
      if (isApi) await this.#credentials.check(request.headers, address);
      const response = await forward(request, {
        // Who shows a credential is told apart by that.
        from: isApi ? null : this.#addresses.told(address, systemClock.wall()),
        upstreams: this.#upstreams,
        bodies: isApi ? this.#bodies : this.#otherBodies,
        client: networkOf(address),
        fetch: this.#options.fetch,
        onRepeat: () => this.#repeated++,
        ...(this.#options.patienceMs === undefined
          ? {}
          : { patienceMs: this.#options.patienceMs }),
      });
      return this.#counted(response);
    } catch (error) {
      return this.#counted(this.#refusal(error as Error, request));
    }
  }

  /** An answer of the proxy's own, instead of a member's. */
  #refusal(error: Error, { body, bodyUsed, headers }: Request): Response {
    const response = this.#failure(error);
    // The server ends a connection with a body that nobody read.
    if (body !== null && !bodyUsed) response.headers.set("connection", "close");
    const origin = headers.get("origin");
    if (origin !== null) {
      showTo(origin, this.#options.corsOrigins ?? [], response.headers);
    }
    return response;
  }

  /** What the proxy says of itself; everything else is the members'. */
  #own(path: string): Response | null {
    switch (path) {
      case "/ping":
      case "/health":
        return new Response("pong");
      case "/ready":
        return this.#upstreams.ready
          ? Response.json({ ok: true, detail: "ready" })
          : Response.json({ ok: false, detail: "no member is ready" }, {
            status: 503,
          });
      case "/metrics":
        return new Response(this.#metrics(), {
          headers: { "content-type": "text/plain; version=0.0.4" },
        });
      default:
        return null;
    }
  }

  #metrics(): string {
    const counts = {
      connections: this.#entrance.counts,
      requests: this.#requests,
      repeated: this.#repeated,
      unauthorized: this.#failed.total,
    };
    return proxyMetrics(counts, this.#upstreams.all);
  }

  #counted(response: Response): Response {
    const kind = `${Math.floor(response.status / 100)}xx`;
    this.#requests.set(kind, (this.#requests.get(kind) ?? 0) + 1);
    return response;
  }

  #failure(error: Error): Response {
    if (error instanceof HiqliteError) {
      const { code, message } = error;
      const answer = errorAnswer(HTTP_STATUS[code], code, message);
      if (endsConnection(error)) answer.headers.set("connection", "close");
      return answer;
    }
    if (error.name === "AbortError") {
      // The client has gone; nobody reads it.
      return new Response(null, { status: 499 });
    }
    this.#options.logger.error("request failed", { error: error.stack });
    return errorAnswer(
      500,
      "internal",
      "The proxy has a defect; its log has the details",
    );
  }
}

function errorAnswer(
  status: number,
  code: HiqliteError["code"],
  message: string,
): Response {
  const body: ErrorBody = { error: { code, message } };
  return Response.json(body, {
    status,
    headers: status === 429 || status === 503
      ? { "retry-after": "1" }
      : status === 401
      ? { "www-authenticate": "Bearer" }
      : {},
  });
}
