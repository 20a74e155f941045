import type { NodeConfig } from "../config/types.ts";
import { salvage } from "../node/open.ts";
import {
  recoverCluster,
  type Recovery,
  type Remains,
  remainsOf,
} from "../node/volume/recover.ts";
import { silentLogger } from "../util/logger.ts";

/** What is left on a member, and whether its log could be read. */
export interface Findings<T extends Remains = Remains> {
  readonly remains: T;
  /** What is wrong with the log, which is left out then; null if it is well. */
  readonly logDamage: string | null;
}

/**
 * Looks at what a stopped member has. Changes nothing.
 * @throws {HiqliteError} `storage` if the data directory cannot be used or is in use, `conflict` if no cluster can begin with it.
 */
export async function inspectDataDir(
  config: NodeConfig,
): Promise<Findings> {
  const { vault, logDamage } = await salvage(config, silentLogger, null);
  try {
    return { remains: remainsOf(vault), logDamage };
  } finally {
    await vault.close();
  }
}

/**
 * Begins a new cluster with what a stopped member has; see `recoverCluster`.
 * @throws {HiqliteError} the same, and `conflict` if `confirm` is not the old cluster's id.
 */
export async function recoverDataDir(
  config: NodeConfig,
  confirm: string,
): Promise<Findings<Recovery>> {
  const { vault, logDamage } = await salvage(config, silentLogger, confirm);
  try {
    return { remains: await recoverCluster(vault, confirm), logDamage };
  } finally {
    await vault.close();
  }
}
