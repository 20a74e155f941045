import type { Logger } from "../util/logger.ts";
import type { Member } from "../node/port.ts";
import type { NodeConfig } from "../config/types.ts";
import { HEALTH, PING } from "../api/routes/status.ts";
import { Listener } from "./listener.ts";
import { parseHostPort } from "../config/address.ts";
import { SpareFiles } from "./spare_files.ts";

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
 * file descriptor, never a thread, and the Raft listener has its own port. When
 * descriptors run out, the member keeps some for its files, ends the API's
 * connections that ask nothing, and listens again a second later. Links stay.
 * Put a reverse proxy or a firewall in front of an API that strangers can reach.
 *
 * @throws {ConfigError} if an address cannot be listened on; names it and its key.
 */
export async function listen(options: ListenOptions): Promise<Listeners> {
  const { config, logger } = options;
  const own = config.nodes.find((node) => node.id === config.nodeId)!;
  const shortage = {
    failed: (): void => {
      spare?.release();
      api?.shed();
    },
    mayOpen: (): boolean => spare === undefined || spare.kept > 0,
  };
  let spare: SpareFiles | undefined;
  let api: Listener | undefined;
  const raft = new Listener({
    key: "listen_addr_raft",
    hostname: config.listenAddrRaft,
    port: parseHostPort(own.raft)!.port,
    logger,
    handler: raftHandler(options),
    ...shortage,
  });
  try {
    api = new Listener({
      key: "listen_addr_api",
      hostname: config.listenAddrApi,
      port: parseHostPort(own.api)!.port,
      logger,
      handler: options.api,
      ...shortage,
    });
  } catch (error) {
    await raft.shutdown();
    throw error;
  }
  // Windows has no such limit, and no files of folders.
  if (Deno.build.os !== "windows") {
    spare = new SpareFiles(config.dataDir, shortage.failed);
  }
  let closing: Promise<void> | undefined;
  const close = async (servers: readonly Listener[]): Promise<void> => {
    spare?.close();
    await closeAll(servers, options.graceMs ?? GRACE_MS);
  };
  return { apiUrl: api.url, close: () => closing ??= close([raft, api]) };
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
        const { reply } = HEALTH;
        return Response.json(reply.encode(health), {
          status: reply.status?.(health) ?? 200,
        });
      }
      default:
        return raft(request);
    }
  };
}

/** Connections that outlive the grace time end with the process. */
async function closeAll(
  servers: readonly Listener[],
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
