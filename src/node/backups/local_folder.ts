import * as fs from "node:fs";
import { join } from "node:path";
import { parseBackupName } from "../../backup/names.ts";
import { expiredObjects } from "../../backup/retention.ts";
import type { RaftGroup } from "../../group/group.ts";
import type {
  BackupContents,
  BackupRecord,
} from "../../state/backups/types.ts";
import type { Snapshot } from "../../state/port.ts";
import { requireRoom } from "../../backup/room.ts";
import { syncPathLater } from "../../util/durable_file.ts";

/** What is not whole yet. */
const PARTIAL = ".part";

/** A snapshot that is lent until it is released. */
interface Lent {
  readonly snapshot: Snapshot;
  release(): void;
}

/** The copies on a member's own disk: plain SQLite files, as the database beside them is. */
export class LocalBackups {
  readonly #folder: string;

  /** Below `folder`, which is made with the first copy. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Where the copy of this name is. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  /** Where something that is not whole yet is put. */
  partial(name: string): string {
    return this.path(`${name}${PARTIAL}`);
  }

  /** Makes the folder, and removes what never became whole. */
  open(): void {
    fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of fs.readdirSync(this.#folder)) {
      if (name.endsWith(PARTIAL)) fs.rmSync(join(this.#folder, name));
    }
  }

  /** Whether there is a copy of this name. */
  has(name: string): boolean {
    return fs.existsSync(this.path(name));
  }

  /**
   * Keeps the group's state at or after the entry that began a backup, as one durable file. The snapshot is shared with
   * followers that are behind, and gets a further name; writes go on. `bytes`: the size of the database.
   * @throws {HiqliteError} `disk_full` if it will not fit.
   */
  async copy(
    group: RaftGroup,
    { name, began }: BackupRecord,
    bytes: number,
  ): Promise<BackupContents> {
    this.open();
    await requireRoom(name, this.#folder, bytes);
    const { snapshot, release } = await lend(group, began);
    try {
      if (snapshot.keep === undefined) {
        throw new Error("This state cannot be kept as a file");
      }
      const { last, size, sha256 } = snapshot;
      const state = await snapshot.keep(this.partial(name));
      // One of that name is of an attempt that was interrupted.
      await fs.promises.rename(this.partial(name), this.path(name));
      await syncPathLater(this.#folder);
      return { index: last.index, term: last.term, ...state, size, sha256 };
    } finally {
      release();
    }
  }

  /** Removes a copy. */
  async remove(name: string): Promise<void> {
    await fs.promises.rm(this.path(name), { force: true });
  }

  /** Removes copies that are older than `keepDays`, but never the newest one. */
  async retain(keepDays: number, nowMs: number): Promise<readonly string[]> {
    if (!fs.existsSync(this.#folder)) return [];
    const names = fs.readdirSync(this.#folder).filter((name) =>
      parseBackupName(name) !== undefined
    );
    const expired = expiredObjects({
      backups: names.map((name) => ({ name, verified: false })),
      segments: [],
      bases: [],
      nowMs,
      keepDays,
      lastRunSucceeded: true,
    });
    for (const name of expired) await this.remove(name);
    return expired;
  }
}

function lend(group: RaftGroup, atLeast: number): Promise<Lent> {
  return new Promise((resolve, reject) => {
    const lease = group.snapshots.use(atLeast, (error, snapshot) => {
      if (snapshot === null) return reject(error);
      // It may be there before the lease is.
      queueMicrotask(() =>
        resolve({ snapshot, release: () => lease.release() })
      );
    });
  });
}
