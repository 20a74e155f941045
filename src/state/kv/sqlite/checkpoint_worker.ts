import * as fs from "node:fs";
import { dirname } from "node:path";
import { HiqliteError } from "../../../errors.ts";
import type { ByteWriter } from "../../../util/bytes.ts";
import { syncPath } from "../../../util/durable_file.ts";
import { okAnswer } from "../../sqlite/thread/answers.ts";
import { serveRequests } from "../../sqlite/thread/worker_handle.ts";
import {
  type CheckpointOptions,
  CheckpointRequest,
} from "./checkpoint_protocol.ts";
import type { CacheDatabase } from "./database.ts";
import { openCacheFile } from "./schema.ts";

serveRequests<CheckpointOptions>(({ path }) => {
  const database = openCacheFile(path);
  // Whoever holds the lock for writing goes first; see `restart`.
  database.exec("PRAGMA busy_timeout = 0");
  return {
    opened: okAnswer(),
    answer(request) {
      if (request.u8() === CheckpointRequest.restart) {
        return told(() => restart(database));
      }
      syncWal(path);
      return told(() => backfill(database));
    },
    // The last connection writes the WAL into the file, which is why it is this one.
    close: () => database.close(),
  };
});

/** Makes all that is committed durable, in the WAL: the file may have no room for it yet. */
function syncWal(path: string): void {
  const wal = `${path}-wal`;
  if (!fs.existsSync(wal)) return;
  syncPath(wal);
  syncPath(dirname(path));
}

/** Answers how many pages `work` left in the WAL, and whether for want of room. */
function told(work: () => number): ByteWriter {
  try {
    return okAnswer().u53(work()).u8(0);
  } catch (error) {
    if (!isFull(error)) throw error;
    return okAnswer().u53(1).u8(1);
  }
}

/** Writes what it can without waiting for anybody; how many pages are left. */
function backfill(database: CacheDatabase): number {
  const row = database.prepare("PRAGMA wal_checkpoint(PASSIVE)").get()!;
  const [, frames, written] = row.map(Number);
  return Math.max(0, frames! - written!);
}

/** Writes the rest and has the WAL begin anew: the first commit after all of it was written does so, and waits for the disk. */
function restart(database: CacheDatabase): number {
  const left = backfill(database);
  if (left > 0) return left;
  try {
    database.exec("UPDATE restarts SET count = count + 1");
  } catch (error) {
    // Somebody writes all the same, and will have it begin anew.
    if (!isBusy(error)) throw error;
  }
  // The one page of it stays there: were it written, the next commit would begin the WAL anew once more.
  return 0;
}

function isFull(error: unknown): boolean {
  return error instanceof HiqliteError && error.code === "disk_full";
}

function isBusy(error: unknown): boolean {
  return /database is locked/.test((error as Error).message);
}
