import { configOf, type NodeOptions } from "../config/options.ts";
import { listen, type Listeners } from "./listen.ts";
import { type Logger, silentLogger } from "../util/logger.ts";
import { createApp } from "./app.ts";
import type { HiqliteNode } from "../node/node.ts";
import { LocalClient } from "../client/local.ts";
import type { NodeConfig } from "../config/types.ts";
import { openNode } from "../node/open.ts";

/** How to run a member inside an application. */
export interface OpenOptions extends NodeOptions {
  /** Where log lines go. @default silent */
  readonly logger?: Logger;
  /**
   * Open the Raft and the API listener. A member with peers needs them.
   * @default {true} if `nodes` is given
   */
  readonly listen?: boolean;
  /** How long to wait until the member is ready, ms; 0 does not wait. @default {60_000} */
  readonly readyTimeoutMs?: number;
  /**
   * The member cannot go on (a failed fsync, a damaged file) and has stopped
   * itself; every later call fails. End the process or open another member.
   */
  readonly onFatal?: (error: Error) => void;
}

/** A started member and its listeners. */
export interface RunningMember {
  readonly node: HiqliteNode;
  /** Undefined for a member that does not listen. */
  readonly listeners: Listeners | undefined;
  /** Stops the member, then the listeners. Idempotent. */
  shutdown(): Promise<void>;
}

/** What starting a member needs beside its configuration. */
export interface StartOptions {
  readonly logger: Logger;
  readonly listen: boolean;
  readonly fatal: (error: Error) => void;
  /** Shown in the OpenAPI document. */
  readonly version?: string;
}

/**
 * Opens the database and answers when it is ready: a leader is known and this
 * member has caught up with it.
 *
 * ```ts ignore
 * await using db = await open({ dataDir: "data" });
 * await db.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)");
 * ```
 *
 * @throws {ConfigError} naming the option. {HiqliteError} `storage`; `timeout` if it is not ready in time.
 */
export async function open(options: OpenOptions = {}): Promise<LocalClient> {
  const { logger, listen, readyTimeoutMs, onFatal, ...nodeOptions } = options;
  const config = configOf(nodeOptions);
  const running = await start(config, {
    logger: logger ?? silentLogger,
    listen: listen ?? options.nodes !== undefined,
    fatal: onFatal ?? (() => {}),
  });
  try {
    if (readyTimeoutMs !== 0) {
      await running.node.whenReady(readyTimeoutMs ?? 60_000);
    }
  } catch (error) {
    await running.shutdown();
    throw error;
  }
  return new LocalClient(running.node, () => running.shutdown());
}

/** Starts a member and its listeners; it need not be ready yet. */
export async function start(
  config: NodeConfig,
  { logger, listen: listens, fatal, version }: StartOptions,
): Promise<RunningMember> {
  const node = await openNode(config, { logger, fatal });
  let listeners: Listeners | undefined;
  try {
    if (listens) listeners = openListeners(config, node, logger, version);
    node.start();
  } catch (error) {
    await node.shutdown();
    await listeners?.close(0);
    throw error;
  }
  let stopping: Promise<void> | undefined;
  return {
    node,
    listeners,
    shutdown: () => stopping ??= node.shutdown().then(() => listeners?.close()),
  };
}

function openListeners(
  config: NodeConfig,
  node: HiqliteNode,
  logger: Logger,
  version: string | undefined,
): Listeners {
  const app = createApp(node, {
    secretApi: config.secretApi,
    maxBodyBytes: config.maxBodyBytes,
    queryTimeoutMs: config.queryTimeoutMs,
    queryMaxRows: config.queryMaxRows,
    logger,
    ...(version === undefined ? {} : { version }),
  });
  return listen({
    config,
    member: node,
    raft: (request) => node.accept(request),
    api: (request) => app.fetch(request),
    logger,
  });
}
