import {
  ARCHIVE_PREFIX,
  BACKUP_PREFIX,
  type BaseName,
  parseBaseName,
} from "../../backup/names.ts";
import { type BackupStore, listAll } from "../../backup/object_store.ts";
import {
  expiredObjects,
  type KnownBackup,
  type KnownSegment,
} from "../../backup/retention.ts";
import { sweep } from "../../backup/sweep.ts";
import type { BackupRecord } from "../../state/backups/types.ts";
import type { BackupPorts } from "./ports.ts";

/** What was left of an upload so long ago is nobody's any more, ms. */
const STALE_MS = 24 * 60 * 60_000;

/** Deletes what no restore needs any more from a store, after a backup that was taken. */
export async function retainStored(
  store: BackupStore,
  records: readonly BackupRecord[],
  { clock, keepDays, logger }: Pick<
    BackupPorts,
    "clock" | "keepDays" | "logger"
  >,
): Promise<void> {
  const { bases, segments } = await listArchive(store);
  const expired = expiredObjects({
    backups: await listBackups(store, records, bases),
    segments,
    bases,
    nowMs: clock.wall(),
    keepDays,
    lastRunSucceeded: true,
  });
  const { deleted, kept } = await sweep(store, expired);
  for (const name of deleted) {
    logger.info("what an old backup needed was deleted", { name });
  }
  // Without the right to delete, backups go on.
  for (const { name, reason } of kept) {
    logger.warn(`an old backup was not deleted: ${reason}`, { name });
  }
  await store.abortStale(clock.wall() - STALE_MS);
}

async function listArchive(
  store: BackupStore,
): Promise<{ bases: BaseName[]; segments: KnownSegment[] }> {
  const bases: BaseName[] = [];
  const segments: KnownSegment[] = [];
  for await (const { name, modifiedMs } of listAll(store, ARCHIVE_PREFIX)) {
    const base = parseBaseName(name);
    if (base === undefined) segments.push({ name, modifiedMs });
    else bases.push(base);
  }
  return { bases, segments };
}

async function listBackups(
  store: BackupStore,
  records: readonly BackupRecord[],
  bases: readonly BaseName[],
): Promise<KnownBackup[]> {
  const known = new Map(records.map((record) => [record.name, record]));
  const noted = new Map(bases.map((base) => [base.backup, base]));
  const backups: KnownBackup[] = [];
  for await (const { name } of listAll(store, BACKUP_PREFIX)) {
    const record = known.get(name);
    const base = noted.get(name);
    const index = record?.contents?.index ?? base?.index;
    const clusterId = record?.cluster ?? base?.clusterId;
    backups.push({
      name,
      verified: record?.checked?.problem === null,
      ...(index === undefined ? {} : { index }),
      ...(clusterId === undefined ? {} : { clusterId }),
    });
  }
  return backups;
}
