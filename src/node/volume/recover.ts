import { HiqliteError } from "../../errors.ts";
import { encodeConfiguration } from "../../raft/configuration.ts";
import {
  EntryKind,
  type LogId,
  type MemberId,
  NO_CONFIGURATION,
  type NodeId,
} from "../../raft/types.ts";
import { isInstallUnfinished, latestConfiguration } from "./boot.ts";
import { type Identity, memberIdOf, newIdentity } from "./identity.ts";
import type { NodeVault } from "./vault.ts";

/** What confirms that a cluster is given up whose id is lost. */
export const UNKNOWN_CLUSTER = "unknown";

/** What is left on a stopped member. */
export interface Remains {
  /** `unknown` if the identity is lost. */
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** 16 hex digits. */
  readonly incarnation: string;
  /** How often it was started on this volume. */
  readonly boot: number;
  /** Of the latest configuration it knows. */
  readonly voters: readonly MemberId[];
  /** What its database contains. */
  readonly applied: LogId;
  /** The last entry of its log. */
  readonly last: LogId;
  /** Entries of its log that its database lacks: not known to be committed. */
  readonly pendingEntries: number;
  /** What was found damaged in the database while it was in use; null if nothing was. */
  readonly damaged: string | null;
}

/** What {@linkcode recoverCluster} did. */
export interface Recovery extends Remains {
  readonly newClusterId: string;
}

/** The id of the cluster that a data directory belongs to, as it must be confirmed. */
export function clusterIdOf({ clusterId }: Identity): string {
  return clusterId || UNKNOWN_CLUSTER;
}

/**
 * Says what is left on a stopped member.
 * @throws {HiqliteError} `conflict` if no cluster can begin with it.
 */
export function remainsOf({ identity, storage }: NodeVault): Remains {
  const { log, state } = storage;
  const { applied } = state;
  if (log.last.index === 0 && applied.index === 0) {
    throw new HiqliteError(
      "conflict",
      "There is nothing in this data directory to begin a cluster with. If there is a folder quarantine/ in it, move logs/ and state_machine/ back from there first",
    );
  }
  if (applied.index < log.base.index) {
    throw new HiqliteError(
      "conflict",
      `No cluster can begin with this: its database ends at index ${applied.index}, its log begins after ${log.base.index}. Use another member, or a backup`,
    );
  }
  return {
    clusterId: clusterIdOf(identity),
    nodeId: identity.nodeId,
    incarnation: identity.incarnation,
    boot: identity.boot,
    voters: latestConfiguration(storage).voters,
    applied,
    last: log.last,
    pendingEntries: isInstallUnfinished(storage)
      ? 0
      : log.last.index - applied.index,
    damaged: identity.damaged ?? null,
  };
}

/**
 * Makes a new cluster of one out of what a stopped member has: its database, and
 * the entries of its log, which may have been acknowledged. For the case that no
 * majority of the old cluster will ever come back: writes that only the others
 * have are lost, which is why nothing does this by itself. If it is
 * interrupted, it can be repeated.
 * @throws {HiqliteError} `conflict` if `confirm` is not the id of the cluster that is given up, or nothing is left; `disk_full`.
 */
export async function recoverCluster(
  vault: NodeVault,
  confirm: string,
): Promise<Recovery> {
  const remains = remainsOf(vault);
  if (remains.clusterId !== confirm) {
    throw new HiqliteError(
      "conflict",
      `To give up cluster ${remains.clusterId}, confirm with its id`,
    );
  }
  const { identity, storage } = vault;
  const { log, logRecovery } = storage;
  const { applied } = remains;
  if (isInstallUnfinished(storage)) log.reset(applied);
  const term =
    Math.max(logRecovery.hardState.term, applied.term, log.last.term) + 1;
  const next = newIdentity(identity.nodeId);
  const voters = [memberIdOf(next)];
  const payload = encodeConfiguration({ ...NO_CONFIGURATION, voters });
  if (!log.reserve(1, payload.length)) {
    throw new HiqliteError("disk_full", "No room on the disk for the log");
  }
  // In this order: a crash keeps a prefix, and an entry must not outlive its term.
  log.saveHardState({ term, vote: null });
  log.append([
    { index: log.last.index + 1, term, kind: EntryKind.config, payload },
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
  return { ...remains, newClusterId };
}
