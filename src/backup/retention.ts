import {
  type ArchiveName,
  type BaseName,
  baseName,
  parseArchiveName,
  parseBackupName,
} from "./names.ts";

const DAY_MS = 86_400_000;

/** A backup that retention may look at. */
export interface KnownBackup {
  /** The object's name. */
  readonly name: string;
  /** The last entry that is in it, if that is known. */
  readonly index?: number;
  /** The cluster whose state it is, if that is known. */
  readonly clusterId?: string;
  /** Whether it was restored once, and its contents found to be what they should. */
  readonly verified: boolean;
}

/** A part of the archived log that retention may look at. */
export interface KnownSegment {
  /** The object's name. */
  readonly name: string;
  /** When it was stored, Unix milliseconds. */
  readonly modifiedMs: number;
}

/** What retention decides by. */
export interface RetentionState {
  readonly backups: readonly KnownBackup[];
  readonly segments: readonly KnownSegment[];
  /** What is noted of backups beside the archived log; listed before the backups were. */
  readonly bases: readonly BaseName[];
  /** Unix milliseconds. */
  readonly nowMs: number;
  /** Backups that are older may go, days, from 0 on. */
  readonly keepDays: number;
  /** Whether the last backup that was to be made was made. */
  readonly lastRunSucceeded: boolean;
}

interface DatedBackup extends KnownBackup {
  readonly atMs: number;
}

interface DatedSegment extends KnownSegment, ArchiveName {}

/**
 * The names of what may be deleted: backups and parts of the log that no
 * restore to a moment of the last `keepDays` needs. Only names of ours, never
 * the newest backup and never the newest verified one, and nothing at all
 * after a run that failed.
 */
export function expiredObjects(state: RetentionState): readonly string[] {
  if (!state.lastRunSucceeded) return [];
  const windowMs = state.nowMs - state.keepDays * DAY_MS;
  const backups = datedBackups(state.backups);
  const kept = new Set(newestOf(backups));
  const expired: string[] = [];
  for (const [clusterId, segments] of byCluster(state.segments)) {
    const over = isOver(clusterId, segments, backups, windowMs);
    const base = baseOf(backups, clusterId, windowMs);
    const needed = over
      ? []
      : segments.filter(({ last }) => base === undefined || last > base.index!);
    // A moment at the window's begin is restored from the base and what follows it.
    if (needed.length > 0 && base !== undefined) kept.add(base.name);
    const useful = new Set(needed);
    for (const segment of segments) {
      if (!useful.has(segment)) expired.push(segment.name);
    }
  }
  for (const { name, atMs } of backups) {
    if (atMs < windowMs && !kept.has(name)) expired.push(name);
  }
  const gone = new Set(expired);
  const there = new Set(backups.map(({ name }) => name));
  for (const base of state.bases) {
    const { backup } = base;
    if (gone.has(backup) || !there.has(backup)) expired.push(baseName(base));
  }
  return expired;
}

/** Ours, the oldest first. */
function datedBackups(backups: readonly KnownBackup[]): DatedBackup[] {
  return backups.flatMap((backup) => {
    const parsed = parseBackupName(backup.name);
    return parsed === undefined
      ? []
      : [{ ...backup, atMs: parsed.unixSec * 1000 }];
  }).sort((a, b) => a.atMs - b.atMs || (a.name < b.name ? -1 : 1));
}

/** The newest, and the newest that was verified. */
function newestOf(backups: readonly DatedBackup[]): string[] {
  return [backups.at(-1), backups.findLast(({ verified }) => verified)]
    .flatMap((backup) => backup === undefined ? [] : [backup.name]);
}

function byCluster(
  segments: readonly KnownSegment[],
): ReadonlyMap<string, readonly DatedSegment[]> {
  const clusters = new Map<string, DatedSegment[]>();
  for (const segment of segments) {
    const place = parseArchiveName(segment.name);
    if (place === undefined) continue;
    const known = clusters.get(place.clusterId) ?? [];
    known.push({ ...segment, ...place });
    clusters.set(place.clusterId, known);
  }
  return clusters;
}

/** Whether another cluster took this one's place, and that before the window begins. */
function isOver(
  clusterId: string,
  segments: readonly DatedSegment[],
  backups: readonly DatedBackup[],
  windowMs: number,
): boolean {
  const newest = backups.findLast((backup) => backup.clusterId !== undefined);
  if (newest === undefined || newest.clusterId === clusterId) return false;
  return segments.every(({ modifiedMs }) => modifiedMs < windowMs) &&
    backups.every((backup) =>
      backup.clusterId !== clusterId || backup.atMs < windowMs
    );
}

/** The newest backup of a cluster that is older than the window. */
function baseOf(
  backups: readonly DatedBackup[],
  clusterId: string,
  windowMs: number,
): DatedBackup | undefined {
  return backups.findLast((backup) =>
    backup.clusterId === clusterId && backup.index !== undefined &&
    backup.atMs < windowMs
  );
}
