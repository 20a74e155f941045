import { HiqliteError } from "../errors.ts";
import {
  type ArchiveName,
  type BaseName,
  parseArchiveName,
  parseBackupName,
  parseBaseName,
} from "./names.ts";

/** Up to where a state is restored. */
export type Point =
  /** With this entry, and none after it. */
  | { readonly kind: "index"; readonly index: number }
  /** With all entries that were written up to then, Unix milliseconds, and none that follows one of later. */
  | { readonly kind: "time"; readonly timeMs: number };

/** What is archived of a cluster, in the order of its log. */
export interface ClusterArchive {
  readonly clusterId: string;
  /** Backups that are there. */
  readonly bases: readonly BaseName[];
  readonly segments: readonly ArchiveName[];
}

/** Points of a cluster that can be restored, all between two. */
export interface ReachableRange {
  readonly firstIndex: number;
  readonly firstTimeMs: number;
  readonly lastIndex: number;
  /** The last moment that is known to be there whole; before the first one, if none is. */
  readonly lastTimeMs: number;
}

/** How a point is restored. */
export interface RestorePlan {
  readonly base: BaseName;
  /** What is replayed onto it, in order; they may overlap, and go on beyond the point. */
  readonly segments: readonly ArchiveName[];
  readonly point: Point;
}

/** What follows on a base without a gap. */
interface Coverage {
  readonly segments: readonly ArchiveName[];
  readonly last: number;
  readonly timeMs: number;
}

/** What is archived, by the names of all objects of a store; of each cluster that has a backup, or of which only the log is left. */
export function archivesOf(names: readonly string[]): ClusterArchive[] {
  const backups = new Set(
    names.filter((name) => parseBackupName(name) !== undefined),
  );
  const bases = names.map(parseBaseName)
    .filter((base) => base !== undefined && backups.has(base.backup))
    .map((base) => base!)
    .toSorted((a, b) => a.index - b.index);
  const segments = names.map(parseArchiveName)
    .filter((segment) => segment !== undefined)
    .toSorted((a, b) => a.first - b.first || b.last - a.last);
  return [
    ...new Set([...bases, ...segments].map(({ clusterId }) => clusterId)),
  ].map((clusterId) => ({
    clusterId,
    bases: bases.filter((each) => each.clusterId === clusterId),
    segments: segments.filter((each) => each.clusterId === clusterId),
  }));
}

/** Which points of a cluster can be restored, the oldest first. */
export function reachableRanges(
  archive: ClusterArchive,
): readonly ReachableRange[] {
  const ranges: ReachableRange[] = [];
  for (const base of archive.bases) {
    // What follows on an older base without a gap holds this one, too.
    if ((ranges.at(-1)?.lastIndex ?? -1) >= base.index) continue;
    const { last, timeMs } = coverage(archive.segments, base, () => false);
    ranges.push({
      firstIndex: base.index,
      firstTimeMs: base.timeMs,
      lastIndex: last,
      lastTimeMs: timeMs - 1,
    });
  }
  return ranges;
}

/**
 * How to restore a point: the newest backup at or before it, and what follows on that.
 * @throws {HiqliteError} `invalid` if it cannot be restored, with what can be; or if more than one cluster has it and `clusterId` is null.
 */
export function planRestore(
  archives: readonly ClusterArchive[],
  point: Point,
  clusterId: string | null,
): RestorePlan {
  const asked = archives.filter((archive) =>
    clusterId === null || archive.clusterId === clusterId
  );
  if (asked.length === 0) throw nothing(clusterId);
  const found = asked.map((archive) => planOf(archive, point));
  const plans = found.filter((plan) => typeof plan !== "string");
  if (plans.length === 1) return plans[0]!;
  const said = asked.map((archive) => describeRanges(archive)).join("; ");
  throw new HiqliteError(
    "invalid",
    plans.length > 1
      ? `${
        pointText(point)
      } is in the archives of ${plans.length} clusters, name one of them (--cluster): ${said}`
      : `${
        found.join("; ")
      }. What can be restored: ${said}. A backup as a whole: --from`,
  );
}

