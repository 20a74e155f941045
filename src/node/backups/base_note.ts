import { baseName } from "../../backup/names.ts";
import type { BackupStore } from "../../backup/object_store.ts";
import { HiqliteError } from "../../errors.ts";
import type {
  BackupContents,
  BackupRecord,
} from "../../state/backups/types.ts";

/** Notes beside the archived log what a backup holds that is in the store. Its name says where a replay would begin. */
export async function noteBase(
  store: BackupStore,
  { cluster, name }: BackupRecord,
  contents: BackupContents,
): Promise<void> {
  const { index, timeMs } = contents;
  const text = JSON.stringify(contents);
  try {
    await store.put(
      baseName({ clusterId: cluster, index, timeMs, backup: name }),
      new Blob([text]).stream(),
      { size: text.length },
    );
  } catch (error) {
    // An attempt that could not tell of it any more has noted the same.
    const there = error instanceof HiqliteError && error.code === "conflict";
    if (!there) throw error;
  }
}
