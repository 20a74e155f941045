import assert from "node:assert/strict";
import {
  archiveName,
  backupName,
  baseName,
} from "../../../src/backup/names.ts";
import { FolderStore } from "../../../src/backup/stores/folder_store.ts";
import { LocalStore } from "../../../src/backup/stores/local_store.ts";
import { retainStored } from "../../../src/node/backups/stored_retention.ts";
import { silentLogger } from "../../../src/util/logger.ts";
import { objectsIn } from "../../backup/archived.ts";
import { bytesOf } from "../../backup/bytes.ts";
import { TestFolder } from "../../backup/stopped_member.ts";

const NOW = Date.UTC(2026, 10, 27);
const DAY_MS = 86_400_000;

Deno.test("retainStored() leaves the backup before the window, its note and the log since, and deletes what came before, by what is in the store alone", async () => {
  await using folder = new TestFolder();
  const store = new LocalStore(new FolderStore(folder.at("store")), null);
  const backups = [50, 40, 1].map((daysAgo) =>
    backupName({ nodeId: 1, unixSec: (NOW - daysAgo * DAY_MS) / 1000 })
  );
  const bases = backups.map((backup, at) =>
    baseName({ clusterId: "one", index: 100 * (at + 1), timeMs: 1, backup })
  );
  const segments = [101, 151, 201, 251, 301].map((first) =>
    archiveName({
      clusterId: "one",
      first,
      last: first + 49,
      term: 1,
      timeMs: first,
    })
  );
  const all = [...backups, ...bases, ...segments];
  for (const name of all) await store.put(name, bytesOf(new Uint8Array(9)));
  await retainStored(store, [], {
    clock: { wall: () => NOW, monotonic: () => 0 },
    keepDays: 30,
    logger: silentLogger,
  });
  const gone = [backups[0]!, bases[0]!, segments[0]!, segments[1]!];
  assert.deepEqual(
    objectsIn(folder.at("store")).toSorted(),
    all.filter((name) => !gone.includes(name)).toSorted(),
  );
});
