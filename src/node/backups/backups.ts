import { createHash } from "node:crypto";
import { FolderStore } from "../../backup/stores/folder_store.ts";
import { HiqliteError } from "../../errors.ts";
import type { LogIndex } from "../../raft/types.ts";
import type { BackupRecord } from "../../state/backups/types.ts";
import type {
  BackupFile,
  BackupRequest,
  MemberBackups,
} from "../backup_port.ts";
import { LogArchiver } from "./archiver.ts";
import { BackupConductor, beginning } from "./conductor.ts";
import type { BackupPorts } from "./ports.ts";
import { BackupRecords } from "./records.ts";
import { openBackup } from "./stored_file.ts";
import { BackupTaker } from "./taker.ts";

/** The backups of a member: begun by entries, conducted by whoever leads, taken by whoever is named. */
export class Backups implements MemberBackups {
  readonly #ports: BackupPorts;
  readonly #records: BackupRecords;
  readonly #conductor: BackupConductor;
  readonly #taker: BackupTaker;
  readonly #archiver: LogArchiver;

  /** Takes none until {@linkcode tick} is called. */
  constructor(ports: BackupPorts) {
    this.#ports = ports;
    this.#records = new BackupRecords(ports);
    this.#conductor = new BackupConductor(ports, this.#records);
    this.#taker = new BackupTaker(ports, this.#records);
    this.#archiver = new LogArchiver(ports, this.#records);
  }

  /** See {@linkcode MemberBackups.begin}. */
  async begin(request: BackupRequest): Promise<BackupRecord> {
    const group = this.#ports.group();
    if (group === null) {
      throw new HiqliteError(
        "no_leader",
        "This member is in no cluster yet, or is being rebuilt",
      );
    }
    return await this.#records.change({
      kind: "begin",
      id: idOf(request),
      slot: null,
      ...beginning(group, this.#ports, this.#records.own()),
    }, request.timeoutMs);
  }

  /** See {@linkcode MemberBackups.list}. */
  list(): readonly BackupRecord[] {
    return this.#records.all();
  }

  /** See {@linkcode MemberBackups.next}. */
  next(): number | null {
    const { schedule, clock } = this.#ports;
    return schedule?.next(clock.wall()) ?? null;
  }

  /** See {@linkcode MemberBackups.file}. */
  file(name: string): Promise<BackupFile> {
    const { store, folder } = this.#ports;
    const copies = new FolderStore(folder);
    return openBackup(this.list(), name, { store, copies });
  }

  /** Goes on with what is to be done. Call it a few times a second. */
  tick(): void {
    this.#conductor.tick();
    this.#taker.tick();
    void this.#archiver.tick();
  }

  /** The last entry of the log that is archived, as this member knows it; null where the log is not archived. */
  archivedThrough(): LogIndex | null {
    if (this.#ports.logIntervalMs === 0) return null;
    try {
      return this.#records.archived()?.through ?? null;
    } catch {
      // While a snapshot takes the place of the state nobody knows, and nothing may go.
      return 0;
    }
  }

  /** Ends what is under way here. */
  async close(): Promise<void> {
    await Promise.all([this.#taker.close(), this.#archiver.close()]);
    await this.#ports.store?.close();
  }
}

/** Who asks again with the same key asks for the same backup. */
function idOf({ idempotencyKey = "" }: BackupRequest): string {
  return idempotencyKey === ""
    ? crypto.randomUUID()
    : `key-${createHash("sha256").update(idempotencyKey).digest("hex")}`
      .slice(0, 36);
}
