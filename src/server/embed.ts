import type { LocalClient } from "../client/local.ts";
import { resolveConfig } from "../config/resolve.ts";
import { keptSecret } from "../config/secrets.ts";
import type { NodeConfig } from "../config/types.ts";
import type { Logger } from "../util/logger.ts";
import { openMember } from "./open.ts";

/** Everything {@linkcode open} can be told; what is left out has the default of the configuration reference. */
export interface OpenOptions extends Partial<NodeConfig> {
  /** @default silent */
  readonly logger?: Logger;
  /** The member cannot go on (a failed fsync, a damaged file). By default its calls fail from then on. */
  readonly onFatal?: (error: Error) => void;
  /** How long to wait until the member is ready, ms; forever by default, since the others may start later. */
  readonly readyTimeoutMs?: number;
}

/**
 * Opens a member of a cluster in this process and waits until it is ready. With
 * no options: a single member on the loopback interface, its data in `./data`.
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
  const { logger, onFatal, readyTimeoutMs, ...given } = options;
  const { node, client } = await openMember(resolveOptions(given), {
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

/** Options take the same way as the environment, so that they are checked alike. */
function resolveOptions(given: Partial<NodeConfig>): NodeConfig {
  const env: Record<string, string> = {};
  if (given.nodes !== undefined) {
    env.HQL_NODES = given.nodes
      .map(({ id, raft, api }) => `${id} ${raft} ${api}`).join("\n");
  }
  if (given.nodeId !== undefined) env.HQL_NODE_ID = `${given.nodeId}`;
  if (given.dataDir !== undefined) env.HQL_DATA_DIR = given.dataDir;
  if (given.secretRaft !== undefined) env.HQL_SECRET_RAFT = given.secretRaft;
  if (given.secretApi !== undefined) env.HQL_SECRET_API = given.secretApi;
  if (given.listenAddrRaft !== undefined) {
    env.HQL_LISTEN_ADDR_RAFT = given.listenAddrRaft;
  }
  if (given.listenAddrApi !== undefined) {
    env.HQL_LISTEN_ADDR_API = given.listenAddrApi;
  }
  const { config } = resolveConfig({ env, generateSecret: keptSecret });
  return Object.freeze({ ...config, ...given });
}
