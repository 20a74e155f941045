import { configOf, type NodeOptions } from "../config/options.ts";
import { type Logger, silentLogger } from "../util/logger.ts";
import type { HiqliteNode } from "../node/node.ts";
import { LocalClient } from "../client/local.ts";
import { openMember } from "./open_member.ts";

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
  const { node } = await openMember(configOf(given), {
    listen: listen ?? given.nodes !== undefined,
    ...(logger ? { logger } : {}),
    ...(onFatal ? { onFatal } : {}),
  });
  const client = new LocalClient(node);
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
