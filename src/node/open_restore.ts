import * as fs from "node:fs";
import { join } from "node:path";
import type { NodeConfig } from "../config/types.ts";
import { HiqliteError } from "../errors.ts";
import type { LogId } from "../raft/types.ts";
import { openSqliteMachine } from "../state/sqlite/open_machine.ts";
import { openDriver } from "../state/sqlite/driver/open_driver.ts";
import type { StatePosition } from "../state/port.ts";
import type { BackupFacts, BackupRecord } from "../state/backups/types.ts";
import { readBackupFile } from "../state/sqlite/files/backup_file.ts";
import { DatabaseFiles } from "../state/sqlite/files/files.ts";
import { importDatabase } from "../state/sqlite/import/import_database.ts";
import { silentLogger } from "../util/logger.ts";
import { foundNoRoom } from "../util/no_room.ts";
import { type LogReplay, replayLog } from "./backups/replay.ts";
import { driverOf, salvage } from "./open.ts";
import { DataDir, LOGS, STATE } from "./volume/identity.ts";
import {
  clusterIdOf,
  recoverCluster,
  UNKNOWN_CLUSTER,
} from "./volume/recover.ts";
import { replacementPath } from "./volume/replacement.ts";

/** Where a backup comes from. */
export type RestoreSource =
  /** A copy of a member's database. */
  | {
    readonly kind: "backup";
    /** As people know it. */
    readonly label: string;
    /** What it must be called by its own words. @default anything */
    readonly name?: string;
    /** Writes it to a file that is not there yet, or is empty. */
    copyTo(path: string): Promise<void>;
    /** What is applied onto it. @default nothing */
    readonly replay?: Omit<LogReplay, "progress">;
  }
  /** Any SQLite file, Hiqlite's backups included. */
  | { readonly kind: "foreign"; readonly label: string };

/** What to put in the place of a stopped member's data. */
export interface RestoreRequest {
  readonly source: RestoreSource;
  /** Whether the data of this cluster may be given up, if there is some; `unknown` if its id is lost. */
  mayGiveUp(clusterId: string): boolean;
  /** Noted in the identity: what asked for this, so that it is done once. @default nothing */
  readonly origin?: string;
  /** Hears what is being done. */
  progress(line: string): void;
}

/** A member that begins a new cluster with what was restored. */
export interface Restoration {
  readonly newClusterId: string;
  readonly nodeId: number;
  /** The last entry of what was restored. */
  readonly applied: LogId;
  /** When that was written, ms since 1970; of a foreign file when it was imported. */
  readonly timeMs: number;
  /** The cluster that the backup is of; null if it does not say. */
  readonly backupOf: string | null;
  /** Whether older data was moved to `quarantine/`. */
  readonly quarantined: boolean;
}

/**
 * Puts a backup in the place of a stopped member's data, as the beginning of a new cluster of one. All of it is
 * prepared and checked beside the data, which stays as it is until one rename; if that is not reached, it can be repeated.
 * @throws {HiqliteError} `conflict` if there is data that may not be given up; `invalid` if the file is no backup, or damaged; `storage`, `disk_full`.
 */
export async function restoreDataDir(
  config: NodeConfig,
  request: RestoreRequest,
): Promise<Restoration> {
  const dir = await DataDir.open(config.dataDir);
  try {
    const { nodeId, given } = whatIsThere(dir, config.nodeId);
    if (given !== null && !request.mayGiveUp(given)) throw unconfirmed(given);
    const restored = await prepare({ ...config, nodeId }, request);
    request.progress("Putting it in the place of what was there");
    dir.replace(new Date());
    return { ...restored, nodeId, quarantined: given !== null };
  } catch (error) {
    throw explained(error, request.source.label);
  } finally {
    fs.rmSync(replacementPath(config.dataDir), {
      recursive: true,
      force: true,
    });
    dir.close();
  }
}

/** Whose data is there; `given` is null if nothing is given up. */
function whatIsThere(
  dir: DataDir,
  configured: number,
): { readonly nodeId: number; readonly given: string | null } {
  const found = dir.loadIdentity(null);
  if (found.kind === "intact") {
    const { identity } = found;
    const nothing = identity.clusterId === "" && identity.forgot !== true;
    return {
      nodeId: identity.nodeId,
      given: nothing ? null : clusterIdOf(identity),
    };
  }
  const used = found.kind === "damaged" || dir.has(LOGS) || dir.has(STATE);
  return { nodeId: configured, given: used ? UNKNOWN_CLUSTER : null };
}

