import type { BackupFacts } from "../../backups/types.ts";
import { StateDamagedError } from "../../port.ts";
import { readPosition } from "../apply/bookkeeping.ts";
import { readBackups } from "../backups/hosted_backups.ts";
import { NO_BINDINGS, type SqliteDriver } from "../driver/driver.ts";

/**
 * Reads the whole file at `path`, which nobody uses, and what it says of itself. Blocks the thread.
 * @throws {StateDamagedError} if its pages do not fit together.
 * @throws {Error} if it is no database of ours, or of another format.
 */
export function readBackupFile(
  driver: SqliteDriver,
  path: string,
): BackupFacts {
  const connection = driver.open(path, { readOnly: true });
  try {
    const [[found]] = connection.prepare("PRAGMA quick_check(1)")!
      .all(NO_BINDINGS) as [[string]];
    if (found.startsWith("*** in database")) {
      throw new StateDamagedError(
        `${path} is damaged: ${found.replaceAll("\n", " ").slice(0, 200)}`,
      );
    }
    const position = readPosition(connection);
    if (position === null) {
      throw new Error(
        `${path} is a SQLite database that no member of ours has written`,
      );
    }
    const { applied, timeMs, hash } = position;
    const records = readBackups(connection);
    // It was being taken when the copy was made, and so it stands in the copy.
    const record = records.findLast(({ state }) => state === "running") ?? null;
    const cluster = (record ?? records.at(-1))?.cluster ?? null;
    return { applied, timeMs, hash, cluster, record };
  } finally {
    connection.close();
  }
}
