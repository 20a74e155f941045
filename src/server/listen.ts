import type { Logger } from "../util/logger.ts";
import type { ListenerReport, Member } from "../node/port.ts";
import type { NodeConfig } from "../config/types.ts";
import { HEALTH, PING } from "../api/routes/status.ts";
import { certificateOf } from "./certificates.ts";
import { FrontedPort } from "./fronted_port.ts";
import { innerAddress, openInner } from "./inner_address.ts";
import { PeerPort } from "./peer_port.ts";
import { listenError, localAddress } from "../front/listen_error.ts";
import { Listener, type ListenerOptions, removeSocket } from "./listener.ts";
import type { LinkAcceptor } from "../network/port.ts";
import type { PlainAnswer } from "../network/http_head.ts";
import { RaftListener } from "../network/listener/raft_listener.ts";
import type { TlsEntrance } from "../network/listener/tls_entrance.ts";
import { shortageText } from "../util/shortage.ts";
import { parseHostPort } from "../config/address.ts";
import { SpareFiles } from "./spare_files.ts";

/** What the two listeners serve. */
export interface ListenOptions {
  readonly config: NodeConfig;
  /** Asked for `/health` on the Raft listener. */
  readonly member: Pick<Member, "health">;
  /** Takes the connections of peers. */
  readonly links: LinkAcceptor;
  /** Answers clients. */
  readonly api: (request: Request) => Response | Promise<Response>;
  readonly logger: Logger;
  /** By which the API is told from where connections come; see `FrontOpening`. @default it is not */
  readonly addressTag?: string;
  /** How long {@linkcode Listeners.close} waits for responses under way, ms. @default {5_000} */
  readonly graceMs?: number;
}

/** Open listeners. */
export interface Listeners {
  /** Where clients reach this member from this machine: `http://host:port`, or https. */
  readonly apiUrl: string;
  /** Reads the files of certificates now. */
  readonly reload: () => void;
  /** What they tell of themselves, for metrics. */
  readonly report: () => readonly ListenerReport[];
  /** Accepts no more connections, waits for responses under way, at most the grace time, and closes. Idempotent. */
  readonly close: () => Promise<void>;
}

/** The default of `graceMs`, ms. */
const GRACE_MS = 5000;
/** The least time between two lines about scarce descriptors, ms. */
const QUIET_MS = 60_000;

/**
 * Opens the Raft and the API listener.
 *
 * `Deno.serve` has no timeout for the heads of requests, no limit of
 * connections, and a TLS that stalls, so the API has a front; the Raft listener
 * bounds its connections and speaks TLS itself. When descriptors run out, the
 * member keeps some for its files, ends the connections of the front that ask
 * nothing, and accepts again a moment later. Links stay.
 *
 * @throws {ConfigError} if an address cannot be listened on, or a certificate not be used; names its key.
 */
export async function listen(options: ListenOptions): Promise<Listeners> {
  const listening = new Listening(options);
  try {
    await listening.openRaft();
    const apiUrl = await listening.openApi(options.api);
    listening.keepSpareFiles();
    let closing: Promise<void> | undefined;
    return {
      apiUrl,
      reload: () => listening.reload(),
      report: () => listening.report(),
      close: () => closing ??= listening.close(options.graceMs ?? GRACE_MS),
    };
  } catch (error) {
    await listening.close(0);
    throw error;
  }
}

/** What listening for peers alone needs. */
type PeerListenOptions = Omit<ListenOptions, "api" | "graceMs">;

/** A listener for peers alone: of a node that is no member yet. Returns what closes it. @throws {ConfigError} */
export async function listenForPeers(
  options: PeerListenOptions,
): Promise<() => Promise<void>> {
  const listening = new Listening(options);
  try {
    await listening.openRaft();
    return () => listening.close(0);
  } catch (error) {
    await listening.close(0);
    throw error;
  }
}