async function prepare(
  config: NodeConfig,
  { source, origin, progress }: RestoreRequest,
): Promise<Omit<Restoration, "nodeId" | "quarantined">> {
  const dataDir = replacementPath(config.dataDir);
  fs.rmSync(dataDir, { recursive: true, force: true });
  fs.mkdirSync(dataDir, { mode: 0o700 });
  const path = databaseIn({ ...config, dataDir });
  const driver = openDriver(driverOf(config, silentLogger));
  progress(`Copying ${source.label}`);
  if (source.kind === "backup") await source.copyTo(path);
  else await importDatabase(driver, source.label, path, Date.now());
  fs.chmodSync(path, 0o600);
  progress("Checking every page of it");
  const { cluster, record, ...found } = readBackupFile(driver, path);
  if (source.kind === "backup") checkName(source.name, record);
  const { applied, timeMs } = source.kind === "backup" &&
      source.replay !== undefined
    ? await replayInto({ ...config, dataDir }, { ...source.replay, progress })
    : found;
  progress(`Beginning a new cluster at index ${applied.index}`);
  const { vault } = await salvage(
    { ...config, dataDir, readPoolSize: 1 },
    silentLogger,
    UNKNOWN_CLUSTER,
  );
  try {
    const { newClusterId } = await recoverCluster(vault, UNKNOWN_CLUSTER);
    if (origin !== undefined) {
      vault.save({ ...vault.identity, restored: origin });
    }
    return { newClusterId, applied, timeMs, backupOf: cluster };
  } finally {
    await vault.close();
  }
}

/**
 * Applies archived log onto the database in a data directory that nobody uses; how far that comes.
 * @throws {HiqliteError} `storage` if it cannot be applied: the database is of no use then.
 */
export async function replayInto(
  config: NodeConfig,
  replay: LogReplay,
): Promise<StatePosition> {
  const { machine } = await openSqliteMachine({
    dir: join(config.dataDir, STATE),
    filename: config.filenameDb,
    driver: driverOf(config, silentLogger),
    readPoolSize: 1,
    writeBytesMax: config.writeBytesMax,
    logger: silentLogger,
  });
  try {
    return await replayLog(machine, replay);
  } finally {
    await new Promise<void>((resolve) => machine.close(resolve));
  }
}

/** Makes a data directory without a database; where that belongs. */
export function databaseIn({ dataDir, filenameDb }: NodeConfig): string {
  return new DatabaseFiles(join(dataDir, STATE), filenameDb).path;
}

/** Whoever can write into a bucket can put another backup in the place of one. */
function checkName(
  name: string | undefined,
  record: BackupRecord | null,
): void {
  if (name === undefined || record?.name === name) return;
  throw new HiqliteError(
    "invalid",
    `What is called ${name} holds ${
      record === null ? "no backup's name" : `the backup ${record.name}`
    }: it is not what it is said to be`,
  );
}

function unconfirmed(given: string): HiqliteError {
  return new HiqliteError(
    "conflict",
    `There is data of cluster ${given} here. To put the backup in its place, confirm with that id; what is there moves to quarantine/`,
  );
}

function explained(error: unknown, label: string): unknown {
  if (error instanceof HiqliteError) return error;
  const { message } = error as Error;
  return foundNoRoom(error)
    ? new HiqliteError(
      "disk_full",
      `There is no room to restore ${label}: ${message}`,
      { cause: error },
    )
    : new HiqliteError("invalid", `${label} cannot be restored: ${message}`, {
      cause: error,
    });
}

/**
 * Reads a copy of a member's database, all of it, and what it says of itself. Blocks the thread.
 * @throws {HiqliteError} `invalid` if it is damaged, or none.
 */
export function readBackup(config: NodeConfig, path: string): BackupFacts {
  try {
    return readBackupFile(openDriver(driverOf(config, silentLogger)), path);
  } catch (error) {
    throw new HiqliteError("invalid", (error as Error).message, {
      cause: error,
    });
  }
}
