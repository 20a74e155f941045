import * as fs from "node:fs";
import { archiveName, BACKUP_PREFIX } from "../../src/backup/names.ts";
import {
  archivesOf,
  type ClusterArchive,
  reachableRanges,
} from "../../src/backup/point_in_time.ts";
import { poll } from "../cluster/harness.ts";

/** Names of all objects of a folder of backups. */
export function objectsIn(folder: string): string[] {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder, { recursive: true }).map(String)
    .filter((name) =>
      /^log\/.*\.(?:seg|base)$/.test(name) || name.startsWith(BACKUP_PREFIX)
    );
}

/** Waits until the archive of objects with these names reaches an index, and beyond a time in Unix milliseconds; the first cluster's. */
export async function untilArchived(
  names: () => Iterable<string>,
  index: number,
  beyondMs = 0,
): Promise<ClusterArchive> {
  let found: ClusterArchive | undefined;
  await poll(
    () =>
      `index ${index} and the time after ${beyondMs} in the archive: ${
        JSON.stringify(found && reachableRanges(found))
      }`,
    120_000,
    () => {
      found = archivesOf([...names()])[0];
      const range = found && reachableRanges(found).at(-1);
      return Promise.resolve(
        range !== undefined && range.lastIndex >= index &&
          range.lastTimeMs > beyondMs,
      );
    },
  );
  return found!;
}

/** The name of the segment that holds an entry. */
export function segmentWith(
  { segments }: ClusterArchive,
  index: number,
): string {
  return archiveName(
    segments.find(({ first, last }) => first <= index && index <= last)!,
  );
}
