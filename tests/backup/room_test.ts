import assert from "node:assert/strict";
import * as fs from "node:fs";
import { copyBackup } from "../../src/app/backup_store.ts";
import type { BackupStore } from "../../src/backup/object_store.ts";
import type { RaftGroup } from "../../src/group/group.ts";
import { requireRoom } from "../../src/backup/room.ts";
import { freeBytes } from "../../src/util/free_room.ts";
import { LocalBackups } from "../../src/node/backups/local_folder.ts";
import type { BackupRecord } from "../../src/state/backups/types.ts";
import { TestFolder } from "./stopped_member.ts";

const NAME = "backup_node_1_1000.sqlite";
const HUGE = 2 ** 60;

Deno.test("a backup that will not fit is refused before anything is asked for or written", async () => {
  await using folder = new TestFolder();
  const asked: string[] = [];
  const store = {
    head: () =>
      Promise.resolve({ name: NAME, size: HUGE, modifiedMs: 0, etag: "" }),
    get: () => Promise.reject(asked.push("get")),
  } as unknown as BackupStore;
  const path = folder.at("copy.sqlite");
  const refusal = {
    code: "disk_full",
    message:
      /no room for backup_node_1_1000\.sqlite in .* needs \d+ bytes, \d+ are free/,
  };
  await assert.rejects(copyBackup(store, NAME, path), refusal);
  assert.equal(fs.existsSync(path), false);
  const group = {
    snapshots: { use: () => asked.push("snapshot") },
  } as unknown as RaftGroup;
  const record = { name: NAME, began: 1 } as BackupRecord;
  const local = new LocalBackups(folder.at("backups"));
  await assert.rejects(local.copy(group, record, HUGE), refusal);
  assert.deepEqual(asked, []);
});

Deno.test("requireRoom() takes what fits, and refuses what does not with path, needed and free bytes", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hiqlite-room-" });
  try {
    assert.ok((await freeBytes(folder))! > 0);
    await requireRoom("a file", folder, 1);
    const needed = 2 ** 60;
    await assert.rejects(requireRoom("a file", folder, needed), (error) => {
      const { code, message } = error as Error & { code: string };
      assert.equal(code, "disk_full");
      assert.match(
        message,
        new RegExp(
          `^There is no room for a file in ${folder}: it needs ${needed} bytes, \\d+ are free\\. `,
        ),
      );
      return true;
    });
  } finally {
    await Deno.remove(folder);
  }
});

Deno.test("requireRoom() lets it be tried where nobody can say", async () => {
  assert.equal(await freeBytes("/nowhere/at/all"), null);
  await requireRoom("a file", "/nowhere/at/all", 2 ** 60);
});
