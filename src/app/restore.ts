import * as fs from "node:fs";
import type { BackupStore } from "../backup/object_store.ts";
import { dirname } from "node:path";
import { requireRoom } from "../backup/room.ts";
import type { NodeConfig } from "../config/types.ts";
import { HiqliteError } from "../errors.ts";
import {
  type Restoration,
  restoreDataDir,
  type RestoreSource,
} from "../node/open_restore.ts";
import type { Point } from "../backup/point_in_time.ts";
import { archivedPoint } from "./archive.ts";
import { bucketOf, copyBackup, resolveName, sharedOf } from "./backup_store.ts";

export {
  databaseIn,
  readBackup,
  replayInto,
  type Restoration,
} from "../node/open_restore.ts";

/** What may be given up for what is restored on a stopped member. */
export interface RestoreTerms {
  /** Whether the data of this cluster may be given up, if there is some; `unknown` if its id is lost. */
  mayGiveUp(clusterId: string): boolean;
  /** Noted in the identity: what asked for this, so that it is done once. @default nothing */
  readonly origin?: string;
  /** Hears what is being done. */
  progress(line: string): void;
}

/** What to restore on a stopped member. */
export interface RestoreOptions extends RestoreTerms {
  /** `file:<path>`, `s3:<name>`, `s3:latest` or `latest`; of a foreign file its path. */
  readonly source: string;
  /** `backup`: a copy of a member's database. `foreign`: any SQLite file, Hiqlite's backups included. */
  readonly format: "backup" | "foreign";
}

/**
 * Puts a backup in the place of a stopped member's data, as the beginning of a new cluster.
 * @throws {HiqliteError} `invalid` if the source is none, or not what it is said to be; `conflict` if there is data that may not be given up; `not_found`, `storage`, `disk_full`.
 */
export async function restoreSource(
  config: NodeConfig,
  { source, format, ...rest }: RestoreOptions,
): Promise<Restoration> {
  if (format === "foreign") {
    const foreign = { kind: "foreign", label: source } as const;
    return await restoreDataDir(config, { ...rest, source: foreign });
  }
  if (source === "latest") {
    return await restoreStored(config, sharedOf(config), source, rest);
  }
  const [, scheme, name] = /^(file|s3):(.+)$/s.exec(source) ?? [];
  if (name === undefined) {
    throw new HiqliteError(
      "invalid",
      `Restore from file:<path>, s3:<name> or latest, not from ${
        JSON.stringify(source)
      }`,
    );
  }
  return scheme === "file"
    ? await restoreDataDir(config, { ...rest, source: fileSource(name) })
    : await restoreStored(config, bucketOf(config), name, rest);
}

/**
 * Puts the state at a point in time in the place of a stopped member's data, as the beginning of a new cluster: the newest
 * backup at or before it, and the archived log up to it. `clusterId`: whose; null if only one has that point.
 * @throws {HiqliteError} as {@linkcode restoreSource}; `invalid` if the point cannot be restored, with what can be.
 */
export async function restorePoint(
  config: NodeConfig,
  point: Point,
  clusterId: string | null,
  terms: RestoreTerms,
): Promise<Restoration> {
  const store = sharedOf(config);
  try {
    const source = await archivedPoint(store, point, clusterId);
    return await restoreDataDir(config, { ...terms, source });
  } finally {
    await store.close();
  }
}

async function restoreStored(
  config: NodeConfig,
  store: BackupStore,
  asked: string,
  rest: RestoreTerms,
): Promise<Restoration> {
  try {
    const name = await resolveName(store, asked);
    return await restoreDataDir(config, {
      ...rest,
      source: {
        kind: "backup",
        label: `${name} from the store`,
        name,
        copyTo: async (path) => void await copyBackup(store, name, path),
      },
    });
  } finally {
    await store.close();
  }
}

function fileSource(path: string): RestoreSource {
  return {
    kind: "backup",
    label: path,
    copyTo: async (target) => {
      refuseUnlessClosed(path);
      const { size } = await fs.promises.stat(path);
      await requireRoom(path, dirname(target), size);
      await fs.promises.copyFile(path, target);
    },
  };
}

/** A copy of a file that is in use has no one moment. */
function refuseUnlessClosed(file: string): void {
  const wal = `${file}-wal`;
  if (!fs.existsSync(wal) || fs.statSync(wal).size === 0) return;
  throw new HiqliteError(
    "invalid",
    `${file} has a WAL beside it (${wal}): it is in use, or was copied while it was. Give a backup`,
  );
}
