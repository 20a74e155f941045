import { readFileSync } from "node:fs";
import type { BackupConfig } from "../config/backup_types.ts";
import { ConfigError } from "../errors.ts";
import type { Logger } from "../util/logger.ts";
import { keyRingOf } from "./configured.ts";
import type { BackupStore } from "./object_store.ts";
import { FolderStore } from "./stores/folder_store.ts";
import { LocalStore } from "./stores/local_store.ts";
import { S3_PATIENCE } from "./stores/s3_options.ts";
import { WorkerStore } from "./stores/worker_store.ts";

/**
 * The bucket of a configuration; null if it has none. Nothing is asked and no
 * thread is started before the first call.
 *
 * @throws {ConfigError} naming `s3_ca` if that file cannot be read or holds no certificate.
 */
export function remoteStoreOf(
  config: BackupConfig,
  logger: Logger,
): WorkerStore | null {
  if (config.s3Url === "") return null;
  const s3 = {
    url: config.s3Url,
    bucket: config.s3Bucket,
    region: config.s3Region,
    key: config.s3Key,
    secret: config.s3Secret,
    pathStyle: config.s3PathStyle,
    prefix: config.s3Prefix,
    caCerts: config.s3Ca === "" ? [] : [readAuthorities(config.s3Ca)],
  };
  const { encKeys: keys, encKeyActive: activeKey } = config;
  const setup = { s3, patience: S3_PATIENCE, keys, activeKey };
  return new WorkerStore(setup, logger);
}

/** Where all members of a configuration put their backups: its bucket or its shared folder; null if it has neither. */
export function sharedStoreOf(
  config: BackupConfig,
  logger: Logger,
): BackupStore | null {
  return config.backupFolder === ""
    ? remoteStoreOf(config, logger)
    : localStoreOf(config, config.backupFolder);
}

/** Backups in a folder, sealed if the configuration has keys. The folder is made when something is stored. */
export function localStoreOf(
  config: BackupConfig,
  folder: string,
): BackupStore {
  return new LocalStore(new FolderStore(folder), keyRingOf(config));
}

function readAuthorities(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const error = new ConfigError(
      "s3_ca",
      `cannot read ${path}: ${cause instanceof Error ? cause.message : cause}`,
    );
    error.cause = cause;
    throw error;
  }
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new ConfigError("s3_ca", `${path} holds no certificate in PEM`);
}
