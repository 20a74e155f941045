import { ConfigError } from "../errors.ts";
import type { Logger } from "../util/logger.ts";
import type { Member } from "../node/port.ts";
import type { NodeConfig } from "../config/types.ts";
import { HEALTH, PING } from "../api/routes/status.ts";
import { parseHostPort } from "../config/address.ts";

/** What the two listeners serve. */
export interface ListenOptions {
  readonly config: NodeConfig;
  /** Asked for `/health` on the Raft listener. */
  readonly member: Pick<Member, "health">;
  /** Answers peers that open a link (a WebSocket upgrade). */
  readonly raft: (request: Request) => Response;
  /** Answers clients. */
  readonly api: (request: Request) => Response | Promise<Response>;
  readonly logger: Logger;
  /** How long {@linkcode Listeners.close} waits for responses under way, ms. @default {5_000} */
  readonly graceMs?: number;
}

/** Open listeners. */
export interface Listeners {
  /** Where clients reach this member from this machine: `http://host:port`. */
  readonly apiUrl: string;
  /** Accepts no more connections, waits for responses under way, at most the grace time, and closes. Idempotent. */
  readonly close: () => Promise<void>;
}

/** The default of `graceMs`, ms. */
const GRACE_MS = 5000;

/**
 * Opens the Raft and the API listener.
 *
 * `Deno.serve` has no timeout for request headers and no limit of connections:
 * a client that sends half a request holds one socket. It costs memory and a
 * file descriptor, never a thread, and the Raft listener has its own port;
 * bodies have a timeout of their own (body.ts). Put a reverse proxy or a
 * firewall in front of an API that strangers can reach.
 *
 * @throws {ConfigError} if an address cannot be listened on; names it and its key.
 */
export async function listen(options: ListenOptions): Promise<Listeners> {
  const { config, logger } = options;
  const own = config.nodes.find((node) => node.id === config.nodeId)!;
  const raft = listenOn({
    key: "listen_addr_raft",
    hostname: config.listenAddrRaft,
    port: parseHostPort(own.raft)!.port,
    logger,
    handler: raftHandler(options),
  });
  let api: Deno.HttpServer;
  try {
    api = listenOn({
      key: "listen_addr_api",
      hostname: config.listenAddrApi,
      port: parseHostPort(own.api)!.port,
      logger,
      handler: options.api,
    });
  } catch (error) {
    await raft.shutdown();
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    apiUrl: urlOf(config.listenAddrApi, parseHostPort(own.api)!.port),
    close: () => closing ??= closeAll([raft, api], options.graceMs ?? GRACE_MS),
  };
}

function raftHandler(
  { member, raft }: ListenOptions,
): (request: Request) => Response {
  return (request) => {
    switch (new URL(request.url).pathname) {
      case PING.path:
        return new Response("pong");
      case HEALTH.path: {
        const health = member.health();
        return Response.json(health, { status: health.ok ? 200 : 503 });
      }
      default:
        return raft(request);
    }
  };
}

function listenOn({ key, hostname, port, logger, handler }: {
  readonly key: string;
  readonly hostname: string;
  readonly port: number;
  readonly logger: Logger;
  readonly handler: (request: Request) => Response | Promise<Response>;
}): Deno.HttpServer {
  try {
    return Deno.serve({
      hostname,
      port,
      onListen: () => {},
      onError: (error) => {
        logger.error("a request failed", { error: String(error) });
        return new Response("internal error\n", { status: 500 });
      },
    }, handler);
  } catch (cause) {
    const error = new ConfigError(key, problemOf(cause, urlOf(hostname, port)));
    error.cause = cause;
    throw error;
  }
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

/** Connections that outlive the grace time end with the process. */
async function closeAll(
  servers: readonly Deno.HttpServer[],
  graceMs: number,
): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, graceMs);
  await Promise.race([
    Promise.all(servers.map((server) => server.shutdown())),
    late.promise,
  ]);
  clearTimeout(timer);
}

/** A URL that works on this machine, also for a listener on all interfaces. */
function urlOf(hostname: string, port: number): string {
  const host = hostname === "0.0.0.0" ? "127.0.0.1" : hostname;
  const local = host === "::" ? "::1" : host;
  return `http://${local.includes(":") ? `[${local}]` : local}:${port}`;
}
