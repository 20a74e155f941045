import * as fs from "node:fs";
import { type SavedStream, saveStream } from "../backup/save_stream.ts";
import { dirname, join, resolve } from "node:path";
import { BACKUP_PREFIX, parseBackupName } from "../backup/names.ts";
import {
  type BackupStore,
  listAll,
  type StoredObject,
} from "../backup/object_store.ts";
import {
  localStoreOf,
  remoteStoreOf,
  sharedStoreOf,
} from "../backup/open_store.ts";
import type { NodeConfig } from "../config/types.ts";
import { HiqliteError } from "../errors.ts";
import { requireRoom } from "../backup/room.ts";
import { silentLogger } from "../util/logger.ts";

/** Where backups go by a configuration: its bucket or shared folder, or else the folder on this machine. */
export function storeOf(config: NodeConfig): BackupStore {
  return sharedStoreOf(config, silentLogger) ??
    localStoreOf(config, join(config.dataDir, "backups"));
}

/** The bucket of a configuration. @throws {HiqliteError} `invalid` if it has none. */
export function bucketOf(config: NodeConfig): BackupStore {
  const store = remoteStoreOf(config, silentLogger);
  if (store !== null) return store;
  throw new HiqliteError(
    "invalid",
    "No S3 is configured (s3_url, HQL_S3_URL): restore from file:<path>",
  );
}

/** The store that all members share. @throws {HiqliteError} `invalid` if there is none. */
export function sharedOf(config: NodeConfig): BackupStore {
  const store = sharedStoreOf(config, silentLogger);
  if (store !== null) return store;
  throw new HiqliteError(
    "invalid",
    "Neither S3 (s3_url, HQL_S3_URL) nor a folder (backup_folder, HQL_BACKUP_FOLDER) is configured: restore from file:<path>",
  );
}

/** All backups in a store, the oldest first. */
export async function backupsIn(store: BackupStore): Promise<StoredObject[]> {
  const found: { readonly object: StoredObject; readonly unixSec: number }[] =
    [];
  for await (const object of listAll(store, BACKUP_PREFIX)) {
    const name = parseBackupName(object.name);
    if (name !== undefined) found.push({ object, unixSec: name.unixSec });
  }
  return found.toSorted((a, b) => a.unixSec - b.unixSec)
    .map(({ object }) => object);
}

/** The name that `latest` means; any other is itself. @throws {HiqliteError} `not_found` */
export async function resolveName(
  store: BackupStore,
  name: string,
): Promise<string> {
  if (name !== "latest") return name;
  const newest = (await backupsIn(store)).at(-1);
  if (newest !== undefined) return newest.name;
  throw new HiqliteError("not_found", "There is no backup in the store");
}

/**
 * Writes a backup to a file, in plain and durably; the file must not be there, or be empty.
 * @throws {HiqliteError} `disk_full` if it will not fit; what the store throws.
 */
export async function copyBackup(
  store: BackupStore,
  name: string,
  path: string,
): Promise<SavedStream> {
  const size = (await store.head(name))?.size ?? 0;
  await requireRoom(name, dirname(resolve(path)), size);
  const source = await store.get(name);
  const file = await fs.promises.open(path, "a", 0o600);
  try {
    if ((await file.stat()).size > 0) {
      throw new HiqliteError("conflict", `${path} is there already`);
    }
    return await saveStream(source, file);
  } finally {
    await file.close();
  }
}

/** Seals a backup anew with the active key if it is sealed with another one, or not at all; whether it was. */
export async function rekeyBackup(
  store: BackupStore,
  name: string,
  activeKey: string,
): Promise<boolean> {
  if (await store.keyOf(name) === activeKey) return false;
  const known = await store.head(name);
  if (known === null) return false;
  await store.put(name, await store.get(name), {
    replaces: known.etag,
    size: known.size,
  });
  return true;
}
