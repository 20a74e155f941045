import type { BackupStore } from "./object_store.ts";

/** What came of a sweep. */
export interface SweepResult {
  /** Names of what is gone. */
  readonly deleted: readonly string[];
  /** What is there still, and why. */
  readonly kept: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * Deletes objects one by one, and looks whether they are gone: some servers
 * say yes and keep them. What cannot be deleted is no error, since a backup is
 * no worse for it.
 */
export async function sweep(
  store: Pick<BackupStore, "delete" | "head">,
  names: readonly string[],
): Promise<SweepResult> {
  const deleted: string[] = [];
  const kept: { name: string; reason: string }[] = [];
  for (const name of names) {
    try {
      await store.delete(name);
      if (await store.head(name) === null) deleted.push(name);
      else kept.push({ name, reason: "it is there although it was deleted" });
    } catch (error) {
      kept.push({ name, reason: (error as Error).message });
    }
  }
  return { deleted, kept };
}