/** A base with all of the archived log that follows on it. */
export function wholePlan(
  { segments }: ClusterArchive,
  base: BaseName,
): RestorePlan {
  const whole = coverage(segments, base, () => false);
  const point = { kind: "index", index: whole.last } as const;
  return { base, segments: whole.segments, point };
}

/** What can be restored of a cluster, in words. */
export function describeRanges(archive: ClusterArchive): string {
  const ranges = reachableRanges(archive).map((range) =>
    range.lastTimeMs < range.firstTimeMs
      ? `index ${range.firstIndex} to ${range.lastIndex}`
      : `index ${range.firstIndex} to ${range.lastIndex} (${
        timeText(range.firstTimeMs)
      } to ${timeText(range.lastTimeMs)})`
  );
  return `of cluster ${archive.clusterId} ${
    ranges.length === 0
      ? "nothing: the backup that its log follows on is missing"
      : ranges.join(", ")
  }`;
}

/** A plan, or why there is none. */
function planOf(archive: ClusterArchive, point: Point): RestorePlan | string {
  const { clusterId, bases, segments: all } = archive;
  if (bases.length === 0) {
    return `The log of cluster ${clusterId} is archived, index ${
      all[0]!.first
    } to ${
      all.reduce((most, { last }) => Math.max(most, last), 0)
    }, and no backup that it follows on: it was deleted, or is in another store`;
  }
  const base = bases.findLast((each) =>
    point.kind === "index"
      ? each.index <= point.index
      : each.timeMs <= point.timeMs
  );
  if (base === undefined) {
    return `${
      pointText(point)
    } is before the oldest backup of cluster ${clusterId}`;
  }
  const { segments, last, timeMs } = coverage(
    all,
    base,
    (reached, reachedMs) =>
      point.kind === "index"
        ? reached >= point.index
        : reachedMs > point.timeMs,
  );
  const there = point.kind === "index"
    ? last >= point.index
    // What else was committed in the newest entry's millisecond may not be archived yet.
    : timeMs > point.timeMs;
  if (there) return { base, segments, point };
  const next = nextAfter(archive, last);
  return next === undefined
    ? `${
      pointText(point)
    } is after what is archived of cluster ${archive.clusterId}, up to ${
      point.kind === "index" ? `index ${last}` : timeText(timeMs - 1)
    }`
    : `${
      pointText(point)
    } cannot be reached in cluster ${archive.clusterId}: the entries ${
      last + 1
    } to ${next - 1} are missing in the archive`;
}

/** What follows on a base, until it is enough. */
function coverage(
  segments: readonly ArchiveName[],
  base: BaseName,
  enough: (last: number, timeMs: number) => boolean,
): Coverage {
  const taken: ArchiveName[] = [];
  let { index: last, timeMs } = base;
  let next: ArchiveName | undefined;
  let at = 0;
  while (!enough(last, timeMs)) {
    for (; at < segments.length && segments[at]!.first <= last + 1; at++) {
      const segment = segments[at]!;
      if (segment.last > (next?.last ?? 0)) next = segment;
    }
    if (next === undefined || next.last <= last) break;
    taken.push(next);
    last = next.last;
    timeMs = Math.max(timeMs, next.timeMs);
  }
  return { segments: taken, last, timeMs };
}

/** The first entry after a gap that something is there of. */
function nextAfter(
  { bases, segments }: ClusterArchive,
  last: number,
): number | undefined {
  const segment = segments.find(({ first }) => first > last)?.first;
  const base = bases.find(({ index }) => index > last)?.index;
  return segment === undefined || base !== undefined && base < segment
    ? base
    : segment;
}

function nothing(clusterId: string | null): HiqliteError {
  return new HiqliteError(
    "invalid",
    clusterId === null
      ? "Nothing is archived in the store that a point in time could be restored from (backup_log_interval): restore a backup as a whole, --from latest"
      : `Nothing is archived in the store of a cluster ${clusterId}`,
  );
}

function pointText(point: Point): string {
  return point.kind === "index"
    ? `Index ${point.index}`
    : `The time ${timeText(point.timeMs)}`;
}

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
