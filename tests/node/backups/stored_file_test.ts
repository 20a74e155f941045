import assert from "node:assert/strict";
import { HiqliteError } from "../../../src/errors.ts";
import { openBackup } from "../../../src/node/backups/stored_file.ts";
import type { BackupStore } from "../../../src/backup/object_store.ts";
import type { BackupRecord } from "../../../src/state/backups/types.ts";

const NAME = "backup_node_1_1.sqlite";
const RECORD = {
  name: NAME,
  state: "done",
  place: "store",
  contents: { size: 6 },
} as BackupRecord;
const store = {
  get: () => Promise.resolve(new Blob(["stored"]).stream()),
} as unknown as BackupStore;

function copyThatFails(error: HiqliteError) {
  return {
    head: () =>
      Promise.resolve({ name: NAME, size: 4, modifiedMs: 0, etag: "" }),
    get: () => Promise.reject(error),
  };
}

Deno.test("a copy that goes after it was seen is no answer: the backup comes from the store", async () => {
  const copies = copyThatFails(new HiqliteError("not_found", "gone"));
  const { size, bytes } = await openBackup([RECORD], NAME, { store, copies });
  assert.deepEqual([size, await new Response(bytes).text()], [6, "stored"]);
});

Deno.test("a copy that cannot be read is said to be so", async () => {
  const copies = copyThatFails(new HiqliteError("storage", "the disk failed"));
  await assert.rejects(
    openBackup([RECORD], NAME, { store, copies }),
    /the disk failed/,
  );
});
