import { configOf, type NodeOptions } from "../config/options.ts";
import type { LocalClient } from "../client/local.ts";
import type { Logger } from "../util/logger.ts";
import { openMember } from "./open.ts";

/** Everything {@linkcode open} can be told; what is left out has the default of the configuration reference. */
export interface OpenOptions extends NodeOptions {
  /** @default silent */
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
 * ```ts ignore
 * await using db = await open({ dataDir: "data" });
 * await db.execute("CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT)");
 * await db.execute("INSERT INTO note (text) VALUES (?)", ["hello"]);
 * console.log(await db.query("SELECT * FROM note"));
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
    await node.whenReady(readyTimeoutMs ?? Infinity);
    return client;
  } catch (error) {
    await client.shutdown();
    throw error;
  }
}
