import type { NodeConfig } from "../config/types.ts";
import type { RestoreTurn } from "../node/cluster/restore_turn.ts";
import {
  makeWay,
  openRestoring,
  restoredBefore,
} from "../node/open_restoring.ts";
import { listenForPeers } from "../server/listen.ts";
import type { Logger } from "../util/logger.ts";
import { restoreSource } from "./restore.ts";

/**
 * Does what `HQL_BACKUP_RESTORE`, which is set, asks, before the member is opened: once, whether or not the variable stays set.
 * @throws {HiqliteError} if the backup cannot be restored; the data is as it was then.
 */
export async function restoreAtStart(
  config: NodeConfig,
  logger: Logger,
): Promise<void> {
  const source = config.backupRestore;
  if (await restoredBefore(config) === source) {
    logger.info("this backup was restored before: HQL_BACKUP_RESTORE can go", {
      source,
    });
    return;
  }
  const turn = config.nodes.length === 1
    ? { kind: "restore" } as const
    : await turnAmongPeers(config, source, logger);
  if (turn.kind === "join") {
    const kept = await makeWay(config, source);
    logger.info(
      `node ${turn.node} has restored ${source}: joining its cluster ${turn.clusterId}`,
      kept === null ? {} : { quarantine: kept },
    );
    return;
  }
  const { applied, newClusterId } = await restoreSource(config, {
    source,
    format: "backup",
    mayGiveUp: () => true,
    origin: source,
    progress: (line) => logger.info(line),
  });
  logger.info(`${source} is restored`, {
    cluster: newClusterId,
    index: applied.index,
  });
}

async function turnAmongPeers(
  config: NodeConfig,
  source: string,
  logger: Logger,
): Promise<RestoreTurn> {
  const node = await openRestoring(config, source, logger);
  const detail = `waiting until ${source} is restored`;
  let stop = (): Promise<void> => Promise.resolve();
  try {
    stop = await listenForPeers({
      config,
      logger,
      links: node.links,
      member: { health: () => ({ ok: true, detail }) },
    });
    return await node.turn();
  } finally {
    await node.close();
    await stop();
  }
}
