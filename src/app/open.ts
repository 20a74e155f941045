import { configOf, type NodeOptions } from "../config/options.ts";
import { listen, type Listeners } from "../server/listen.ts";
import { type Logger, silentLogger } from "../util/logger.ts";
import { apiHandler } from "../server/app.ts";
import type { HiqliteNode } from "../node/node.ts";
import { LocalClient } from "../client/local.ts";
import type { NodeConfig } from "../config/types.ts";
import { openNode } from "../node/open.ts";

/** After so long {@linkcode open} says what it waits for, ms. */
const HINT_MS = 3000;

/** Everything {@linkcode open} can be told; what is left out has the default of the configuration reference. */
export interface OpenOptions extends NodeOptions {
  /** Where log lines go; one of them says what is missing if the member is not ready after 3 s. @default silent */
  readonly logger?: Logger;
  /** The member cannot go on (a failed fsync, a damaged file). By default its calls fail from then on. */
  readonly onFatal?: (error: Error) => void;
  /** Open the Raft and the API listener. @default {true} if `nodes` is given */
  readonly listen?: boolean;
  /** How long to wait until the member is ready, ms; forever by default, since the others may start later. */
  readonly readyTimeoutMs?: number;
}

/**
 * Opens a member of a cluster in this process and waits until it is ready. With
 * no options: a single member that listens nowhere, its data in `./data`.
 *
 * ```ts
 * import { open } from "@hiqlite/hiqlite";
 *
 * await using db = await open({ dataDir: "data" });
 * await db.migrate([
 *   { id: 1, name: "author", sql: "CREATE TABLE author (name TEXT NOT NULL)" },
 * ]);
 * const { index } = await db.execute("INSERT INTO author VALUES (?)", ["Lem"]);
 * console.log(index, db.querySync("SELECT name FROM author"));
 * ```
 *
 * @throws {HiqliteError} `config` for contradictory options, `storage` if the data directory cannot be used, `timeout`.
 */
export async function open(options: OpenOptions = {}): Promise<LocalClient> {
  const { logger, onFatal, listen, readyTimeoutMs, ...given } = options;
  const { node, client } = await openMember(configOf(given), {
    listen: listen ?? given.nodes !== undefined,
    ...(logger ? { logger } : {}),
    ...(onFatal ? { onFatal } : {}),
  });
  try {
    await whenReady(node, readyTimeoutMs ?? Infinity, logger ?? silentLogger);
    return client;
  } catch (error) {
    await client.shutdown();
    throw error;
  }
}

/** Waits until the member is ready, and says what is missing if that takes long: the others may have to be started. */
async function whenReady(
  node: HiqliteNode,
  timeoutMs: number,
  logger: Logger,
): Promise<void> {
  const timer = setTimeout(() => {
    logger.warn(
      `open() waits until the member is ready (readyTimeoutMs bounds that): ${node.ready().detail}`,
    );
  }, HINT_MS);
  try {
    await node.whenReady(timeoutMs);
  } finally {
    clearTimeout(timer);
  }
}

/** What a member needs beside its configuration. */
export interface OpenMemberOptions {
  /** Where log lines go. @default silent */
  readonly logger?: Logger;
  /** The member cannot go on; called once. By default its calls fail from then on. */
  readonly onFatal?: (error: Error) => void;
  /** Open the Raft and the API listener. @default {true} */
  readonly listen?: boolean;
  /** Shown in the OpenAPI document. */
  readonly version?: string;
}

/** A started member. */
export interface OpenedMember {
  readonly node: HiqliteNode;
  /** Its shutdown stops the member and its listeners. */
  readonly client: LocalClient;
  /** Undefined for a member that does not listen. */
  readonly listeners: Listeners | undefined;
}

/**
 * Opens a member with its listeners and starts it; it need not be ready yet.
 *
 * @throws {HiqliteError} `config` if an address cannot be listened on, `storage` if the data directory cannot be used.
 */
export async function openMember(
  config: NodeConfig,
  options: OpenMemberOptions = {},
): Promise<OpenedMember> {
  const logger = options.logger ?? silentLogger;
  const node = await openNode(config, {
    logger,
    fatal: options.onFatal ?? (() => {}),
  });
  let listeners: Listeners | undefined;
  try {
    if (options.listen ?? true) {
      listeners = await openListeners(config, node, logger, options.version);
      // Answers under way still need the links; new requests hear `shutting_down`.
      node.beforeRelease(listeners.close);
    }
    node.start();
  } catch (error) {
    await node.shutdown();
    throw error;
  }
  return { node, client: new LocalClient(node), listeners };
}

function openListeners(
  config: NodeConfig,
  node: HiqliteNode,
  logger: Logger,
  version: string | undefined,
): Promise<Listeners> {
  const api = apiHandler(node, {
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
    api,
    logger,
  });
}
