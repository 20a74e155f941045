import { assert } from "../util/assert.ts";

/** What the name of a backup says, as Hiqlite's do. */
export interface BackupName {
  /** The node that made it. */
  readonly nodeId: number;
  /** When it was asked for, Unix seconds. */
  readonly unixSec: number;
}

/** What the name of a part of the archived log says. */
export interface ArchiveName {
  /** The cluster whose log it is. */
  readonly clusterId: string;
  /** Its first entry. */
  readonly first: number;
  /** Its last entry. */
  readonly last: number;
  /** The term of its last entry. */
  readonly term: number;
  /** When the newest of its entries was written, Unix milliseconds of its leader's clock; 0 if none of them says. */
  readonly timeMs: number;
}

/** What the name of a base says: the note beside the archived log that a backup can begin a replay of it. */
export interface BaseName {
  /** The cluster that the backup is of. */
  readonly clusterId: string;
  /** The last entry that is in the backup. */
  readonly index: number;
  /** When that was written, Unix milliseconds of its leader's clock. */
  readonly timeMs: number;
  /** The name of the backup. */
  readonly backup: string;
}

/** All backups begin with it. */
export const BACKUP_PREFIX = "backup_node_";

/** All parts of the archived log begin with it, and what is noted beside them. */
export const ARCHIVE_PREFIX = "log/";

const BACKUP = /^backup_node_([1-9]\d{0,8})_(0|[1-9]\d{0,10})\.sqlite$/;
const SEGMENT =
  /^log\/([A-Za-z0-9_-]{1,64})\/([\da-f]{16})-([\da-f]{16})_([\da-f]{16})_([\da-f]{16})\.seg$/;
const BASE =
  /^log\/([A-Za-z0-9_-]{1,64})\/([\da-f]{16})_([\da-f]{16})_([a-z0-9_.]{1,64})\.base$/;

/** `backup_node_<id>_<unixSec>.sqlite` */
export function backupName({ nodeId, unixSec }: BackupName): string {
  const name = `${BACKUP_PREFIX}${nodeId}_${unixSec}.sqlite`;
  assert(BACKUP.test(name), "no number of a node, or no time");
  return name;
}

/** Reads the name of a backup; undefined if it is none. */
export function parseBackupName(name: string): BackupName | undefined {
  const [, nodeId, unixSec] = BACKUP.exec(name) ?? [];
  if (nodeId === undefined) return undefined;
  return { nodeId: Number(nodeId), unixSec: Number(unixSec) };
}

/** `log/<cluster>/<first>-<last>_<term>_<time>.seg`, 16 hexadecimal digits each: names are in the order of the log. */
export function archiveName(segment: ArchiveName): string {
  const { clusterId, first, last, term, timeMs } = segment;
  const name = `${archivePrefix(clusterId)}${hex(first)}-${hex(last)}_${
    hex(term)
  }_${hex(timeMs)}.seg`;
  assert(SEGMENT.test(name) && first <= last, "no part of a log");
  return name;
}

/** What the names of a cluster's segments begin with. */
export function archivePrefix(clusterId: string): string {
  return `${ARCHIVE_PREFIX}${clusterId}/`;
}

/** Reads the name of a segment; undefined if it is none. */
export function parseArchiveName(name: string): ArchiveName | undefined {
  const [, clusterId, ...digits] = SEGMENT.exec(name) ?? [];
  if (clusterId === undefined) return undefined;
  const numbers = digits.map((each) => parseInt(each, 16));
  const [first, last, term, timeMs] = numbers;
  if (!numbers.every(Number.isSafeInteger) || first! > last!) return undefined;
  return {
    clusterId,
    first: first!,
    last: last!,
    term: term!,
    timeMs: timeMs!,
  };
}

/** `log/<cluster>/<index>_<time>_<backup>.base`, 16 hexadecimal digits for numbers. */
export function baseName(
  { clusterId, index, timeMs, backup }: BaseName,
): string {
  const name = `${archivePrefix(clusterId)}${hex(index)}_${
    hex(timeMs)
  }_${backup}.base`;
  assert(parseBaseName(name) !== undefined, "no base of an archived log");
  return name;
}

/** Reads the name of a base; undefined if it is none. */
export function parseBaseName(name: string): BaseName | undefined {
  const [, clusterId, ...rest] = BASE.exec(name) ?? [];
  if (clusterId === undefined) return undefined;
  const [index, timeMs] = rest.slice(0, 2).map((each) => parseInt(each, 16));
  const backup = rest[2]!;
  const known = Number.isSafeInteger(index) && Number.isSafeInteger(timeMs) &&
    parseBackupName(backup) !== undefined;
  return known
    ? { clusterId, index: index!, timeMs: timeMs!, backup }
    : undefined;
}

function hex(value: number): string {
  return value.toString(16).padStart(16, "0");
}
