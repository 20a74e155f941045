import { HiqliteError } from "../errors.ts";
import { encodeConfiguration } from "../raft/configuration.ts";
import { EntryKind, NO_CONFIGURATION } from "../raft/types.ts";
import { memberIdOf, newIdentity } from "./identity.ts";
import type { NodeVault } from "./parts.ts";

/** What {@linkcode recoverCluster} did. */
export interface Recovery {
  readonly oldClusterId: string;
  readonly newClusterId: string;
  /** The state that the new cluster begins with. */
  readonly appliedIndex: number;
  /** Entries of the old log that were not known to be applied and are given up. */
  readonly droppedEntries: number;
}

/**
 * Makes a new cluster of one out of what a stopped member has applied. For the
 * case that no majority of the old cluster will ever come back: writes that
 * only the others acknowledged are lost, which is why nothing does this by itself.
 * @throws {HiqliteError} `conflict` if `confirm` is not the id of the cluster that is given up.
 */
export async function recoverCluster(
  vault: NodeVault,
  confirm: string,
): Promise<Recovery> {
  const { identity, storage } = vault;
  if (identity.clusterId === "" || identity.clusterId !== confirm) {
    throw new HiqliteError(
      "conflict",
      identity.clusterId === ""
        ? "This data directory has never been in a cluster: there is nothing to recover"
        : `To give up cluster ${identity.clusterId}, confirm with its id`,
    );
  }
  const { log, logRecovery, state } = storage;
  const { applied } = state;
  const dropped = Math.max(0, log.last.index - applied.index);
  const term = Math.max(logRecovery.hardState.term, applied.term) + 1;
  const next = newIdentity(identity.nodeId);
  const self = memberIdOf(next);
  log.reset(applied);
  log.saveHardState({ term, vote: null });
  const payload = encodeConfiguration({ ...NO_CONFIGURATION, voters: [self] });
  if (!log.reserve(1, payload.length)) {
    throw new HiqliteError("disk_full", "No room on the disk for the log");
  }
  log.append([
    { index: applied.index + 1, term, kind: EntryKind.config, payload },
  ]);
  await new Promise<void>((resolve, reject) =>
    log.sync((error) => error === null ? resolve() : reject(error))
  );
  const newClusterId = crypto.randomUUID();
  vault.save({
    ...next,
    boot: identity.boot,
    addresses: identity.addresses,
    clusterId: newClusterId,
    phase: "member",
  });
  return {
    oldClusterId: identity.clusterId,
    newClusterId,
    appliedIndex: applied.index,
    droppedEntries: dropped,
  };
}
