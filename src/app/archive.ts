import {
  ARCHIVE_PREFIX,
  archiveName,
  BACKUP_PREFIX,
  baseName,
} from "../backup/names.ts";
import { type BackupStore, listAll } from "../backup/object_store.ts";
import {
  archivesOf,
  type ClusterArchive,
  planRestore,
  type Point,
  type RestorePlan,
} from "../backup/point_in_time.ts";
import { HiqliteError } from "../errors.ts";
import type { RestoreSource } from "../node/open_restore.ts";
import type { BackupContents } from "../state/backups/types.ts";
import { copyBackup } from "./backup_store.ts";

/** A backup with archived log that is replayed onto it. */
export type ReplayedSource = Extract<RestoreSource, { kind: "backup" }> & {
  readonly replay: NonNullable<
    Extract<RestoreSource, { kind: "backup" }>["replay"]
  >;
};

/** What is archived in a store, of each cluster. */
export async function archivesIn(
  store: BackupStore,
): Promise<readonly ClusterArchive[]> {
  const names: string[] = [];
  for (const prefix of [ARCHIVE_PREFIX, BACKUP_PREFIX]) {
    for await (const { name } of listAll(store, prefix)) names.push(name);
  }
  return archivesOf(names);
}

/**
 * The backup and the log that restore a point. `clusterId`: whose; null if only one has that point.
 * @throws {HiqliteError} `invalid` if it cannot be restored, with what can be.
 */
export async function archivedPoint(
  store: BackupStore,
  point: Point,
  clusterId: string | null,
): Promise<ReplayedSource> {
  const archives = await archivesIn(store);
  return archivedSource(store, planRestore(archives, point, clusterId));
}

/** What a plan restores, out of a store. */
export function archivedSource(
  store: BackupStore,
  plan: RestorePlan,
): ReplayedSource {
  const { base } = plan;
  return {
    kind: "backup",
    label: `${base.backup} from the store`,
    name: base.backup,
    copyTo: async (path) => {
      const note = await new Response(await store.get(baseName(base)))
        .json() as BackupContents;
      const { sha256 } = await copyBackup(store, base.backup, path);
      if (sha256 === note.sha256) return;
      throw new HiqliteError(
        "invalid",
        `${base.backup} is not what was stored under that name: its SHA-256 is ${sha256}, not ${note.sha256}`,
      );
    },
    replay: {
      plan,
      read: async (name) =>
        new Uint8Array(
          await new Response(await store.get(archiveName(name))).arrayBuffer(),
        ),
    },
  };
}
