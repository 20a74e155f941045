import { stat } from "node:fs/promises";
import { freeBytes } from "../../util/free_room.ts";

/** How much room the database takes, and how much there is. */
export interface VolumeSizes {
  readonly dbBytes: number;
  readonly walBytes: number;
  /** Null if the system does not say, or this process may not ask (`--allow-sys=statfs`). */
  readonly diskFreeBytes: number | null;
}

/** Of a database in memory, and before the first look. */
export const NO_SIZES: VolumeSizes = {
  dbBytes: 0,
  walBytes: 0,
  diskFreeBytes: null,
};

/** Looks at the database's file, at SQLite's log beside it, and at the disk. Never rejects: what cannot be seen is left out. */
export async function measureVolume(path: string): Promise<VolumeSizes> {
  const [dbBytes, walBytes, diskFreeBytes] = await Promise.all([
    bytesOf(path),
    bytesOf(`${path}-wal`),
    freeBytes(path),
  ]);
  return { dbBytes, walBytes, diskFreeBytes };
}

async function bytesOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
