import { HiqliteError } from "../errors.ts";
import { BACKUP_BEGIN, BACKUP_LIST } from "../api/routes/backup.ts";
import type { BackupRecord } from "../state/backups/types.ts";
import type { CallOptions, WriteOptions } from "./call_options.ts";
import { pause } from "../util/abort.ts";
import type { Transport } from "./transport.ts";

/** Between two looks at what became of a backup, ms. */
const LOOK_MS = 500;
/** After so many looks in which no member knows of it, there is none. */
const UNKNOWN_MAX = 60;
const NEVER = new AbortController().signal;

/** How a backup is asked for. */
export interface BackupOptions extends Omit<WriteOptions, "maxRunMs"> {
  /** Hears of every attempt, and of what went wrong with the one before. */
  readonly progress?: (record: BackupRecord) => void;
}

/** Takes a backup and waits until it is where it shall be. @throws {HiqliteError} `storage` if it failed. */
export async function takeBackup(
  transport: Transport,
  options: BackupOptions,
): Promise<BackupRecord> {
  const { progress = () => {}, signal = NEVER } = options;
  const { timeoutMs, idempotencyKey } = options;
  const begun = await transport.call(BACKUP_BEGIN, {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  }, options);
  progress(begun);
  let seen = begun;
  for (let unknown = 0; seen.state === "running"; unknown++) {
    await pause(LOOK_MS, signal);
    signal.throwIfAborted();
    const records = await listBackups(transport, { signal });
    const record = records.find(({ id }) => id === begun.id);
    if (record !== undefined) unknown = 0;
    else if (unknown >= UNKNOWN_MAX) throw forgotten(begun);
    const { attempt, error } = record ?? seen;
    const news = attempt !== seen.attempt || error !== seen.error;
    seen = record ?? seen;
    if (news) progress(seen);
  }
  if (seen.state === "done") return seen;
  throw new HiqliteError(
    "storage",
    `The backup ${seen.id} failed after ${seen.attempt} attempts: ${seen.error}`,
  );
}

function forgotten({ id }: BackupRecord): HiqliteError {
  return new HiqliteError(
    "not_found",
    `No member knows of the backup ${id} any more`,
  );
}

/** The last hundred backups. */
export function listBackups(
  transport: Transport,
  options: CallOptions,
): Promise<readonly BackupRecord[]> {
  return transport.call(BACKUP_LIST, undefined, options);
}
