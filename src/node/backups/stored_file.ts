import type { BackupStore, ObjectStore } from "../../backup/object_store.ts";
import { HiqliteError } from "../../errors.ts";
import { nodeIdOf } from "../../raft/types.ts";
import type { BackupRecord } from "../../state/backups/types.ts";
import type { BackupFile } from "../backup_port.ts";

/** Where a member finds backups. */
export interface BackupPlaces {
  readonly store: BackupStore | null;
  /** Copies on this member. */
  readonly copies: Pick<ObjectStore, "head" | "get">;
}

/** Opens a finished backup: the copy of this member if it has one, else what is in the store. */
export async function openBackup(
  records: readonly BackupRecord[],
  name: string,
  { store, copies }: BackupPlaces,
): Promise<BackupFile> {
  const record = records.find((each) =>
    each.name === name && each.state === "done"
  );
  if (record === undefined) {
    throw new HiqliteError(
      "not_found",
      `There is no finished backup ${
        JSON.stringify(name.slice(0, 80))
      } in the list`,
    );
  }
  const copy = await openCopy(name, copies);
  if (copy !== null) return copy;
  if (record.place === "folder") {
    throw new HiqliteError(
      "conflict",
      `${name} is in the folder of node ${
        nodeIdOf(record.uploader)
      }, or gone from there: ask that member`,
    );
  }
  if (store === null) {
    throw new HiqliteError(
      "conflict",
      `${name} is in a store, and this member is configured without one`,
    );
  }
  const { size } = record.contents!;
  return { name, size, bytes: await store.get(name) };
}

/** A member that keeps copies made its own: the same rows, maybe in other pages. Null if it has none, or it goes just now. */
async function openCopy(
  name: string,
  copies: BackupPlaces["copies"],
): Promise<BackupFile | null> {
  const copy = await copies.head(name);
  if (copy === null) return null;
  try {
    return { name, size: copy.size, bytes: await copies.get(name) };
  } catch (error) {
    if (error instanceof HiqliteError && error.code === "not_found") {
      return null;
    }
    throw error;
  }
}