/** What is open. */
class Listening {
  readonly #options: PeerListenOptions;
  readonly #own: { readonly raft: string; readonly api: string };
  #peers: PeerPort | null = null;
  #server: Listener | null = null;
  #front: FrontedPort | null = null;
  #spare: SpareFiles | null = null;
  #saidMs = -Infinity;
  readonly #shortage: Pick<ListenerOptions, "failed" | "mayOpen"> = {
    failed: () => this.#relieve(),
    mayOpen: () => this.#spare === null || this.#spare.kept > 0,
  };

  constructor(options: PeerListenOptions) {
    this.#options = options;
    const { nodes, nodeId } = options.config;
    this.#own = nodes.find((node) => node.id === nodeId)!;
  }

  /** @throws {ConfigError} */
  async openRaft(): Promise<void> {
    const { config, logger, links, member } = this.#options;
    const { port } = parseHostPort(this.#own.raft)!;
    const hostname = config.listenAddrRaft;
    const open = (tls: TlsEntrance | null): RaftListener => {
      try {
        return new RaftListener({
          at: { hostname, port },
          tls,
          logger,
          links,
          answer: (path) => probeAnswer(path, member),
          ...this.#shortage,
        });
      } catch (cause) {
        const address = localAddress(hostname, port);
        throw listenError("listen_addr_raft", address, cause);
      }
    };
    const certificate = await certificateOf("raft", config, logger);
    this.#peers = await PeerPort.open(certificate, open);
  }

  /** Returns where clients reach it from this machine. @throws {ConfigError} */
  async openApi(handler: ListenOptions["api"]): Promise<string> {
    const { config, logger, addressTag = "" } = this.#options;
    const certificate = await certificateOf("api", config, logger);
    const server = openInner(innerAddress(config.dataDir), (at) => {
      const key = "listen_addr_api";
      return new Listener({ key, at, logger, handler, ...this.#shortage });
    });
    this.#server = server;
    this.#front = await FrontedPort.open({
      hostname: config.listenAddrApi,
      port: parseHostPort(this.#own.api)!.port,
      inner: server.address,
      certificate,
      config,
      logger,
      addressTag,
      scarce: (error) => this.#complain(error),
    });
    return this.#front.url;
  }

  /** Windows has no such limit, and no files of folders. */
  keepSpareFiles(): void {
    if (Deno.build.os === "windows") return;
    this.#spare = new SpareFiles(
      this.#options.config.dataDir,
      () => this.#relieve(),
    );
  }

  /** Reads the files of certificates now. */
  reload(): void {
    this.#peers?.reload();
    this.#front?.reload();
  }

  /** What the ports tell of themselves. */
  report(): ListenerReport[] {
    return [this.#peers?.report(), this.#front?.report()]
      .filter((report) => report !== undefined && report !== null);
  }

  /** Connections that outlive the grace time are ended. */
  async close(graceMs: number): Promise<void> {
    this.#spare?.close();
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, graceMs);
    const ended = [
      this.#front?.stop(),
      this.#peers?.shutdown(),
      this.#server?.shutdown(),
    ];
    await Promise.race([Promise.all(ended), late.promise]);
    clearTimeout(timer);
    this.#front?.close();
    if (this.#server !== null) removeSocket(this.#server.address);
  }

  #complain(error: Error): void {
    this.#relieve();
    if (performance.now() - this.#saidMs < QUIET_MS) return;
    this.#saidMs = performance.now();
    this.#options.logger.error(shortageText(error), { listener: "api" });
  }

  #relieve(): void {
    this.#spare?.release();
    this.#front?.shed();
  }
}

/** The probes that the Raft listener answers. */
function probeAnswer(
  path: string,
  member: Pick<Member, "health">,
): PlainAnswer | null {
  switch (path) {
    case PING.path:
      return { status: 200, type: "text/plain;charset=UTF-8", body: "pong" };
    case HEALTH.path: {
      const health = member.health();
      const { reply } = HEALTH;
      const status = reply.status?.(health) ?? 200;
      const body = JSON.stringify(reply.encode(health));
      return { status, type: "application/json", body };
    }
    default:
      return null;
  }
}
