import { HiqliteError } from "../errors.ts";
import { freeBytes } from "../util/free_room.ts";

/**
 * Looks before a large file is begun whether it will fit; `what` is to be made below `folder`, which is there. Where
 * nobody can say, it is tried.
 * @throws {HiqliteError} `disk_full` if fewer than `bytes` are free.
 */
export async function requireRoom(
  what: string,
  folder: string,
  bytes: number,
): Promise<void> {
  const free = await freeBytes(folder);
  if (free === null || free >= bytes) return;
  throw new HiqliteError(
    "disk_full",
    `There is no room for ${what} in ${folder}: it needs ${bytes} bytes, ${free} are free. Make room, or use another disk`,
  );
}
