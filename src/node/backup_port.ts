import type { BackupRecord } from "../state/backups/types.ts";

/** What a backup is begun with. */
export interface BackupRequest {
  /** A retry with the same key begins one; at most 128 bytes of UTF-8. */
  readonly idempotencyKey?: string;
  /** How long to wait until it is begun, ms; a leader is looked for at most 10 s of it. @default {120_000} */
  readonly timeoutMs?: number;
}

/** A backup as a file: plain SQLite, however it is stored. */
export interface BackupFile {
  /** As the list calls it. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** To be read to its end, or cancelled. Fails with `storage` where what is stored is damaged. */
  readonly bytes: ReadableStream<Uint8Array>;
}

/** What a member offers of backups. */
export interface MemberBackups {
  /**
   * Begins a backup, which some member takes. Its record tells what becomes of it.
   * @throws {HiqliteError} `conflict` while another one is being taken; `no_leader`, `overloaded`; `outcome_unknown`.
   */
  begin(request: BackupRequest): Promise<BackupRecord>;
  /** The last hundred, as this member knows them, in the order in which they began. */
  list(): readonly BackupRecord[];
  /** When the schedule of this member has the next one, ms since 1970; null: it has none. */
  next(): number | null;
  /**
   * A finished backup of the list, from this member's folder or the store.
   * @throws {HiqliteError} `not_found` if there is no such backup, or it is gone; `conflict` if only another member has it.
   */
  file(name: string): Promise<BackupFile>;
}
